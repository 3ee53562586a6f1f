"""Our orders as the venue has them, and our fills, each trade booked once.

An order row exists only when the venue has confirmed the order; before that there is its intent. It is *settled* when
its status is terminal and the booked trades add up to what was executed: until then trades are read again (a reply may
say FILLED before the trades can be had). Fills come from the venue's trades, never from an order's quantity.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from sys import intern

from autotrader.market.account import LEFT_ALONE, UNEXPLAINED
from autotrader.money import ZERO, plain, total
from autotrader.orders import Fill, Order
from autotrader.records.chain import Chain
from autotrader.records.database import Database, Value
from autotrader.records.forward import FillCache, advance
from autotrader.records.intents import Intent
from autotrader.records.rows import RowTable, inserted
from autotrader.structs import dataclass
from autotrader.text import counted


def gone_texts(gone: Mapping[str, int]) -> tuple[str, ...]:
    """What is said of rules that are gone with open orders (`Orders.gone`)."""
    return tuple(f"{rule} is gone with {counted(count, 'open order')}" for rule, count in gone.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order of ours at the venue. `booked` is the sum of its booked trades, in base.

    `rule` is "" for orders by hand and for strays that were adopted (label "adopted"). What start-up could not explain
    bears the label `UNEXPLAINED` until a person's word, and after `ignore` the label `IGNORED`.
    """

    order: Order
    rule: str
    placed_ms: int
    cancel_at_ms: int | None
    tag: str
    labels: tuple[str, ...]
    booked: Decimal
    settled: bool

    @property
    def client_order_id(self) -> str:
        """Its name."""
        return self.order.client_order_id

    @property
    def unbooked(self) -> Decimal:
        """Executed quantity for which no trade has been booked yet."""
        return self.order.executed - self.booked

    @property
    def is_left_alone(self) -> bool:
        """Whether no rule and no timer may touch it."""
        return not LEFT_ALONE.isdisjoint(self.labels)


ORDERS = RowTable(
    "orders", OrderRow,
    "client_order_id order_id rule symbol side type tif price quantity executed quote_executed status created_ms "
    "updated_ms placed_ms cancel_at_ms tag labels booked settled",
    absent=("order.is_working",),  # what the venue says of the moment
)  # fmt: skip
# With each fill stands the rule that placed its order: it outlives the rule and is asked for by itself.
FILLS = RowTable(
    "fills", Fill,
    "symbol trade_id order_id client_order_id side price quantity quote fee fee_asset time_ms is_maker",
)  # fmt: skip
FILL_COLUMNS = (*FILLS.columns, "rule")


@dataclass(frozen=True, slots=True)
class ObservedOrder:
    """What observing an order did."""

    row: OrderRow
    moved: bool
    alerts: tuple[str, ...]
    clash: str = ""  # two orders with one client id, or another order than was asked for: stop everything


