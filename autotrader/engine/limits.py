"""The last word on every order before anything is signed: the account file's limits, in aggregate, fail closed.

A limit is a class with `refuse`: "" where it has nothing against the order, the reason, or `Missing` where it must
know something and does not (a balance, a fresh price, filters): that refuses too. Orders that are written and not sent
yet, and those of unknown fate, count as live everywhere. To add a limit write its class and a line in `LIMITS`; what it
counts of the own record, `as_if_written` must add to. What is asked at the doors after the gate stands below `LIMITS`.

`judge` asks them all about one order and raises. The gate (`trading.gate`) calls it inside the journal's transaction,
with the journal's own record: no order is written without it. `review` asks ahead, for those who only want to know: it
goes through the orders as they would be carried out (sells, then buys), each as if those before it were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias

from autotrader.engine.books import Ledger, Unpriced
from autotrader.engine.halt import Halt
from autotrader.engine.placing import (
    Halted,
    Late,
    Leaving,
    Placing,
    Reason,
    Stale,
    UnknownFate,
    UnsureTime,
    refusal,
    refused_too_often,
)
from autotrader.engine.requests import CannotKnow, Denied
from autotrader.engine.shown import grouped_amount
from autotrader.errors import OrderDenied
from autotrader.language.open_orders import has_unknown_fate
from autotrader.language.requests import PlaceRequest
from autotrader.language.settings import Limits, Settings
from autotrader.language.tree import Kind, Term, Unit
from autotrader.language.vocabulary import value_of
from autotrader.market.account import OwnOrder, OwnRecord
from autotrader.market.needs import BalancesNeed, BookNeed, Need
from autotrader.market.snapshot import Snapshot
from autotrader.market.sources import Missing, Sources
from autotrader.money import HUNDRED, ONE, ZERO, grouped, over, plain, times, total
from autotrader.orders import Order, Side
from autotrader.structs import dataclass
from autotrader.times import DAY_MS, HOUR_MS

FILTERS_MS = DAY_MS  # filters older than this are not trusted


@dataclass(frozen=True, slots=True)
class Approved:
    """Within all limits."""


Review: TypeAlias = Approved | Denied


@dataclass(frozen=True, slots=True)
class View:
    """What a limit may look at: the order, and everything known."""

    request: PlaceRequest
    sources: Sources
    settings: Settings
    halt: Halt | None
    ledger: Ledger

    @property
    def side(self) -> Side:
        """Buy or sell."""
        return self.request.order.side

    @property
    def unclear(self) -> bool:
        """Whether an earlier order of this rule, symbol and side has an unknown fate."""
        order = self.request.order
        return has_unknown_fate(self.sources.record, self.request.key.rule, order.symbol, order.side)

    @property
    def refusals(self) -> int:
        """Refused or unknown orders in a row."""
        return self.sources.record.refusals_in_a_row

    @property
    def most_refusals(self) -> int | None:
        """From how many on everything stops."""
        return self.settings.limits.halt_after

    @property
    def limits(self) -> Limits:
        """The account file's limits."""
        return self.settings.limits

    @property
    def is_buy(self) -> bool:
        """Whether the order buys."""
        return self.request.order.side is Side.BUY

    def word(self, word: str, *args: str) -> Decimal | Missing:
        """A vocabulary word about the order's symbol, with the same age limits as in rules."""
        unit = Unit(Kind.AMOUNT, args[0]) if args else Unit(Kind.PRICE, self.request.quote)
        found = value_of(Term(word, self.request.order.symbol, unit, args), self.sources)
        return found if isinstance(found, Decimal | Missing) else Missing(f"{word} is not a number")


Limit: TypeAlias = Reason[View]


