"""The watch over limits: from what each limit promises, and from what truly stands at the exchange; it shares no code
with the product's limits, reads none of its records, and keeps its own books.

What it checks when:
- an intent is written: no halt that stops it, no order of its rule, symbol and side whose fate is unclear, not too many
  refusals in a row, a loss of the day that is known and below its limit;
- a request leaves: the time is known, book and balances are fresh, the price lies within the band of the last book, on
  the grid of a listed, trading symbol; no halt;
- an order stands at the exchange: what was spent today and what open buys could still spend, what is held and could
  still be bought, how many orders stand and how many left within the hour, what is left free, no own order opposite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from autotrader.language.settings import Limits
from autotrader.orders import Fill, OrderRequest, Side
from tests.proof.limit_venue import Standing, Venue

TOKYO_MS = 9 * 3_600_000
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
BOOK_MS, BALANCES_MS, DOUBT_MS = 10_000, 30_000, 500
HORIZON_MS = 76_000  # recvWindow, the clocks' leeway, the engine's and the queries' (docs/venue.md §3)
ZERO = Decimal(0)


@dataclass(slots=True)
class Watch:
    """Keeps the truth of one day. `venue` is set once it is there."""

    limits: Limits
    listed: frozenset[str]
    venue: Venue = field(init=False)
    halt: str = ""  # "", "reduce_only" or "halt"
    breaches: list[str] = field(default_factory=list)
    books: dict[str, tuple[int, Decimal, Decimal]] = field(default_factory=dict)  # as last told: time, bid, ask
    balances_ms: int = 0
    closed: set[str] = field(default_factory=set)  # symbols of which the product was told that they do not trade
    posts: dict[str, tuple[int, tuple[str, str, Side]]] = field(default_factory=dict)
    fates: dict[str, str] = field(default_factory=dict)
    shown: dict[int, Fill] = field(default_factory=dict)  # the trades that the product was shown
    owners: dict[str, str] = field(default_factory=dict)  # client order id -> rule
    forgiven_ms: int = -1  # refusals up to here do not count: a person has resumed

    def note(self, limit: str, what: str) -> None:
        """A limit was broken."""
        self.breaches.append(f"{limit}: {what}")

    # ------------------------------------------------------------------------------------- what the product was told
    def saw_book(self, symbol: str) -> None:
        """The product was told the best prices."""
        bid, ask = self.venue.touch(symbol)
        self.books[symbol] = (self.venue.now, bid, ask)

    def told(self, client_order_id: str, fate: str) -> None:
        """An answer about an order; what was taken stays taken."""
        if self.fates.get(client_order_id) != "taken":
            self.fates[client_order_id] = fate

    def showed(self, fill: Fill) -> None:
        """A trade was shown."""
        self.shown[fill.trade_id] = fill

    # ------------------------------------------------------------------------------------------ an intent is written
    def written(self, request: OrderRequest, rule: str) -> None:
        """An intent stands in the journal."""
        self.owners[request.client_order_id] = rule
        key = (rule, request.symbol, request.side)
        self._no_halt(request, "written")
        unclear = [cid for cid, (_, other) in self.posts.items() if other == key and self._is_unclear(cid)]
        if unclear:
            self.note("unknown fate", f"written while the fate of {unclear[0]} is unclear")
        most, row = self.limits.halt_after, self._refused_in_a_row()
        if most is not None and row >= most:
            self.note("halt_after", f"written after {row} refusals in a row, the limit is {most}")
        self._loss(self.venue.instruments[request.symbol].quote)

    def _no_halt(self, request: OrderRequest, how: str) -> None:
        if self.halt == "halt" or (self.halt == "reduce_only" and request.side is Side.BUY):
            self.note("halt", f"{request.side} {how} while the halt is {self.halt}")

    def _is_unclear(self, cid: str) -> bool:
        if self.fates.get(cid, "unclear") != "unclear":
            return False
        return cid in self.venue.by_name or self.venue.now <= self.posts[cid][0] + HORIZON_MS

    def _refused_in_a_row(self) -> int:
        row = 0
        for cid, (sent_ms, _) in reversed(self.posts.items()):
            if self.fates.get(cid) == "taken" or sent_ms < self.forgiven_ms:
                break
            row += 1
        return row

    def _loss(self, quote: str) -> None:
        most = self.limits.loss_per_day.get(quote)
        if most is None:
            return
        day, result = self._day(self.venue.now), ZERO
        net: dict[str, Decimal] = {}
        for fill in self.shown.values():
            instrument = self.venue.instruments[fill.symbol]
            if instrument.quote != quote or self._day(fill.time_ms) != day:
                continue
            sign = 1 if fill.side is Side.BUY else -1
            result -= sign * fill.quote + (fill.fee if fill.fee_asset == quote else ZERO)
            moved = sign * fill.quantity - (fill.fee if fill.fee_asset == instrument.base else ZERO)
            net[fill.symbol] = net.get(fill.symbol, ZERO) + moved
        for symbol, amount in net.items():
            at, bid, ask = self.books.get(symbol, (0, ZERO, ZERO))
            if amount and self.venue.now - at > BOOK_MS:
                self.note("loss_per_day", f"written while {symbol}, traded today, has no fresh price")
                return
            result += amount * (bid if amount > 0 else ask)
        if -result >= most:
            self.note("loss_per_day", f"written after a loss of {-result:f} {quote}, the limit is {most:f}")

    # --------------------------------------------------------------------------------------------- a request leaves
    def posted(self, request: OrderRequest, sent_ms: int) -> None:
        """An order was signed and sent."""
        now, cid = self.venue.now, request.client_order_id
        if cid in self.posts:
            self.note("once", f"{cid} was sent twice")
        self.posts[cid] = (sent_ms, (self.owners[cid], request.symbol, request.side))
        self._no_halt(request, "sent")
        if self.venue.doubt_ms > DOUBT_MS:
            self.note("clock", f"sent while the time is known to {self.venue.doubt_ms} ms")
        if now - self.balances_ms > BALANCES_MS:
            self.note("ages", f"sent on balances that are {now - self.balances_ms} ms old")
        self._on_the_grid(request)
        self._within_the_band(request)

    def _on_the_grid(self, request: OrderRequest) -> None:
        instrument = self.venue.instruments[request.symbol]
        if request.symbol not in self.listed or request.symbol in self.closed:
            self.note("symbol", f"sent in {request.symbol}, which is not listed or does not trade")
        if request.price % instrument.tick or request.quantity % instrument.step:
            self.note("grid", f"sent off the grid: {request.price:f} x {request.quantity:f}")
        if request.price * request.quantity < instrument.min_notional:
            self.note("grid", "sent below the least notional")

    def _within_the_band(self, request: OrderRequest) -> None:
        at, bid, ask = self.books.get(request.symbol, (0, ZERO, ZERO))
        if self.venue.now - at > BOOK_MS:
            self.note("ages", f"sent on a book that is {self.venue.now - at} ms old")
            return
        band = self.limits.price_band
        if band is None:
            return
        buys, share = request.side is Side.BUY, band / 100
        far = request.price > ask * (1 + share) if buys else request.price < bid * (1 - share)
        if far:
            self.note("price_band", f"{request.side} at {request.price:f} with the market at {bid:f} / {ask:f}")

    # ------------------------------------------------------------------------------------- an order stands out there
    def arrived(self, order: Standing) -> None:
        """An order stands at the exchange, and nothing of it has traded."""
        request, instrument = order.request, self.venue.instruments[order.request.symbol]
        if request.side is Side.BUY:
            self._spend(instrument.quote)
            self._holding(instrument.base, request)
        bound = instrument.quote if request.side is Side.BUY else instrument.base
        keep, free = self.limits.keep_free.get(bound, ZERO), self.venue.free(bound)
        if free < keep:
            self.note("keep_free", f"{free:f} {bound} are left free, {keep:f} must be")
        most = self.limits.open_orders
        if most is not None and len(self.venue.standing) > most:
            self.note("open_orders", f"{len(self.venue.standing)} stand, the limit is {most}")
        self._per_hour(request)
        self._opposite(order)

    def _open_buys(self) -> Iterator[Standing]:
        return (order for order in self.venue.standing.values() if order.request.side is Side.BUY)

    def _spend(self, quote: str) -> None:
        most, day = self.limits.spend_per_day.get(quote), self._day(self.venue.now)
        if most is None:
            return
        symbols = {name for name, instrument in self.venue.instruments.items() if instrument.quote == quote}
        spent = sum((fill.quote for fill in self._bought_on(day) if fill.symbol in symbols), ZERO)
        open_ = sum((o.remaining * o.request.price for o in self._open_buys() if o.request.symbol in symbols), ZERO)
        if spent + open_ > most:
            self.note("spend_per_day", f"{spent:f} spent and {open_:f} {quote} open, the limit is {most:f}")

    def _bought_on(self, day: int) -> Iterator[Fill]:
        return (fill for fill in self.venue.trades if fill.side is Side.BUY and self._day(fill.time_ms) == day)

    def _holding(self, base: str, request: OrderRequest) -> None:
        """What sales in another market brought since the product looked is none of its buys' doing."""
        most = self.limits.holding.get(base)
        if most is None:
            return
        coming = (o.remaining for o in self._open_buys() if self.venue.instruments[o.request.symbol].base == base)
        since = self.posts[request.client_order_id][0] - BALANCES_MS
        sales = (fill for fill in self.venue.trades if fill.side is Side.SELL and fill.time_ms >= since)
        brought = sum((f.quote for f in sales if self.venue.instruments[f.symbol].quote == base), ZERO)
        held, bought = self.venue.held(base) - brought, sum(coming, ZERO)
        if held + bought > most:
            self.note("holding", f"{held:f} held and {bought:f} {base} open, the limit is {most:f}")

    def _per_hour(self, request: OrderRequest) -> None:
        most, (sent_ms, _) = self.limits.orders_per_hour, self.posts[request.client_order_id]
        count = sum(sent_ms - HOUR_MS < other <= sent_ms for other, _ in self.posts.values())
        if most is not None and count > most:
            self.note("orders_per_hour", f"{count} were sent within an hour, the limit is {most}")

    def _opposite(self, order: Standing) -> None:
        asked = order.request
        for other in self.venue.standing.values():
            there = other.request
            if there.symbol == asked.symbol and there.side is not asked.side:
                buy, sell = (asked, there) if asked.side is Side.BUY else (there, asked)
                if buy.price >= sell.price:
                    self.note("self-crossing", f"a buy at {buy.price:f} and a sale at {sell.price:f} meet")
                    return

    @staticmethod
    def _day(at_ms: int) -> int:
        return (at_ms + TOKYO_MS) // DAY_MS
