"""Accounts of the simulator: keys, balances free and locked, fees; nothing is ever lost.

Strategy: every change of a balance is a move between an account, the fees and
the market. ``Ledger.check`` adds everything up; the sums must be what was paid in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

ZERO = Decimal(0)
DEFAULT_BALANCES = {"JPY": Decimal(10_000_000), "BTC": Decimal(1), "ETH": Decimal(10), "BNB": Decimal(10)}


def demo_key(name: str) -> str:
    """The published test key of that name (64 letters and digits); it opens nothing but a simulator."""
    # derived, so that a printed test key is the same on every machine
    return hashlib.sha256(f"autotrader simulator key {name}".encode()).hexdigest()


def demo_secret(name: str) -> str:
    """The published test secret of that name; it opens nothing but a simulator."""
    return hashlib.sha256(f"autotrader simulator secret {name}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Rates:
    """Commission rates as shares of what is received; buyer's or seller's comes on top of maker's or taker's."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO
    buyer: Decimal = ZERO
    seller: Decimal = ZERO

    def of(self, *, maker: bool, buying: bool) -> Decimal:
        """The rate of one fill."""
        return (self.maker if maker else self.taker) + (self.buyer if buying else self.seller)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as a user describes it. Rates are shares (0.001 is 0.1 %)."""

    key: str
    secret: str = field(repr=False)
    balances: Mapping[str, Decimal] = field(default_factory=lambda: dict(DEFAULT_BALANCES))
    name: str = "main"
    maker_rate: Decimal = Decimal("0.001")
    taker_rate: Decimal = Decimal("0.001")
    bnb_fees: bool = False
    """Pays commission in BNB, at ``bnb_discount`` of the standard rate, when it has enough."""
    bnb_discount: Decimal = Decimal("0.75")
    may_trade: bool = True
    """False: the key may read only."""
    can_trade: bool = True
    """False: the account itself is barred from placing and cancelling."""
    permissions: tuple[str, ...] = ("SPOT",)
    buyer_rate: Decimal = ZERO
    seller_rate: Decimal = ZERO
    special: Rates = Rates()
    """Special commission; never discounted."""
    tax: Rates = Rates()
    """Tax commission; never discounted."""
    trade_group: int = -1
    """Accounts of one group do not trade with each other either; -1: in no group."""
    max_assets: Mapping[str, Decimal] = field(default_factory=dict)
    """MAX_ASSET: the most of an asset that one order may move."""
    ip_restrict: bool = True
    may_withdraw: bool = False
    may_transfer: bool = False
    """Between the account's own wallets (``permitsUniversalTransfer``)."""
    may_transfer_inside: bool = False
    """To other customers (``enableInternalTransfer``)."""
    may_read: bool = True
    may_margin: bool = False
    trading_ends_ms: int | None = None
    """When the key's right to trade ends; None: a year after the start; 0: the field is left out."""
    public_key: str | None = None
    """PEM of an RSA or Ed25519 public key; then its signatures are checked with it and ``secret`` is not used."""

    @property
    def standard(self) -> Rates:
        """Standard commission, which paying in BNB makes smaller."""
        return Rates(self.maker_rate, self.taker_rate, self.buyer_rate, self.seller_rate)

    @property
    def owner(self) -> str:
        """Who counts as the same in self-trade prevention."""
        return self.name if self.trade_group < 0 else f"group {self.trade_group}"

    @classmethod
    def named(cls, name: str, balances: Mapping[str, Decimal | str | int] | None = None) -> Account:
        """An account with the published test key and secret of ``name``."""
        amounts = DEFAULT_BALANCES if balances is None else {a: Decimal(v) for a, v in balances.items()}
        return cls(demo_key(name), demo_secret(name), amounts, name)


class Balance:
    """One asset of one account."""

    __slots__ = ("free", "locked")

    def __init__(self, free: Decimal = ZERO) -> None:
        self.free = free
        self.locked = ZERO


class Purse:
    """All balances of one account."""

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self.assets: dict[str, Balance] = {asset: Balance(Decimal(amount)) for asset, amount in balances.items()}

    def of(self, asset: str) -> Balance:
        """The balance of an asset; an empty one when there is none."""
        found = self.assets.get(asset)
        if found is None:
            found = self.assets[asset] = Balance()  # made when asked for: a first purchase needs somewhere to go
        return found

    def lock(self, asset: str, amount: Decimal) -> None:
        """Move from free to locked; a negative amount moves back."""
        balance = self.of(asset)
        balance.free -= amount
        balance.locked += amount


class Ledger:
    """What was paid in, what went to fees, and what the market gave and took, per asset."""

    def __init__(self) -> None:
        self.paid_in: dict[str, Decimal] = {}
        self.fees: dict[str, Decimal] = {}
        self.market: dict[str, Decimal] = {}

    def pay_in(self, purse: Purse, asset: str, amount: Decimal) -> None:
        """Money from outside (negative: to outside)."""
        purse.of(asset).free += amount
        self.paid_in[asset] = self.paid_in.get(asset, ZERO) + amount

    def fee(self, asset: str, amount: Decimal) -> None:
        """A commission that has left an account."""
        self.fees[asset] = self.fees.get(asset, ZERO) + amount

    def to_market(self, asset: str, amount: Decimal) -> None:
        """What an account gave to the other side of a trade (negative: received)."""
        self.market[asset] = self.market.get(asset, ZERO) + amount

    def check(self, purses: list[Purse]) -> None:
        """Raises AssertionError when something was lost, made or is negative."""
        totals: dict[str, Decimal] = {}
        for purse in purses:
            for asset, balance in purse.assets.items():
                if balance.free < 0 or balance.locked < 0:
                    raise AssertionError(f"{asset}: free {balance.free}, locked {balance.locked}")
                totals[asset] = totals.get(asset, ZERO) + balance.free + balance.locked
        # every asset of any of the four, or one that vanished whole would not be missed
        for asset in totals.keys() | self.paid_in.keys() | self.fees.keys() | self.market.keys():
            there = totals.get(asset, ZERO) + self.fees.get(asset, ZERO) + self.market.get(asset, ZERO)
            if there != self.paid_in.get(asset, ZERO):
                raise AssertionError(f"{asset}: paid in {self.paid_in.get(asset, ZERO)}, found {there}")
