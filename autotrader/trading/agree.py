"""Our record beside the venue's: every order and every trade of a time, row by row. It asks, and changes nothing.

A row that differs is *unexplained*, unless the venue is only ahead of us (an order that is open here has filled there,
a trade is not booked yet, a fate is still unknown here): that is *pending*, and the next look takes it in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from autotrader.errors import ExchangeUnavailable, UsageError
from autotrader.market.account import IGNORED, LEFT_ALONE
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


# --------------------------------------------------------------------------------------------------------- differences
# Differences to the venue that wait for a person's word, and that word.
#
# A difference is about one order that bears our name: the venue has it and we never made it (an old copy of the
# records was put back), it ended here and is open there, or a trade of it is in our books only. While one waits,
# nothing is placed (`Store.read_only`), the order counts in every limit, and no rule and no timer touches it. `adopt`
# makes it ours in every sense; `ignore` leaves it alone for good. Both are acts of the chain.

Word = Literal["adopt", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One that waits. `text` says what differs; the rest is the order as it is known now."""

    client_order_id: str
    text: str
    order_id: int | None = None
    symbol: str = ""
    side: str = ""
    price: Decimal | None = None
    quantity: Decimal | None = None
    executed: Decimal | None = None
    state: str = ""
    is_open: bool = False


def waiting(store: Store) -> tuple[Difference, ...]:
    """Every difference that waits for a word."""
    return tuple(_described(store, cid, text) for cid, text in store.settings.get("unexplained", {}).items())


def _described(store: Store, cid: str, text: str) -> Difference:
    row = store.orders.get(cid)
    if row is None:
        return Difference(client_order_id=cid, text=text)
    order = row.order
    return Difference(
        client_order_id=cid, text=text, order_id=order.order_id, symbol=order.symbol, side=order.side.value,
        price=order.price, quantity=order.quantity, executed=order.executed, state=order.status.value,
        is_open=order.is_open,
    )  # fmt: skip


def note_difference(store: Store, cid: str, text: str, now_ms: int) -> None:
    """Let a difference wait for a word, and record that people must know."""
    with store.transaction():
        store.notice(now_ms, "critical", text, order=cid)
        unexplained = store.settings.get("unexplained", {})
        store.settings.set("unexplained", {**unexplained, cid: text}, now_ms)


def has_word(store: Store, cid: str) -> bool:
    """Whether a person has said something about this order before: the same is not asked twice."""
    return bool(store.chain.latest(1, kind="difference", subject=cid))


def meant_by(store: Store, order: str) -> str:
    """The client order id of the waiting difference that is meant: by either id, or by the beginning of one.

    Raises UsageError for none or several.
    """
    found = waiting(store)
    exact = [one for one in found if order in (one.client_order_id, str(one.order_id))]
    begins = [one for one in found if order and _begins(one, order)]
    chosen = exact or begins
    if len(chosen) == 1:
        return chosen[0].client_order_id
    names = ", ".join(one.client_order_id for one in chosen or found) or "none"
    if chosen:
        raise UsageError(f"`{order}` is the beginning of {len(chosen)} orders: {names}", hint="write more of it")
    raise UsageError(f"order {order} is not waiting for a decision", hint=f"waiting: {names}")


def _begins(one: Difference, order: str) -> bool:
    """The end of the name tells orders of one store apart, so its beginning may be left out."""
    tail = one.client_order_id.rpartition("-")[2]
    return any(name.startswith(order) for name in (one.client_order_id, tail, str(one.order_id or "")))


def settle_difference(store: Store, cid: str, verdict: Word, now_ms: int) -> None:
    """A person's word on an order that start-up could not explain: keep it as ours, or look away from it.

    Either way it stays in the records and in the limits while it is open. Raises UsageError for an id that is not
    waiting for a word.
    """
    unexplained = store.settings.get("unexplained", {})
    if cid not in unexplained:
        names = ", ".join(unexplained) or "none"
        raise UsageError(f"order {cid} is not waiting for a decision", hint=f"waiting: {names}")
    with store.transaction():
        text = unexplained.pop(cid)
        store.settings.set("unexplained", unexplained, now_ms)
        store.chain.append(now_ms, "difference", cid, {"verdict": verdict, "text": text})
        row = store.orders.get(cid)
        if row is not None:
            kept = tuple(label for label in row.labels if label not in LEFT_ALONE)
            store.orders.relabel(cid, (*kept, IGNORED) if verdict == "ignore" else kept, now_ms)
