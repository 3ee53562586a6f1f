"""A price-time matching book: the market comes from outside, own orders queue behind it.

Strategy. The market (a tape or a generator) gives three things: its best bid
and ask, a rule for the levels behind them, and a flow of trades. Own orders
rest in two lists sorted by price and arrival. A resting order remembers how
much market volume stood before it at its price when it came (``ahead``).

* A market trade at a better price for us than our own (through our price)
  fills us up to its quantity, since we would have been served first.
* A market trade at our price first eats what is ahead of us, then us.
* A quote that leaves our price behind has taken away all that was ahead.
* A taker of ours takes market levels and other own orders in price-time order;
  market volume once taken is gone until the market quotes afresh.
* Market levels that would cross an own resting order are not shown: they can
  only be reached through it, and the trade that does so comes with the flow.
* An iceberg shows a slice; when it is taken the next one goes to the queue's
  end. Takers reach the hidden rest after all that is shown at the price.
* Two orders of one owner do not trade when the taker's mode forbids it; what
  happens instead is planned with the trades (``prevention``).

So own orders get no volume that the market did not give, and move nothing of it.
The class holds state but is deterministic and touches nothing outside itself.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Literal, NamedTuple

from autotrader.matching.resting import ZERO, Level, Side, better, crosses, floor_to, opposite
from autotrader.matching.taker import PLAIN, Prevented, Terms, Waiting, prevent

TimeInForce = Literal["GTC", "IOC", "FOK"]
Reason = Literal["", "WOULD_TAKE", "IOC_REST", "FOK_UNFILLED", "NO_LIQUIDITY", "PREVENTED", "PRICE_RANGE"]
Deeper = Callable[[Side, Level], Iterator[Level]]
SizeAt = Callable[[Side, Level, Decimal], Decimal]


class Match(NamedTuple):
    """One trade of an own order. ``maker`` is the own resting order, None for the market's volume."""

    price: Decimal
    quantity: Decimal
    maker: Waiting | None


class Placement(NamedTuple):
    """What became of a placed order: its trades, what rests, and why the rest ended if it did."""

    matches: tuple[Match, ...]
    resting: Decimal
    reason: Reason
    prevented: tuple[Prevented, ...] = ()


class Course(NamedTuple):
    """What an incoming order would do now: trades, self-trades prevented, what is left, and why it must end there."""

    matches: tuple[Match, ...]
    prevented: tuple[Prevented, ...]
    left: Decimal
    end: Reason


def _no_deeper(_side: Side, _best: Level) -> Iterator[Level]:
    return iter(())