def judge(
    request: PlaceRequest,
    sources: Sources,
    settings: Settings,
    halt: Halt | None = None,
    limits: Sequence[Limit] | None = None,
    ledger: Ledger | None = None,
) -> None:
    """Ask every limit about one order. Raises OrderDenied at the first that refuses it. `ledger`: of the same fills."""
    view = View(request, sources, settings, halt, ledger or Ledger(sources))
    found = refusal(LIMITS if limits is None else limits, view)
    if found is not None:
        raise OrderDenied(found.reason, found.limit, known=not isinstance(found, CannotKnow))


def review(
    requests: Sequence[PlaceRequest],
    sources: Sources,
    settings: Settings,
    halt: Halt | None = None,
    limits: Sequence[Limit] | None = None,
) -> tuple[Review, ...]:
    """Approved or denied, for each order in the given order of requests."""
    answers: list[Review] = [Approved()] * len(requests)
    ledger = Ledger(sources)  # what is written and not sent has no fills
    for index, request in in_turn(requests):
        try:
            judge(request, sources, settings, halt, limits, ledger)
        except OrderDenied as denied:
            answers[index] = (Denied if denied.known else CannotKnow)(denied.reason, denied.limit)
        else:
            sources = as_if_written(sources, request)
    return tuple(answers)


def in_turn(requests: Iterable[PlaceRequest]) -> list[tuple[int, PlaceRequest]]:
    """Orders as they are carried out, with their places: sells first, because they bring the quote in."""
    return sorted(enumerate(requests), key=lambda one: one[1].order.side is Side.BUY)


def as_if_written(sources: Sources, request: PlaceRequest) -> Sources:
    """What the record says once this order stands in the journal."""
    order, now_ms = request.order, sources.now_ms
    written = OwnOrder(
        client_order_id=request.id, order_id=None, rule=request.key.rule, symbol=order.symbol, side=order.side,
        price=order.price, quantity=order.quantity, executed=ZERO, quote_executed=ZERO, placed_ms=now_ms,
        cancel_at_ms=None, tag=request.tag, labels=request.labels, state="intended",
    )  # fmt: skip
    record = sources.record
    orders, placed_ms = (*record.orders, written), (*record.placed_ms, now_ms)
    return replace(sources, record=replace(record, orders=orders, placed_ms=placed_ms))


def tripped(sources: Sources, settings: Settings) -> str:
    """Why everything must stop until a person has looked, not this order alone: the day's loss has reached its limit,
    or too many orders in a row came to nothing. "" where neither is so.
    """
    ledger, row = Ledger(sources), sources.record.refusals_in_a_row
    lost = (_lost(ledger, asset, most) for asset, most in sorted(settings.limits.loss_per_day.items()))
    return refused_too_often(row, settings.limits.halt_after) or next((why for why in lost if why), "")


def review_needs(symbols: Iterable[str], record: OwnRecord, settings: Settings, now_ms: int) -> frozenset[Need]:
    """What must be seen so that orders of some symbols can be reviewed: the balances, their books for the price band,
    and where there is a limit on the day's loss the books that mark what was traded today.
    """
    empty = Sources(now_ms=now_ms, snapshot=Snapshot(now_ms=now_ms), record=record, zone=settings.timezone)
    marked = (symbol for quote in settings.limits.loss_per_day for symbol in Ledger(empty).to_mark(quote))
    return frozenset({BalancesNeed(), *(BookNeed(symbol, 1) for symbol in (*symbols, *marked))})


# -------------------------------------------------------------------------------------------------------- limits
class Tradable:
    """The symbol is listed and trading, and the order passes filters that were read within a day."""

    def refuse(self, view: View) -> str | Missing:
        """An order on an unlisted symbol, on old filters, or off the grid."""
        order = view.request.order
        if view.settings.symbols and order.symbol not in view.settings.symbols:
            return f"{order.symbol} is not in the account file's symbols"
        instrument = view.sources.instruments.get(order.symbol)
        if instrument is None or instrument.fetched_ms is None:
            return Missing(f"the filters of {order.symbol} are not known")
        if view.sources.now_ms - instrument.fetched_ms > FILTERS_MS:
            return Missing(f"the filters of {order.symbol} are older than a day")
        if instrument.status != "TRADING":
            return f"{order.symbol} is not trading: {instrument.status}"
        return instrument.refusal(order.price, order.quantity, order.side) or ""


