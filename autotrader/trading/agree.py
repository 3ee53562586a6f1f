"""Our record beside the venue's: every order and every trade of a time, row by row. It asks, and changes nothing.

A row that differs is *unexplained*, unless the venue is only ahead of us (an order that is open here has filled there,
a trade is not booked yet, a fate is still unknown here): that is *pending*, and the next look takes it in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from autotrader.errors import ExchangeUnavailable
from autotrader.money import plain
from autotrader.orders import Fill, Order, Unknown, is_ours
from autotrader.ports import Broker
from autotrader.records.intents import UNRESOLVED
from autotrader.records.orders import OrderRow
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.trading.journal import LAG_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One row that differs. `ours` and `theirs` are the row as either side has it, None where it has none."""

    kind: Literal["order", "trade"]
    symbol: str
    name: str
    what: str
    ours: str | None
    theirs: str | None
    pending: bool = False

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        facts = {"kind": self.kind, "symbol": self.symbol, "name": self.name, "what": self.what}
        return {**facts, "records": self.ours, "exchange": self.theirs, "pending": self.pending}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was compared, and what differs. `others` counts orders of other stores and by hand: not ours to explain."""

    since_ms: int
    symbols: tuple[str, ...]
    orders: int
    trades: int
    others: int
    findings: tuple[Discrepancy, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "since_ms": self.since_ms, "symbols": list(self.symbols), "orders": self.orders, "trades": self.trades,
            "other_orders": self.others, "unexplained": len(self.unexplained),
            "findings": [one.as_json() for one in self.findings],
        }  # fmt: skip

    @property
    def unexplained(self) -> tuple[Discrepancy, ...]:
        """What nothing explains."""
        return tuple(one for one in self.findings if not one.pending)

    @property
    def pending(self) -> tuple[Discrepancy, ...]:
        """Where the venue is ahead of these records."""
        return tuple(one for one in self.findings if one.pending)


def compare(store: Store, broker: Broker, symbols: Iterable[str], since_ms: int, now_ms: int) -> Agreement:
    """Compare orders placed and trades made since then, or since the store was made.

    Raises ExchangeUnavailable, ExchangeRefused.
    """
    since_ms = max(since_ms, store.created_ms - LAG_MS)
    names = tuple(sorted({*symbols, *store.orders.symbols()}))
    orders = trades = others = 0
    findings: list[Discrepancy] = []
    for symbol in names:
        desk = _Symbol(store, broker, symbol, since_ms, now_ms)
        findings += [*desk.orders(), *desk.trades()]
        orders, trades, others = orders + desk.compared, trades + desk.traded, others + desk.others
    return Agreement(
        since_ms=since_ms, symbols=names, orders=orders, trades=trades, others=others, findings=tuple(findings)
    )


class _Symbol:
    """One symbol while it is compared."""

    def __init__(self, store: Store, broker: Broker, symbol: str, since_ms: int, now_ms: int) -> None:
        self._store, self._broker, self._symbol = store, broker, symbol
        self._since_ms, self._now_ms = since_ms, now_ms
        self._theirs = broker.history(symbol, since_ms)
        self._fills = broker.fills(symbol, None, since_ms)  # after the orders: a trade is never older than its order
        self.compared = self.traded = self.others = 0

    # -------------------------------------------------------------------------------------------------------- orders
    def orders(self) -> Iterator[Discrepancy]:
        """Theirs against ours, then what only we have."""
        seen: dict[str, int] = {}
        for order in self._theirs:
            cid = order.client_order_id
            if not is_ours(cid, self._store.id):
                self.others += 1
                continue
            if seen.setdefault(cid, order.order_id) != order.order_id:
                yield self._finding("order", cid, "the exchange has this name twice", None, _order(order))
                continue
            yield from self._against(self._store.orders.get(cid), order)
        for row in self._store.orders.since(self._since_ms):
            if row.order.symbol == self._symbol and row.client_order_id not in seen:
                yield from self._only_ours(row)

    def _against(self, row: OrderRow | None, order: Order) -> Iterator[Discrepancy]:
        self.compared += 1
        cid, theirs = order.client_order_id, _order(order)
        if row is None:
            intent = self._store.intents.get(cid)
            waits = intent is not None and intent.state in UNRESOLVED
            what = "its fate is not known here yet" if waits else "these records have no such order"
            yield self._finding("order", cid, what, None, theirs, pending=waits)
            return
        wrong = [name for name, mine, their in _order_pairs(row.order, order) if mine != their]
        if wrong:
            pending = row.order.is_open and order.executed >= row.order.executed and {*wrong} <= _MOVES
            yield self._finding(
                "order", cid, "differs in " + ", ".join(wrong), _order(row.order), theirs, pending=pending
            )

    def _only_ours(self, row: OrderRow) -> Iterator[Discrepancy]:
        found = self._broker.find(self._symbol, row.client_order_id)
        if isinstance(found, Unknown):
            raise ExchangeUnavailable(f"order {row.client_order_id} could not be asked for: {found.reason}")
        if isinstance(found, Order):
            yield from self._against(row, found)
        elif not (found.archived and row.order.executed == 0):
            self.compared += 1
            what, late = "the exchange has no such order", self._now_ms - row.placed_ms <= LAG_MS
            yield self._finding("order", row.client_order_id, what, _order(row.order), None, pending=late)

    # -------------------------------------------------------------------------------------------------------- trades
    def trades(self) -> Iterator[Discrepancy]:
        """Trades of our orders, theirs against ours."""
        names = {order.order_id: order.client_order_id for order in self._theirs}
        ours = {fill.trade_id: fill for fill in self._store.orders.fills_since(self._since_ms) if self._is_here(fill)}
        theirs = {fill.trade_id: fill for fill in self._fills if self._is_of_us(fill, names)}
        self.traded = len(ours.keys() | theirs.keys())
        for number in sorted(ours.keys() | theirs.keys()):
            yield from self._trade(number, ours.get(number), theirs.get(number))

    def _is_here(self, fill: Fill) -> bool:
        return fill.symbol == self._symbol

    def _is_of_us(self, fill: Fill, names: Mapping[int, str]) -> bool:
        row = self._store.orders.by_order_id(self._symbol, fill.order_id)
        return row is not None or is_ours(names.get(fill.order_id, ""), self._store.id)

    def _trade(self, number: int, ours: Fill | None, theirs: Fill | None) -> Iterator[Discrepancy]:
        mine, their = (None if one is None else _trade(one) for one in (ours, theirs))
        if ours is None and theirs is not None:
            row = self._store.orders.by_order_id(self._symbol, theirs.order_id)
            waits = row is None or not row.settled
            yield self._finding("trade", str(number), "is not booked here", None, their, pending=waits)
        elif theirs is None:
            yield self._finding("trade", str(number), "the exchange has no such trade", mine, None)
        elif mine != their:
            yield self._finding("trade", str(number), "differs", mine, their)

    def _finding(
        self,
        kind: Literal["order", "trade"],
        name: str,
        what: str,
        ours: str | None,
        theirs: str | None,
        *,
        pending: bool = False,
    ) -> Discrepancy:
        return Discrepancy(
            kind=kind, symbol=self._symbol, name=name, what=what, ours=ours, theirs=theirs, pending=pending
        )


_MOVES = frozenset({"executed", "value", "status"})


def _order_pairs(ours: Order, theirs: Order) -> Sequence[tuple[str, object, object]]:
    """What must be equal. The value traded is compared where both sides know it."""
    value = (ours.quote_executed, theirs.quote_executed)
    return (
        ("order number", ours.order_id, theirs.order_id),
        ("side", ours.side, theirs.side),
        ("price", ours.price, theirs.price),
        ("quantity", ours.quantity, theirs.quantity),
        ("executed", ours.executed, theirs.executed),
        ("status", ours.status, theirs.status),
        ("value", *(value if None not in value else (None, None))),
    )


def _order(order: Order) -> str:
    value = "" if order.quote_executed is None else f", value {plain(order.quote_executed)}"
    size = f"{order.side} {plain(order.quantity)} at {plain(order.price)}"
    return f"#{order.order_id} {size}, executed {plain(order.executed)}{value}, {order.status}"


def _trade(fill: Fill) -> str:
    figures: tuple[Decimal, ...] = (fill.quantity, fill.price, fill.quote, fill.fee)
    quantity, price, quote, fee = map(plain, figures)
    maker = "maker" if fill.is_maker else "taker"
    return (
        f"{fill.side} {quantity} at {price}, value {quote}, fee {fee} {fill.fee_asset}, {maker}, "
        f"of order #{fill.order_id}, at {fill.time_ms}"
    )