class MatchingBook:
    """One symbol's book.

    ``step`` is the quantity grid of own fills (0: none). ``deeper`` gives the
    market's levels behind a best one; ``size_at``, when given, tells the size
    of one of them without going through all before it.
    """

    def __init__(self, step: Decimal = ZERO, deeper: Deeper = _no_deeper, size_at: SizeAt | None = None) -> None:
        self._size_at = size_at
        self._step = step
        self._deeper = deeper
        self._best: dict[Side, Level | None] = {"BUY": None, "SELL": None}
        self._taken: dict[tuple[Side, Decimal], Decimal] = {}
        self._own: dict[Side, list[Waiting]] = {"BUY": [], "SELL": []}
        self._by_id: dict[int, Waiting] = {}
        self._icebergs = 0
        self._sequence = 0

    # ---- the market's side -------------------------------------------------

    def quote(self, bid: Level | None, ask: Level | None) -> None:
        """The market's best bid and ask from now on; volume taken from it before is there again."""
        self._best["BUY"], self._best["SELL"] = bid, ask
        self._taken.clear()  # a new look at the market: nothing is missing from it
        if self._by_id:
            for side, best in (("BUY", bid), ("SELL", ask)):
                self._advance_queue("BUY" if side == "BUY" else "SELL", best)

    def _advance_queue(self, side: Side, best: Level | None) -> None:
        """What the new quote says about the market volume ahead of each own order."""
        for order in self._own[side]:
            if best is None or better(side, order.price, best.price):
                order.ahead = ZERO  # the market's best lies behind this price
            elif order.price == best.price:
                order.ahead = min(order.ahead, best.quantity)  # whoever comes later stands behind
            else:
                break

    def trade(self, price: Decimal, quantity: Decimal, taker: Side) -> tuple[Match, ...]:
        """A trade of the market; returns what of it went to own orders, which it fills."""
        if not self._by_id:
            return ()
        matches: list[Match] = []
        left = quantity
        for side in (opposite(taker), taker):  # a quote that moved may have left own orders of both sides behind
            left = self._through(side, price, left, matches)
        self._at_price(opposite(taker), price, left, matches)
        return tuple(matches)

    def _through(self, side: Side, price: Decimal, left: Decimal, out: list[Match]) -> Decimal:
        for order in list(self._own[side]):
            if left <= 0 or not better(side, order.price, price):  # at its own price it shares with who was before it
                break
            left -= self._fill(order, left, out)
        return left

    def _at_price(self, side: Side, price: Decimal, left: Decimal, out: list[Match]) -> None:
        market_volume = ZERO
        for order in [o for o in self._own[side] if o.price == price]:
            first = min(left, max(ZERO, order.ahead - market_volume))  # less what an earlier own order let pass
            market_volume += first
            left -= first
            order.ahead = max(ZERO, order.ahead - market_volume)
            left -= self._fill(order, min(left, order.visible), out)
        if left > 0 and self._icebergs:
            self._next_slices(side, price, left, market_volume, out)

    def _next_slices(self, side: Side, price: Decimal, left: Decimal, gone: Decimal, out: list[Match]) -> None:
        """What is left of a trade meets the icebergs' next slices, which stand behind the market's rest."""
        for order in [o for o in self._own[side] if o.price == price and o.display]:
            first = min(left, max(ZERO, order.ahead - gone))
            gone += first
            left -= first
            order.ahead = max(ZERO, order.ahead - gone)
            while left > 0 and order.remaining > 0:
                share = self._fill(order, min(left, order.visible), out)
                if not share:
                    return
                left -= share

    def _fill(self, order: Waiting, volume: Decimal, out: list[Match]) -> Decimal:
        share = order.remaining if order.remaining <= volume else floor_to(volume, self._step)
        if share <= 0:
            return ZERO
        out.append(Match(order.price, share, order))
        self._reduce(order, share)
        return share

    # ---- own orders --------------------------------------------------------

    def would_take(self, side: Side, limit: Decimal) -> bool:
        """Whether an order of ``side`` at ``limit`` would trade at once."""
        best = self.best(opposite(side))
        return best is not None and crosses(side, limit, best.price)

    def plan(self, side: Side, quantity: Decimal, limit: Decimal | None = None) -> tuple[Match, ...]:
        """The trades an incoming order would make now, in price-time order; changes nothing."""
        return self.course(side, quantity, limit).matches

    def course(self, side: Side, quantity: Decimal, limit: Decimal | None = None, terms: Terms = PLAIN) -> Course:
        """All that an incoming order would do now, in price-time order; changes nothing."""
        matches: list[Match] = []
        prevented: dict[int, Prevented] = {}
        left = quantity
        other = opposite(side)
        for price, available, maker in self._all_of(other) if self._icebergs else self._queue(other):
            if left <= 0 or not crosses(side, limit, price):
                break
            if not terms.allows(price):
                return Course(tuple(matches), tuple(prevented.values()), left, "PRICE_RANGE")
            if maker is not None and terms.own(maker):
                if maker.order_id in prevented:  # an iceberg comes up slice after slice, and is met once
                    continue
                note, left, over = prevent(terms, maker, price, left)
                prevented[maker.order_id] = note
                if over:
                    return Course(tuple(matches), tuple(prevented.values()), left, "PREVENTED")
                continue
            share = left if left <= available else floor_to(available, self._step)
            if maker is not None and share < left:  # taken whole where it is smaller, on the grid or not
                share = available
            if share > 0:
                matches.append(Match(price, share, maker))
                left -= share
        return Course(tuple(matches), tuple(prevented.values()), left, "")

    def place(
        self,
        order_id: int,
        side: Side,
        quantity: Decimal,
        limit: Decimal | None = None,
        time_in_force: TimeInForce = "GTC",
        *,
        maker_only: bool = False,
        terms: Terms = PLAIN,
    ) -> Placement:
        """Bring in an order; a ``limit`` of None makes it a market order, which never rests."""
        if maker_only and limit is not None and self.would_take(side, limit):
            return Placement((), ZERO, "WOULD_TAKE")
        matches, prevented, left, end = self.course(side, quantity, limit, terms)
        if time_in_force == "FOK" and (left > 0 or end):  # before anything is committed: nothing leaves no trace
            return Placement((), ZERO, "FOK_UNFILLED")
        self._commit(side, matches)
        for note in prevented:
            self._reduce(note.maker, note.maker_loss)
        if end or left <= 0:
            return Placement(matches, ZERO, end, prevented)
        if limit is None:
            return Placement(matches, ZERO, "NO_LIQUIDITY", prevented)
        if time_in_force == "IOC":
            return Placement(matches, ZERO, "IOC_REST", prevented)
        self._rest(order_id, side, limit, left, terms)
        return Placement(matches, left, "", prevented)

    def amend(self, order_id: int, remaining: Decimal) -> None:
        """Make a resting order smaller; it keeps its place, and its visible slice while that fits."""
        order = self._by_id.get(order_id)
        if order is not None:
            order.remaining = remaining
            order.visible = min(order.visible, remaining)

    def cancel(self, order_id: int) -> Decimal | None:
        """Take an own order out; its remaining quantity, None when it does not rest here."""
        order = self._by_id.get(order_id)
        if order is None:
            return None
        remaining = order.remaining
        self._remove(order)
        return remaining

    def fill(self, order_id: int, quantity: Decimal) -> tuple[Match, ...]:
        """Give a resting own order up to that quantity at its price, whatever stands before it; the match, if any."""
        order = self._by_id.get(order_id)
        matches: list[Match] = []
        if order is not None:
            self._fill(order, quantity, matches)
        return tuple(matches)

    def waiting(self, order_id: int) -> Waiting | None:
        """The own resting order of that id, None when there is none."""
        return self._by_id.get(order_id)

    def _commit(self, side: Side, matches: tuple[Match, ...]) -> None:
        other = opposite(side)
        for match in matches:
            if match.maker is not None:
                self._reduce(match.maker, match.quantity)
            else:
                key = (other, match.price)
                self._taken[key] = self._taken.get(key, ZERO) + match.quantity
                for order in self._own[other]:
                    if order.price == match.price:
                        order.ahead = max(ZERO, order.ahead - match.quantity)

    def _rest(self, order_id: int, side: Side, price: Decimal, remaining: Decimal, terms: Terms) -> None:
        order = Waiting(order_id, side, price, remaining, terms)
        self._icebergs += bool(order.display)
        self._line_up(order)
        self._by_id[order_id] = order

    def _line_up(self, order: Waiting) -> None:
        self._sequence += 1
        order.sequence, order.ahead = self._sequence, self._market_at(order.side, order.price)
        insort(self._own[order.side], order, key=lambda waiting: waiting.rank)

    def _reduce(self, order: Waiting, quantity: Decimal) -> None:
        order.remaining -= quantity
        if order.remaining <= 0:
            self._remove(order)
        elif not order.display:
            order.visible = order.remaining
        elif order.visible > quantity:
            order.visible -= quantity
        else:
            order.visible = min(order.display, order.remaining)  # an iceberg loses its place with each slice
            self._own[order.side].remove(order)
            self._line_up(order)

    def _remove(self, order: Waiting) -> None:
        self._own[order.side].remove(order)
        self._icebergs -= bool(order.display)
        del self._by_id[order.order_id]

    # ---- what can be seen --------------------------------------------------

    def best(self, side: Side) -> Level | None:
        """The best price of ``side`` with its whole quantity, None on an empty side."""
        return next(self.levels(side), None)

    def depth(self, side: Side, limit: int) -> tuple[Level, ...]:
        """At most ``limit`` levels of ``side``, best first, own orders included."""
        return tuple(islice(self.levels(side), limit))

    def levels(self, side: Side) -> Iterator[Level]:
        """All levels of ``side``, best first, own orders included; lazy."""
        price: Decimal | None = None
        total = ZERO
        for at, quantity, _maker in self._queue(side):
            if price is not None and at != price:
                yield Level(price, total)
                total = ZERO
            price = at
            total += quantity
        if price is not None:
            yield Level(price, total)

    def _market(self, side: Side) -> Iterator[Level]:
        """The market's levels of ``side`` less what was taken, without those behind an own order."""
        best = self._best[side]
        if best is None:
            return
        own_other = self._own[opposite(side)]
        barrier = own_other[0].price if own_other else None  # levels behind it would have traded
        for level in self._with_deeper(side, best):
            if barrier is not None and crosses(opposite(side), barrier, level.price):
                continue
            left = level.quantity - self._taken.get((side, level.price), ZERO)
            if left > 0:
                yield Level(level.price, left)

    def _with_deeper(self, side: Side, best: Level) -> Iterator[Level]:
        yield best
        yield from self._deeper(side, best)

    def _market_at(self, side: Side, price: Decimal) -> Decimal:
        """The market's volume at a price, which an order that comes to rest there has before it."""
        best = self._best[side]
        if best is None or better(side, price, best.price):
            return ZERO
        if self._size_at is not None and price != best.price:  # walking a deep book would cost too much
            return max(ZERO, self._size_at(side, best, price) - self._taken.get((side, price), ZERO))
        for level in self._market(side):
            if level.price == price:
                return level.quantity
            if better(side, price, level.price):
                break
        return ZERO

    def _queue(self, side: Side) -> Iterator[tuple[Decimal, Decimal, Waiting | None]]:
        """(price, quantity, own order or None) of ``side`` in the order in which takers meet it."""
        own = self._own[side]
        index = 0
        for level in self._market(side):
            while index < len(own) and better(side, own[index].price, level.price):
                yield own[index].price, own[index].visible, own[index]
                index += 1
            used = ZERO
            while index < len(own) and own[index].price == level.price:
                order = own[index]
                lead = min(order.ahead, level.quantity) - used  # who stood before it and is still there
                if lead > 0:
                    yield level.price, lead, None
                    used += lead
                yield order.price, order.visible, order
                index += 1
            if level.quantity > used:
                yield level.price, level.quantity - used, None
        for order in own[index:]:
            yield order.price, order.visible, order

    def _all_of(self, side: Side) -> Iterator[tuple[Decimal, Decimal, Waiting | None]]:
        """As ``_queue``, with the hidden slices of icebergs behind all that is shown at their price."""
        at: Decimal | None = None
        hidden: dict[int, tuple[Waiting, Decimal]] = {}
        for price, quantity, maker in self._queue(side):
            if price != at:
                yield from _slices(hidden)
                at, hidden = price, {}
            yield price, quantity, maker
            if maker is not None and maker.remaining > maker.visible:
                hidden[maker.order_id] = (maker, maker.remaining - maker.visible)
        yield from _slices(hidden)


def _slices(hidden: dict[int, tuple[Waiting, Decimal]]) -> Iterator[tuple[Decimal, Decimal, Waiting | None]]:
    """Slice after slice, one of each iceberg in turn."""
    while hidden:
        for number, (maker, left) in list(hidden.items()):
            share = min(left, maker.display)
            yield maker.price, share, maker
            hidden[number] = (maker, left - share)
            if left <= share:
                del hidden[number]
