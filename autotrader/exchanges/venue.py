"""What an exchange says beside prices and orders, as values without any exchange's own words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from autotrader.money import ZERO
from autotrader.orders import Balance
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """The account: what it may do, and its balances by asset. `maker` and `taker` are its rates where given."""

    can_trade: bool
    can_withdraw: bool
    update_time: int
    account_type: str
    permissions: tuple[str, ...] = ()
    maker: Decimal | None = None
    taker: Decimal | None = None
    balances: Mapping[str, Balance]


@dataclass(frozen=True, slots=True)
class WalletAsset:
    """An asset of the wallet, also what is frozen or on its way out."""

    asset: str
    free: Decimal
    locked: Decimal
    freeze: Decimal
    withdrawing: Decimal


@dataclass(frozen=True, slots=True)
class Rates:
    """Commission as a fraction of what is received."""

    maker: Decimal
    taker: Decimal
    buyer: Decimal = ZERO
    seller: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """Commission of a symbol: standard, special and tax add up; `discount` multiplies the standard part."""

    symbol: str
    standard: Rates
    special: Rates | None
    tax: Rates
    discount_enabled: bool
    discount_asset: str
    discount: Decimal


@dataclass(frozen=True, slots=True)
class OrderTest:
    """What the test of an order says; rates only where they were asked for."""

    standard: Rates | None = None
    tax: Rates | None = None


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    """What the key may do. `expires_ms` is when its trading permission ends, None where it does not."""

    trading: bool
    reading: bool
    withdrawals: bool
    transfers: bool
    ip_restricted: bool
    created_ms: int
    expires_ms: int | None
    more: tuple[str, ...] = ()  # what else it may do, of which spot trading needs nothing


@dataclass(frozen=True, slots=True)
class OrderCount:
    """Unfilled orders in a window, and how many are allowed."""

    interval: str
    number: int
    limit: int
    count: int


@dataclass(frozen=True, slots=True)
class LastPrice:
    """Last price of a symbol."""

    symbol: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class AveragePrice:
    """Average price of the last `minutes`; `close_ms` is the last trade's, where given."""

    minutes: int
    price: Decimal
    close_ms: int | None