class Orders:
    """Order and fill rows. All writes happen inside the store's transaction."""

    def __init__(self, db: Database, chain: Chain) -> None:
        self._db = db
        self._chain = chain
        self._cache = FillCache(self._fills_after)

    def adopt(self, order: Order, time_ms: int, asked: Intent | None, *, how: str) -> ObservedOrder:
        """Take in an order that the venue has; again is the same as observing it.

        `asked` is its intent, None for a stray that bears our prefix without one. `how`: "reply", "query", "watch",
        "stray". Quantities are the venue's; where they differ from what was asked, `clash` says so.
        """
        if self.get(order.client_order_id) is not None:
            return self.observe(order, time_ms)
        other = self.by_order_id(order.symbol, order.order_id)
        if other is not None:
            ids = f"{other.client_order_id}, {order.client_order_id}"
            clash = f"order {order.order_id} of {order.symbol} bears two ids: {ids}"
            return ObservedOrder(other, moved=False, alerts=(), clash=clash)
        row = OrderRow(
            order=order,
            rule=asked.key.rule if asked else "",
            placed_ms=asked.sent_ms if asked and asked.sent_ms is not None else order.created_ms,
            cancel_at_ms=asked.cancel_at_ms if asked else None,
            tag=asked.tag if asked else "",
            labels=_labels_of(asked, how),
            booked=ZERO,
            settled=not order.is_open and order.executed == 0,
        )
        self._say(row, time_ms, how=how)
        return ObservedOrder(row, moved=True, alerts=(), clash=_difference(asked, order))

    def observe(self, seen: Order, time_ms: int) -> ObservedOrder:
        """Move a known order forward by what the venue says of it. Raises KeyError for an order without a row."""
        row = self.get(seen.client_order_id)
        if row is None:
            raise KeyError(seen.client_order_id)
        if seen.order_id != row.order.order_id or seen.symbol != row.order.symbol:
            clash = f"two orders bear the id {seen.client_order_id}: {row.order.order_id} and {seen.order_id}"
            return ObservedOrder(row, moved=False, alerts=(), clash=clash)
        step = advance(row.order, seen)
        if not step.moved:
            return ObservedOrder(row, moved=False, alerts=step.alerts)
        fresh = _with(row, order=step.order)
        self._put(fresh)
        self._chain.append(time_ms, "order", row.client_order_id, ORDERS.write(fresh))
        return ObservedOrder(fresh, moved=True, alerts=step.alerts)

    def reopen(self, seen: Order, time_ms: int) -> None:
        """Take the venue's word that an order which had ended here is open; it waits for a person's word. The one move
        backwards there is: only start-up makes it, after two sources said so. Raises KeyError.
        """
        row = self.get(seen.client_order_id)
        if row is None:
            raise KeyError(seen.client_order_id)
        labels = tuple(dict.fromkeys((*row.labels, UNEXPLAINED)))
        self._say(replace(_with(row, order=seen), labels=labels), time_ms, how="reopened")

    def relabel(self, cid: str, labels: tuple[str, ...], time_ms: int) -> None:
        """Give a known order other labels, with an act. Raises KeyError."""
        row = self.get(cid)
        if row is None:
            raise KeyError(cid)
        self._say(replace(row, labels=labels), time_ms, how="word")

    def _say(self, row: OrderRow, time_ms: int, *, how: str) -> None:
        self._put(row)
        self._chain.append(time_ms, "order", row.client_order_id, {**ORDERS.write(row), "how": how})

    def book(self, fill: Fill, time_ms: int) -> bool:
        """Book one trade of a known order, once; returns whether it was news. Raises KeyError for a foreign trade."""
        row = self.by_order_id(fill.symbol, fill.order_id)
        if row is None:
            raise KeyError(fill.order_id)
        columns = {**FILLS.write(replace(fill, client_order_id=row.client_order_id)), "rule": row.rule}
        if not self._db.write(inserted("fills", columns, "OR IGNORE"), tuple(columns.values())):
            return False
        self._chain.append(time_ms, "fill", row.client_order_id, columns)
        fresh = _with(row, booked=total((row.booked, fill.quantity)))
        self._put(fresh)
        if fresh.settled:
            self._chain.append(time_ms, "order", row.client_order_id, ORDERS.write(fresh))
        return True

    def get(self, cid: str) -> OrderRow | None:
        """One order by client order id."""
        row = self._db.row("SELECT * FROM orders WHERE client_order_id = ?", (cid,))
        return None if row is None else ORDERS.read(row)

    def by_order_id(self, symbol: str, order_id: int) -> OrderRow | None:
        """One order by the venue's id."""
        row = self._db.row("SELECT * FROM orders WHERE symbol = ? AND order_id = ?", (symbol, order_id))
        return None if row is None else ORDERS.read(row)

    def unsettled(self) -> tuple[OrderRow, ...]:
        """Orders that are open, or whose trades are not all booked, oldest first."""
        return self._db.remembered(("unsettled",), lambda: self._select("settled = 0", ()))

    def open(self) -> tuple[OrderRow, ...]:
        """Orders that may still fill, oldest first."""
        return tuple(row for row in self.unsettled() if row.order.is_open)

    def orphans(self, rules: Sequence[str]) -> tuple[OrderRow, ...]:
        """Open orders of rules that are no longer among `rules` (orders by hand are no orphans)."""
        known = {*rules, ""}
        return tuple(row for row in self.open() if row.rule not in known)

    def gone(self, rules: Sequence[str]) -> Mapping[str, int]:
        """Rules that are no longer among `rules` and left open orders behind, with how many."""
        # A rule is known by its name: one that was renamed left its orders under the old one, and no rule minds them.
        return Counter(row.rule for row in self.orphans(rules))

    def since(self, since_ms: int) -> tuple[OrderRow, ...]:
        """Orders placed since then, oldest first."""
        return self._select("placed_ms >= ?", (since_ms,))

    def fills_since(self, since_ms: int) -> tuple[Fill, ...]:
        """Fills since then, oldest first."""
        return self._cache.since(since_ms, committed=not self._db.in_transaction)

    def newest_fill(self) -> int:
        """The row number of the fill that was booked last, 0 where there is none."""
        row = self._db.row("SELECT coalesce(max(rowid), 0) AS newest FROM fills")
        return 0 if row is None else int(row["newest"])

    def _fills_after(self, rowid: int) -> list[tuple[int, Fill]]:
        def read() -> list[tuple[int, Fill]]:
            rows = self._db.rows("SELECT rowid, * FROM fills WHERE rowid > ?", (rowid,))
            return [(row["rowid"], _fill(row)) for row in rows]

        return self._db.remembered(("fills after", rowid), read)

    def fills_with_rule(self, since_ms: int = 0) -> Iterator[tuple[Fill, str]]:
        """Fills since then with the rule that placed the order, oldest first."""
        sql = "SELECT * FROM fills WHERE time_ms >= ? ORDER BY time_ms, symbol, trade_id"
        for row in self._db.rows(sql, (since_ms,)):
            yield _fill(row), str(row["rule"])

    def symbols(self) -> tuple[str, ...]:
        """Every symbol in which we ever had an order."""
        return tuple(row["symbol"] for row in self._db.rows("SELECT DISTINCT symbol FROM orders ORDER BY symbol"))

    def _put(self, row: OrderRow) -> None:
        columns = ORDERS.write(row)
        fresh = ", ".join(f"{name} = excluded.{name}" for name in columns)
        sql = f"{inserted('orders', columns)} ON CONFLICT (client_order_id) DO UPDATE SET {fresh}"
        self._db.write(sql, tuple(columns.values()))

    def _select(self, where: str, values: Sequence[Value]) -> tuple[OrderRow, ...]:
        rows = self._db.rows(f"SELECT * FROM orders WHERE {where} ORDER BY placed_ms, order_id", values)  # noqa: S608 - our clauses
        return tuple(ORDERS.read(row) for row in rows)


