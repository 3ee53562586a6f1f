"""What the contract is tried on: every adapter of the broker's port, each at an exchange of its own in stepped time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from autotrader.exchanges.binance.connection import Connection, connect
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.paper import PaperBroker, PaperStore
from autotrader.exchanges.secret import Credentials, Secret
from autotrader.exchanges.venue import VenueSettings
from autotrader.market.account import Account
from autotrader.market.instrument import Instrument
from autotrader.market.needs import AccountNeed, BalancesNeed, BookNeed, OpenOrdersNeed
from autotrader.market.snapshot import Book
from autotrader.orders import (
    Accepted,
    Balance,
    CancelRequest,
    CancelResult,
    Order,
    OrderRequest,
    OrderType,
    Side,
    SubmitResult,
    TimeInForce,
)  # fmt: skip
from autotrader.ports import Broker
from autotrader.simulator import Account as Customer
from autotrader.simulator import Simulator

START = {"JPY": Decimal(10_000_000), "BTC": Decimal(2), "ETH": Decimal(0)}
SYMBOL, OTHER = "BTCJPY", "ETHJPY"
Opener = Callable[[Path], AbstractContextManager["Stand"]]


@dataclass
class Stand:
    """One adapter at its exchange, and what a case does with it."""

    broker: Broker
    connection: Connection
    simulator: Simulator
    numbers: int = 0

    @property
    def now_ms(self) -> int:
        """The exchange's time."""
        return self.connection.clock.now_ms()

    def pass_(self, seconds: float) -> None:
        """Let the market go on."""
        self.connection.clock.sleep(seconds)

    def instrument(self, symbol: str = SYMBOL) -> Instrument:
        """A symbol's filters."""
        return self.connection.market.instruments([symbol])[symbol]

    def book(self, symbol: str = SYMBOL) -> Book:
        """A symbol's order book now."""
        deadline = self.connection.clock.monotonic() + 60
        found = self.connection.market.observe(frozenset({BookNeed(symbol, 20)}), deadline).book(symbol)
        assert isinstance(found, Book), found
        return found

    def request(self, side: Side, price: Decimal, quantity: str, symbol: str = SYMBOL, **more: Any) -> OrderRequest:
        """An order on the grid, under a new name."""
        self.numbers += 1
        fields = {"type": OrderType.LIMIT, "client_order_id": f"at-case-{self.numbers}"} | more
        price = self.instrument(symbol).fit_price(price, side)
        return OrderRequest(symbol=symbol, side=side, price=price, quantity=Decimal(quantity), **fields)

    def submit(self, request: OrderRequest) -> SubmitResult:
        """Place it now."""
        return self.broker.submit(request, self.now_ms)

    def place(self, side: Side, price: Decimal, quantity: str, symbol: str = SYMBOL, **more: Any) -> Accepted:
        """Place an order that must be accepted."""
        found = self.submit(self.request(side, price, quantity, symbol, **more))
        assert isinstance(found, Accepted), found
        return found

    def rest(self, side: Side = Side.BUY, quantity: str = "0.01", symbol: str = SYMBOL) -> Order:
        """An order that rests far from the market."""
        best = self.book(symbol).bids[0][0]
        return self.place(
            side, best * (Decimal("0.8") if side is Side.BUY else Decimal("1.25")), quantity, symbol
        ).order

    def take(self, side: Side = Side.BUY, quantity: str = "0.01", tif: TimeInForce = TimeInForce.IOC) -> Accepted:
        """An order that takes from the book at up to its fifth level."""
        levels = self.book().asks if side is Side.BUY else self.book().bids
        return self.place(side, levels[min(4, len(levels) - 1)][0], quantity, tif=tif)

    def cancel(self, order: Order, **more: Any) -> CancelResult:
        """Cancel one of our orders."""
        return self.broker.cancel(
            CancelRequest(symbol=order.symbol, client_order_id=order.client_order_id, order_id=order.order_id, **more)
        )

    def find(self, order: Order) -> Order:
        """The order as it is now."""
        found = self.broker.find(order.symbol, order.client_order_id)
        assert isinstance(found, Order), found
        return found

    def account(self, *symbols: str) -> Account:
        """Balances and open orders now; everything must be there."""
        needs: frozenset[AccountNeed] = frozenset(
            {BalancesNeed(), *(OpenOrdersNeed(one) for one in symbols or (SYMBOL,))}
        )
        found = self.broker.observe(needs, self.connection.clock.monotonic() + 60)
        assert not found.missing
        return found

    def balance(self, asset: str) -> Balance:
        """An asset; what is not listed is nothing."""
        return self.account().balances.get(asset, Balance(asset, Decimal(0), Decimal(0)))


def exchange(customer: Customer | None = None) -> Simulator:
    """A recorded day of one symbol beside a made one of another, and one customer."""
    customers = [customer or Customer.named("main", START)]
    return Simulator(tape="btcjpy-2018-01", seed=3, symbols=[SYMBOL, OTHER], accounts=customers)


@contextmanager
def trading(simulator: Simulator, secret: str) -> Iterator[Stand]:
    """The Binance client with a key that may trade."""
    keys = Credentials(Secret(simulator.accounts[0].key), Secret(secret))
    token = grant_live("live", True, "live")
    with connect(VenueSettings(stepped=True), url=simulator.url, credentials=keys, live_token=token) as connection:
        assert connection.broker is not None
        connection.ask_before_orders(lambda _side: "")
        yield Stand(connection.broker, connection, simulator)


@contextmanager
def binance(_folder: Path) -> Iterator[Stand]:
    """The Binance client with an HMAC key."""
    with exchange() as simulator, trading(simulator, simulator.accounts[0].secret) as stand:
        yield stand


def private_text(key: Any) -> str:
    """A private key as its owner stores it."""
    text: str = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return text


def signed_by(make: Callable[[], Any]) -> Opener:
    """The Binance client with a private key, whose public half the exchange knows."""

    @contextmanager
    def opened(_folder: Path) -> Iterator[Stand]:
        key = make()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        with (
            exchange(replace(Customer.named("main", START), public_key=public)) as simulator,
            trading(simulator, private_text(key)) as stand,
        ):
            yield stand

    return opened


@cache
def rsa_key() -> Any:
    """One RSA key for all cases: making one takes long."""
    return rsa.generate_private_key(65537, 2048)


@contextmanager
def paper(folder: Path) -> Iterator[Stand]:
    """The paper broker, whose market is an exchange that it never sends an order."""
    with exchange() as simulator, connect(VenueSettings(stepped=True), url=simulator.url) as connection:
        file = folder / "paper.json"

        def save(text: str) -> None:
            file.write_text(text, "utf-8")

        store = PaperStore(load=lambda: file.read_text("utf-8") if file.exists() else None, save=save)
        yield Stand(PaperBroker(connection.paper, store, connection.clock, START), connection, simulator)
        assert simulator.requests()["trade"] == 0


BROKERS: dict[str, Opener] = {
    "binance": binance,
    "binance, Ed25519": signed_by(ed25519.Ed25519PrivateKey.generate),
    "binance, RSA": signed_by(rsa_key),
    "paper": paper,
}
