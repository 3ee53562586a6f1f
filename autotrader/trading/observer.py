"""Each cycle in which we have orders: what the venue says of them is taken in, and every trade is booked once.

Open orders come as one list per symbol. An order of ours that the list lacks is asked for by itself: lists lag, and
"not in the list" is no proof that it ended. Trades are read when more was executed than booked, from the last trade up
to which everything was booked; a trade is ours if its order is. Nothing here guesses: an order whose trades cannot be
had yet stays unsettled and is looked at again.

An order that a cancel has ended may still show a fill that the venue's reply did not know. So it is asked for three
more times in the 90 s after it; many at once are asked for by one list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from decimal import Decimal

from autotrader.errors import AutotraderError
from autotrader.market.account import Account
from autotrader.money import ZERO, plain, times
from autotrader.orders import ORDER_ID_PREFIX, Fill, NotFound, Order, OrderStatus, is_ours
from autotrader.ports import Broker, Clock
from autotrader.records.cancels import CancelState
from autotrader.records.crash import crash_point
from autotrader.records.intents import UNRESOLVED, IntentState
from autotrader.records.orders import ObservedOrder, OrderRow
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.trading.agree import note_difference
from autotrader.trading.journal import DAY_MS, in_flight_until_ms
from autotrader.trading.resolve import Resolver

_MARGIN_MS = 1_000  # trades are read from a little before the order was sent: two clocks
_MISSED_AFTER_MS = 60_000  # an order that we know and no query finds for this long is worth a warning
LOOKS_AFTER_CANCEL_MS = (5_000, 30_000, 90_000)
_CANCELS_REMEMBERED = 200
_ASKED_SINGLY = 5  # more orders of one symbol than this are cheaper as one list (4 weight each, 20 the list)
_NO_HISTORY: Mapping[str, Sequence[Order]] = {}


@dataclass(slots=True)
class Observation:
    """What one look changed. `failures` are questions that went unanswered; they are asked again next time."""

    moved: list[str] = field(default_factory=list)
    booked: list[Fill] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def no_minimum(_symbol: str) -> Decimal | None:
    """For a caller that knows no instruments."""
    return None


class Observer:
    """Takes in orders and trades. `min_notional` gives a symbol's smallest order in quote, to name dust."""

    def __init__(
        self,
        store: Store,
        broker: Broker,
        clock: Clock,
        resolver: Resolver,
        *,
        min_notional: Callable[[str], Decimal | None] = no_minimum,
    ) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock
        self._resolver = resolver
        self._min_notional = min_notional
        self._warned: set[str] = set()
        self._looks: dict[str, int] = {}  # how often a cancelled order was asked for again

    def symbols(self) -> tuple[str, ...]:
        """Symbols whose open orders are to be asked for: those with unsettled orders or unknown fates."""
        orders = {row.order.symbol for row in self._store.orders.unsettled()}
        intents = {row.request.symbol for row in self._store.intents.unresolved()}
        return tuple(sorted(orders | intents))

    def observe(self, account: Account) -> Observation:
        """Take in the open orders of `account`, ask for those that it lacks, and book new trades."""
        seen = self.take_in(account)
        self._look_again(seen)
        self.book(seen)
        return seen

    def take_in(self, account: Account, history: Mapping[str, Sequence[Order]] = _NO_HISTORY) -> Observation:
        """Take in lists of orders, open ones and (at start) past ones; ask for what they should show and do not."""
        seen = Observation()
        for symbol in sorted(account.open_orders.keys() | history.keys()):
            listed = (*account.open_orders.get(symbol, ()), *history.get(symbol, ()))
            for order in listed:
                self.take(order, seen)
            if symbol in account.open_orders:
                self._ask_for_absent(symbol, listed, seen)
        self._close_cancels(account)
        return seen

    def _close_cancels(self, account: Account) -> None:
        """What an unknown cancel did is read from its order: ended, or still open in a list that was asked for when
        the cancel could not be on its way any more. Then it may be asked for again.
        """
        for cancel in self._store.cancels.in_state(CancelState.UNKNOWN):
            row = self._store.orders.get(cancel.client_order_id)
            asked_ms = account.orders_asked_ms.get(cancel.symbol, 0)
            if row is not None and (not row.order.is_open or asked_ms > in_flight_until_ms(cancel.sent_ms)):
                with self._store.transaction() as store:
                    reason = f"the order is {row.order.status}"
                    store.cancels.move(cancel.id, CancelState.LOOKED, self._clock.now_ms(), reason)

    # ------------------------------------------------------------------------------------------------------ orders
    def take(self, order: Order, seen: Observation) -> None:
        """One order of the venue's list: known, resolved by being there, a stray of ours, or foreign."""
        cid = order.client_order_id
        if not is_ours(cid, self._store.id):
            if cid.startswith(ORDER_ID_PREFIX):  # another store's: told, never touched, since its owner may be running
                seen.foreign.append(cid)
            return
        if self._store.orders.get(cid) is not None:
            self.move(order, seen)
            return
        row = self._store.intents.get(cid)
        # one that was given up and surfaces late is adopted like any other
        if row is not None and row.state in UNRESOLVED | {IntentState.DEAD}:
            # no reply was recorded: the resolver writes that down before it takes the order
            if row.state is IntentState.SENT:
                self._resolver.look(row, [order])
            else:
                self._resolver.adopt(row, order)
            seen.adopted.append(cid)
            return
        self._take_stray(order, seen)

    def _take_stray(self, order: Order, seen: Observation) -> None:
        """It bears our name and we have no such order: it counts from now on, and people are told."""
        now_ms, cid = self._clock.now_ms(), order.client_order_id
        row = self._store.intents.get(cid)
        what = "which this store never made" if row is None else f"which this store has as {row.state}"
        text = f"the venue has order {order.order_id} named {cid}, {what}"
        with self._store.transaction() as store:
            observed = store.orders.adopt(order, now_ms, row, how="stray")
            note_difference(store, cid, text, now_ms)
            # an order that we have as ended or denied means that these records are not the ones that sent it
            if row is not None or observed.clash:
                store.halt(observed.clash or text, now_ms)
        seen.adopted.append(cid)
        seen.alerts.append(text)

    def move(self, order: Order, seen: Observation) -> None:
        """Move a known order forward by what the venue says of it."""
        now_ms = self._clock.now_ms()
        with self._store.transaction() as store:
            observed = store.orders.observe(order, now_ms)
            self._note(observed, seen, now_ms)
            if observed.clash:
                store.halt(observed.clash, now_ms)
                seen.alerts.append(observed.clash)
            crash_point("order_uncommitted")
        if observed.moved:
            seen.moved.append(order.client_order_id)
            self._name_dust(observed.row, seen)

    def _note(self, observed: ObservedOrder, seen: Observation, now_ms: int) -> None:
        cid = observed.row.client_order_id
        for alert in observed.alerts:
            text = f"order {cid} {alert}"
            if text not in self._warned:  # once a process: the same reply comes with every look
                self._warned.add(text)
                seen.alerts.append(text)
                self._store.notice(now_ms, "warn", text, order=cid)

    def _ask_for_absent(self, symbol: str, listed: Sequence[Order], seen: Observation) -> None:
        there = {order.client_order_id for order in listed}
        for row in self._store.orders.unsettled():
            if row.order.symbol == symbol and row.client_order_id not in there and _is_to_ask(row):
                self._ask(row, seen)

    def _ask(self, row: OrderRow, seen: Observation) -> None:
        cid = row.client_order_id
        try:
            found = self._broker.find(row.order.symbol, cid)
        except AutotraderError as error:
            seen.failures.append(f"{cid}: {error.message}")
            return
        if isinstance(found, Order):  # it has left the list of open orders, so this look tells how it ended
            self.move(found, seen)
        elif isinstance(found, NotFound):
            self._warn_missing(row, seen)
        else:
            seen.failures.append(f"{cid}: {found.reason}")  # unknown is asked again; it is not "not found"

    def _warn_missing(self, row: OrderRow, seen: Observation) -> None:
        """A known order that the venue denies: normal for seconds, worth a word after a minute. It stays as it is."""
        now_ms = self._clock.now_ms()
        text = f"order {row.client_order_id} is known and the venue does not find it"
        # queries lag behind placements by seconds
        if now_ms - max(row.placed_ms, row.order.updated_ms) > _MISSED_AFTER_MS and text not in self._warned:
            self._warned.add(text)
            seen.alerts.append(text)
            self._store.notice(now_ms, "warn", text, order=row.client_order_id)

    # ------------------------------------------------------------------------------------ after a confirmed cancel
    def next_looks(self) -> tuple[int, ...]:
        """When orders that were cancelled a moment ago are to be asked for again."""
        return tuple(due_ms for _, due_ms in self._to_look_at())

    def is_look_due(self, now_ms: int) -> bool:
        """Whether one of those times has come."""
        return any(due_ms <= now_ms for due_ms in self.next_looks())

    def _to_look_at(self) -> Iterator[tuple[str, int]]:
        """Cancelled orders that may have filled more, each with the time of its next look."""
        now_ms = self._clock.now_ms()
        # from the records, so that a restart goes on looking
        for cancel in self._store.cancels.newest(_CANCELS_REMEMBERED):
            cid, done = cancel.client_order_id, self._looks.get(cancel.client_order_id, 0)
            is_recent = now_ms - cancel.moved_ms <= LOOKS_AFTER_CANCEL_MS[-1] + _MISSED_AFTER_MS
            if is_recent and done < len(LOOKS_AFTER_CANCEL_MS) and cancel.state is not CancelState.SENT:
                row = self._store.orders.get(cid)
                # one that filled whole has nothing more to show
                if row is not None and not row.order.is_open and row.order.status is not OrderStatus.FILLED:
                    yield cid, cancel.moved_ms + LOOKS_AFTER_CANCEL_MS[done]

    def _look_again(self, seen: Observation) -> None:
        now_ms = self._clock.now_ms()
        by_symbol: dict[str, list[OrderRow]] = {}
        for cid in dict.fromkeys(cid for cid, due_ms in self._to_look_at() if due_ms <= now_ms):
            row = self._store.orders.get(cid)
            if row is not None:
                by_symbol.setdefault(row.order.symbol, []).append(row)
        if by_symbol:  # what is long past is forgotten
            newest = {cancel.client_order_id for cancel in self._store.cancels.newest(_CANCELS_REMEMBERED)}
            self._looks = {cid: count for cid, count in self._looks.items() if cid in newest}
        for symbol, rows in sorted(by_symbol.items()):
            for row in self._look_at(symbol, rows, now_ms, seen):
                self._looks[row.client_order_id] = self._looks.get(row.client_order_id, 0) + 1

    def _look_at(self, symbol: str, rows: Sequence[OrderRow], now_ms: int, seen: Observation) -> Sequence[OrderRow]:
        """Ask for these orders; those that were asked for, so that the rest is asked for next time."""
        since_ms = _begun_ms(rows)
        # a list covers one day; older ones can only be asked for one by one
        if len(rows) <= _ASKED_SINGLY or since_ms <= now_ms - DAY_MS:
            asked = rows[:_ASKED_SINGLY]
            for row in asked:
                self._ask(row, seen)
            return asked  # the rest is asked next time: looks must not eat the weight that cancels need
        try:
            history = self._broker.history(symbol, since_ms)
        except AutotraderError as error:
            seen.failures.append(f"orders of {symbol}: {error.message}")
            return rows
        names = {row.client_order_id for row in rows}
        for order in history:
            if order.client_order_id in names:
                self.move(order, seen)
        return rows

    def _name_dust(self, row: OrderRow, seen: Observation) -> None:
        order, least = row.order, self._min_notional(row.order.symbol)
        # dust is what a fill left over, not what never filled
        if order.is_open or least is None or order.executed == ZERO or order.remaining <= ZERO:
            return
        if times(order.remaining, order.price) < least:
            text = f"order {row.client_order_id} ended with {plain(order.remaining)} not traded: dust below the minimum"
            seen.alerts.append(text)
            self._store.notice(self._clock.now_ms(), "info", text, order=row.client_order_id)

    # ------------------------------------------------------------------------------------------------------ trades
    def book(self, seen: Observation) -> None:
        """Book the trades of every order that has executed more than is booked."""
        waiting: dict[str, list[OrderRow]] = {}
        for row in self._store.orders.unsettled():
            if row.unbooked != ZERO:  # also where less was executed than is booked: then our trades must be read again
                waiting.setdefault(row.order.symbol, []).append(row)
        for symbol, rows in sorted(waiting.items()):
            self._book_symbol(symbol, rows, seen)

    def _book_symbol(self, symbol: str, rows: Sequence[OrderRow], seen: Observation) -> None:
        # trade ids only grow, so nothing before the cursor is read again
        cursor = self._store.settings.get("trade_cursors", {}).get(symbol)
        try:
            self.book_trades(symbol, self._broker.fills(symbol, cursor, _begun_ms(rows)), seen)
            # Where a clock was wrong meanwhile (ours or theirs), a list since a time may lack them: ask by order.
            for order_id in [row.order.order_id for row in self._waiting(symbol)][:_ASKED_SINGLY]:
                self.book_trades(symbol, self._broker.fills_of(symbol, order_id), seen)
        except AutotraderError as error:
            seen.failures.append(f"trades of {symbol}: {error.message}")

    def _waiting(self, symbol: str) -> Sequence[OrderRow]:
        """Orders with more executed than is booked."""
        return [row for row in self._store.orders.unsettled() if row.order.symbol == symbol and row.unbooked > ZERO]

    def book_trades(self, symbol: str, trades: Sequence[Fill], seen: Observation) -> None:
        """Book those of these trades that are of our orders and not booked yet."""
        crash_point("trades_read")
        now_ms = self._clock.now_ms()
        with self._store.transaction() as store:
            for trade in trades:
                # trades by hand stand in the same list
                if store.orders.by_order_id(symbol, trade.order_id) is not None and store.orders.book(trade, now_ms):
                    seen.booked.append(trade)
            self._move_cursor(symbol, [trade.trade_id for trade in trades], now_ms)
            crash_point("trade_uncommitted")
        crash_point("trades_committed")

    def _move_cursor(self, symbol: str, trade_ids: Sequence[int], now_ms: int) -> None:
        """Remember how far everything is booked. Where a trade is missing (it showed itself late, or its order was
        adopted late), forget it: next time is read from the orders' beginnings.
        """
        cursors = self._store.settings.get("trade_cursors", {})
        if self._waiting(symbol):
            cursors.pop(symbol, None)  # nothing is skipped: better to read the same trades twice than to lose one
        elif trade_ids:
            cursors[symbol] = max(*trade_ids, cursors.get(symbol, 0))
        self._store.settings.set("trade_cursors", cursors, now_ms)


def _begun_ms(rows: Sequence[OrderRow]) -> int:
    """When the first of these orders began, at the latest: by our clock or the exchange's, whichever is earlier."""
    # two clocks tell when it began; the earlier one loses no trade
    return min(min(row.placed_ms, row.order.created_ms) for row in rows) - _MARGIN_MS


def _is_to_ask(row: OrderRow) -> bool:
    """Open as far as we know, or with more trades than the venue's last word explains."""
    return row.order.is_open or row.unbooked < ZERO