class PriceBand:
    """No order further through the market than `price_band`."""

    def refuse(self, view: View) -> str | Missing:
        """A buy too far above the ask, a sale too far below the bid, or no fresh price to tell."""
        band, price = view.limits.price_band, view.request.order.price
        if band is None:
            return ""
        near = view.word("ask" if view.is_buy else "bid")
        if isinstance(near, Missing):
            return Missing(f"price_band: no reference price: {near.reason}")
        share = over(band, HUNDRED)
        edge = times(near, ONE + share if view.is_buy else ONE - share)
        if (price > edge) if view.is_buy else (price < edge):
            return f"price_band: {grouped(price)} is more than {plain(band)}% through the market at {grouped(near)}"
        return ""


class OwnCrossing:
    """Never against an order of our own: it would trade with itself."""

    def refuse(self, view: View) -> str:
        """An order that would meet one of this account's on the other side."""
        order = view.request.order
        for price in self._others(view):
            if (order.price >= price) if view.is_buy else (order.price <= price):
                return f"it would cross the account's own order at {plain(price)}"
        return ""

    def _others(self, view: View) -> Iterable[Decimal]:
        symbol, side = view.request.order.symbol, view.request.order.side
        listed = view.sources.account.open_orders.get(symbol, ())
        known: list[OwnOrder | Order] = [*live_orders(view.sources), *(order for order in listed if order.is_open)]
        return (order.price for order in known if order.symbol == symbol and order.side is not side)


class Funds:
    """Balances are known and enough, and `keep_free` stays."""

    def refuse(self, view: View) -> str | Missing:
        """An order that needs more than is free, less what must stay free and what is already spoken for."""
        cost, asset = view.request.costs
        free = view.word("free", asset)
        if isinstance(free, Missing):
            return free
        free -= spoken_for(view, asset)
        left, keep = free - cost, view.limits.keep_free.get(asset, ZERO)
        if left < 0:
            return f"needs {grouped_amount(cost, asset)}, free are {grouped_amount(free, asset)}"
        if left >= keep:
            return ""
        return f"keep_free: {grouped_amount(left, asset)} would be left, {grouped_amount(keep, asset)} must stay free"


class SpendPerDay:
    """Bought today, what open and unknown orders could still spend, and this: within `spend_per_day`."""

    def refuse(self, view: View) -> str:
        """A buy beyond the day's limit of its quote asset."""
        asset = view.request.quote
        most = view.limits.spend_per_day.get(asset)
        if most is None or not view.is_buy:
            return ""
        spent = view.ledger.bought_today(asset)
        buys = [order for order in live_orders(view.sources) if order.side is Side.BUY]
        bound = total(remaining_cost(order) for order in buys if order.symbol.endswith(asset))
        if spent + bound + view.request.order.notional <= most:
            return ""
        return (
            f"spend_per_day: {grouped_amount(spent, asset)} spent today and {grouped_amount(bound, asset)} in orders,"
            f" this one {grouped_amount(view.request.order.notional, asset)},"
            f" the limit is {grouped_amount(most, asset)}"
        )


class LossPerDay:
    """Own fills of the day: cash, marked net, minus fees. Beyond `loss_per_day` nothing new is ordered."""

    def refuse(self, view: View) -> str | Missing:
        """Any order after the day's loss, or while the loss cannot be told."""
        asset = view.request.quote
        most = view.limits.loss_per_day.get(asset)
        if most is None:
            return ""
        result = view.ledger.result_today(asset)
        if isinstance(result, Unpriced):
            return Missing(f"loss_per_day: today's result is not known: {result.reason}")
        return _lost(view.ledger, asset, most)


class OpenOrders:
    """No more than so many orders at once."""

    def refuse(self, view: View) -> str:
        """One order too many."""
        count, most = len(live_orders(view.sources)), view.limits.open_orders
        if most is None or count < most:
            return ""
        return f"open_orders: {count} are open, the limit is {most}"