def _labels_of(asked: Intent | None, how: str) -> tuple[str, ...]:
    labels = asked.labels if asked else ("adopted",)
    return (*labels, UNEXPLAINED) if how == "stray" else labels


def _with(row: OrderRow, *, order: Order | None = None, booked: Decimal | None = None) -> OrderRow:
    order = row.order if order is None else order
    booked = row.booked if booked is None else booked
    return OrderRow(
        order=order,
        rule=row.rule,
        placed_ms=row.placed_ms,
        cancel_at_ms=row.cancel_at_ms,
        tag=row.tag,
        labels=row.labels,
        booked=booked,
        settled=not order.is_open and booked == order.executed,
    )


def _difference(asked: Intent | None, order: Order) -> str:
    """In what the venue's order is not the one that was asked for; "" where it is."""
    if asked is None:
        return ""
    request = asked.request
    pairs = (
        ("symbol", request.symbol, order.symbol),
        ("side", request.side, order.side),
        ("price", request.price, order.price),
        ("quantity", request.quantity, order.quantity),
    )
    wrong = [f"{name} {plain_or(was)} instead of {plain_or(wanted)}" for name, wanted, was in pairs if wanted != was]
    return f"the venue has {order.client_order_id} with " + ", ".join(wrong) if wrong else ""


def plain_or(value: Decimal | str) -> str:
    """Numbers without exponent, texts as they are."""
    return plain(value) if isinstance(value, Decimal) else str(value)


def _fill(row: sqlite3.Row) -> Fill:
    """A trade. Names that all of them share are one string each: a month of trades stays in memory."""
    fill = FILLS.read(row)
    return replace(fill, symbol=intern(fill.symbol), fee_asset=intern(fill.fee_asset))
