"""The gate: every order of a rule or by hand passes it, and without its word the journal takes no intent.

It is asked twice. `admit`, inside the transaction that writes the intent: all limits, against the journal itself, with
whatever was written or halted since the decision. `refuse`, at the signer: what may have become worse while other
orders were sent one after the other, each of which may take seconds: the age of everything that the order was judged
on, and too many refusals in a row. A limit that raises anything but a denial cannot be trusted: that halts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from autotrader.engine.limits import AGEING, FILTERS_MS, Limit, judge, tripped
from autotrader.engine.placing import Datum, Leaving, refusal, refused_too_often
from autotrader.errors import OrderDenied, RecordsBroken
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import Settings
from autotrader.language.vocabulary.limits import ACCOUNT_MS, BOOK_MS, STATUS_MS, TICKER_MS
from autotrader.market.needs import BookNeed, Need, StatusNeed, TickerNeed, TradingDayNeed
from autotrader.market.sources import Sources
from autotrader.ports import Clock
from autotrader.records.intents import Admission, Intent
from autotrader.records.store import Store

_AGES: dict[type, tuple[str, int]] = {
    TickerNeed: ("the ticker of ", TICKER_MS),
    TradingDayNeed: ("the trading-day ticker of ", TICKER_MS),
    BookNeed: ("the order book of ", BOOK_MS),
    StatusNeed: ("the exchange's status", STATUS_MS),
}
_FORGET_MS = 3_600_000


class Gate:
    """The one gate of a store. `limits` replaces the limits that are asked: for studies of what each of them does."""

    def __init__(
        self, store: Store, clock: Clock, settings: Settings, *, limits: Sequence[Limit] | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._limits = limits
        self._zone = ZoneInfo(settings.timezone)
        # in memory alone: after a restart nothing written before is sent any more
        self._judged_on: dict[str, tuple[Datum, ...]] = {}

    # ----------------------------------------------------------------------------------------- before it is written
    def admit(self, request: PlaceRequest, sources: Sources, needs: Iterable[Need] = ()) -> Admission:
        """Let an order into the journal. `sources` are those it was decided on, `needs` what its rule looks at there;
        the store's record and halt are read anew. Inside a transaction.

        Raises OrderDenied where a limit refuses; a denial is an act of the chain by then.
        """
        if not self._store.in_transaction:  # else another order could be written between the question and the row
            raise RuntimeError("an order is admitted inside the transaction that writes its intent")
        try:
            self._judge(request, sources)
        except OrderDenied as denied:
            body = {"symbol": request.order.symbol, "side": request.order.side, "reason": denied.reason}
            # a denial is an act: who asks later why nothing was bought finds it
            self._store.chain.append(sources.now_ms, "denied", request.id, body)
            raise
        self._remember(request, tuple(_data(request.order.symbol, sources, needs)), sources.now_ms)
        return Admission(request.order, self._store.intents.written)

    def _judge(self, request: PlaceRequest, sources: Sources) -> None:
        try:
            known = self._with_journal(sources)
            judge(request, known, self._settings, self._store.halt_in_force(), self._limits)
        # broken records stop the service by themselves; everything else here is a broken guard
        except (OrderDenied, RecordsBroken):
            raise
        except Exception as error:  # whatever breaks in a guard means halt (docs/order-safety.md P8)
            reason = f"a limit failed: {type(error).__name__}: {error}"
            self._store.halt(reason, sources.now_ms)
            raise OrderDenied(reason, "Halted") from error

    def _with_journal(self, sources: Sources) -> Sources:
        # the journal of this very transaction, so that orders of one cycle count against each other
        return replace(sources, record=self._store.own_record(sources.now_ms, self._zone))

    def trip(self, sources: Sources) -> None:
        """Halt where the day's loss has reached its limit, or too many orders in a row came to nothing."""
        known = self._with_journal(sources)
        self._halt(tripped(known, self._settings), sources.now_ms)

    def trip_on_refusals(self) -> str:
        """Halt after too many refusals in a row; why, or ""."""
        reason = refused_too_often(self._store.refusals_in_a_row(), self._settings.limits.halt_after)
        self._halt(reason, self._clock.now_ms())
        return reason

    def _halt(self, reason: str, time_ms: int) -> None:
        if reason:
            self._store.halt(reason, time_ms)

    # ------------------------------------------------------------------------------------------------ at the signer
    def refuse(self, intent: Intent) -> str | None:
        """Why an admitted order must not leave now, or None. Too many refusals in a row halt as well."""
        tripped_now = self.trip_on_refusals()  # an order of this very cycle may have been the last one too many
        judged_on = self._judged_on.get(intent.request.client_order_id)
        found = refusal(AGEING, Leaving(side=intent.request.side, now_ms=self._clock.now_ms(), judged_on=judged_on))
        return tripped_now or (None if found is None else found.reason)

    def _remember(self, request: PlaceRequest, data: tuple[Datum, ...], now_ms: int) -> None:
        if len(self._judged_on) > 200:  # forgotten in batches; what is an hour old has left or never will
            since = now_ms - _FORGET_MS
            kept = self._judged_on.items()
            self._judged_on = {cid: data for cid, data in kept if any((one.asked_ms or 0) > since for one in data)}
        self._judged_on[request.id] = data


def _data(symbol: str, sources: Sources, needs: Iterable[Need]) -> Iterator[Datum]:
    """Everything an order was judged on: by its rule as far as it was looked at in this cycle, and by the limits.

    Closed candles do not age: which of them may be used is the decision's question, and its deadline bounds the answer.
    """
    book, account, instrument = sources.snapshot.book(symbol), sources.account, sources.instruments.get(symbol)
    yield Datum(f"the order book of {symbol}", None if isinstance(book, str) else book.asked_ms, BOOK_MS)
    # always, whatever the rule looks at: the limits count with them
    yield Datum("the balances", account.balances_asked_ms, ACCOUNT_MS)
    yield Datum(f"the filters of {symbol}", None if instrument is None else instrument.fetched_ms, FILTERS_MS)
    if symbol in account.orders_asked_ms:  # a list that was not asked for was not judged on
        yield Datum(f"the open orders of {symbol}", account.orders_asked_ms[symbol], ACCOUNT_MS)
    about = {_about(need) for need in needs} | {_about(StatusNeed())}  # the exchange's status counts for every order
    for need, seen in sources.snapshot.seen.items():
        if type(need) in _AGES and _about(need) in about:
            name, limit_ms = _AGES[type(need)]
            yield Datum(f"{name}{getattr(need, 'symbol', '')}", seen.asked_ms, limit_ms)


def _about(need: Need) -> tuple[type, str]:
    """What a need asks about, however much of it."""
    return type(need), getattr(need, "symbol", "")