class OrdersPerHour:
    """No more than so many orders within an hour."""

    def refuse(self, view: View) -> str:
        """One order too many."""
        since, most = view.sources.now_ms - HOUR_MS, view.limits.orders_per_hour
        count = sum(moment > since for moment in view.sources.record.placed_ms)
        if most is None or count < most:
            return ""
        return f"orders_per_hour: {count} in the last hour, the limit is {most}"


class Holding:
    """What is held and could still be bought stays within `holding`."""

    def refuse(self, view: View) -> str | Missing:
        """A buy beyond the limit of its base asset."""
        asset, order = view.request.base, view.request.order
        most = view.limits.holding.get(asset)
        if most is None or not view.is_buy:
            return ""
        held = view.word("holding", asset)
        if isinstance(held, Missing):
            return held
        buys = [o for o in live_orders(view.sources) if o.side is Side.BUY]
        coming = total(o.remaining for o in buys if o.symbol.startswith(asset))
        coming += view.ledger.bought_since_balances(asset)
        if held + coming + order.quantity <= most:
            return ""
        return (
            f"holding: {grouped_amount(held, asset)} held and {grouped_amount(coming, asset)} coming,"
            f" this order {grouped_amount(order.quantity, asset)}, the limit is {grouped_amount(most, asset)}"
        )


# Every reason not to place, by the door at which it is asked.
FIRING_HALT: tuple[Reason[Placing], ...] = (Halted(),)  # a rule that would fire waits, before its time windows are over
FIRING_FATE: tuple[Reason[Placing], ...] = (UnknownFate(),)
LIMITS: tuple[Limit, ...] = (  # the gate, inside the transaction that writes the intent; and `plan`
    Halted(), Tradable(), UnknownFate(), PriceBand(), OwnCrossing(), Funds(), SpendPerDay(),
    LossPerDay(), OpenOrders(), OrdersPerHour(), Holding(),
)  # fmt: skip
SENDING: tuple[Reason[Leaving], ...] = (Halted(), Late(), UnsureTime(), UnknownFate())  # the gateway, before and after
AGEING: tuple[Reason[Leaving], ...] = (Stale(),)  # "sent" is written; the gate, then, and about refusals in a row
SIGNING: tuple[Reason[Placing], ...] = (Halted(),)  # the signer, for each order


# ------------------------------------------------------------------------------------------------------- helpers
def live_orders(sources: Sources) -> tuple[OwnOrder, ...]:
    """Own orders that may trade: open, of unknown fate, or written and about to be sent."""
    return tuple(order for order in sources.record.orders if order.state != "done")


def remaining_cost(order: OwnOrder) -> Decimal:
    """What an order could still spend (buy, quote) or sell (base)."""
    return times(order.remaining, order.price) if order.side is Side.BUY else order.remaining


def spoken_for(view: View, asset: str) -> Decimal:
    """Free money that is spoken for by orders and fills that the balances may not show yet."""
    asked_ms = view.sources.account.balances_asked_ms or 0
    fresh = (o for o in live_orders(view.sources) if o.state != "open" or max(o.placed_ms, o.created_ms) >= asked_ms)
    unseen = total(remaining_cost(o) for o in fresh if _binds(o, asset))
    return unseen + view.ledger.gone_since_balances(asset)


def _lost(ledger: Ledger, asset: str, most: Decimal) -> str:
    """The day's loss with its figures, where it has reached its limit."""
    result = ledger.result_today(asset)
    if isinstance(result, Unpriced) or -result < most:
        return ""
    return f"loss_per_day: {grouped_amount(-result, asset)} lost today, the limit is {grouped_amount(most, asset)}"


def _binds(order: OwnOrder, asset: str) -> bool:
    return order.symbol.endswith(asset) if order.side is Side.BUY else order.symbol.startswith(asset)
