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

So own orders get no volume that the market did not give, and move nothing of it.
The class holds state but is deterministic and touches nothing outside itself.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Literal, NamedTuple

from autotrader.matching.levels import ZERO, Level, Side, better, crosses, floor_to, opposite

TimeInForce = Literal["GTC", "IOC", "FOK"]
Reason = Literal["", "WOULD_TAKE", "IOC_REST", "FOK_UNFILLED", "NO_LIQUIDITY"]
Deeper = Callable[[Side, Level], Iterator[Level]]
SizeAt = Callable[[Side, Level, Decimal], Decimal]


class Waiting:
    """An own order in the book: ``remaining`` and the market volume ``ahead`` change as it waits."""

    __slots__ = ("ahead", "order_id", "price", "remaining", "sequence", "side")

    def __init__(
        self, order_id: int, side: Side, price: Decimal, remaining: Decimal, sequence: int, ahead: Decimal
    ) -> None:
        self.order_id = order_id
        self.side = side
        self.price = price
        self.remaining = remaining
        self.sequence = sequence
        self.ahead = ahead

    @property
    def rank(self) -> tuple[Decimal, int]:
        """Sort key: best price first, then first come."""
        return (-self.price if self.side == "BUY" else self.price, self.sequence)


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


def _no_deeper(_side: Side, _best: Level) -> Iterator[Level]:
    return iter(())


class Book:
    """One symbol's book.

    ``step`` is the quantity grid of own fills (0: none). ``deeper`` gives the
    market's levels behind a best one; ``size_at``, when given, tells the size
    of one of them without going through all before it.
    """

    def __init__(
        self, step: Decimal = ZERO, deeper: Deeper = _no_deeper, size_at: SizeAt | None = None
    ) -> None:
        self._size_at = size_at
        self._step = step
        self._deeper = deeper
        self._best: dict[Side, Level | None] = {"BUY": None, "SELL": None}
        self._taken: dict[tuple[Side, Decimal], Decimal] = {}
        self._own: dict[Side, list[Waiting]] = {"BUY": [], "SELL": []}
        self._by_id: dict[int, Waiting] = {}
        self._sequence = 0

    # ---- the market's side -------------------------------------------------

    def quote(self, bid: Level | None, ask: Level | None) -> None:
        """The market's best bid and ask from now on; volume taken from it before is there again."""
        self._best["BUY"], self._best["SELL"] = bid, ask
        self._taken.clear()
        if self._by_id:
            for side, best in (("BUY", bid), ("SELL", ask)):
                self._advance_queue("BUY" if side == "BUY" else "SELL", best)

    def _advance_queue(self, side: Side, best: Level | None) -> None:
        """What the new quote says about the market volume ahead of each own order."""
        for order in self._own[side]:
            if best is None or better(side, order.price, best.price):
                order.ahead = ZERO
            elif order.price == best.price:
                order.ahead = min(order.ahead, best.quantity)
            else:
                break

    def trade(self, price: Decimal, quantity: Decimal, taker: Side) -> tuple[Match, ...]:
        """A trade of the market; returns what of it went to own orders, which it fills."""
        if not self._by_id:
            return ()
        matches: list[Match] = []
        left = quantity
        for side in (opposite(taker), taker):
            left = self._through(side, price, left, matches)
        self._at_price(opposite(taker), price, left, matches)
        return tuple(matches)

    def _through(self, side: Side, price: Decimal, left: Decimal, out: list[Match]) -> Decimal:
        for order in list(self._own[side]):
            if left <= 0 or not better(side, order.price, price):
                break
            left -= self._fill(order, left, out)
        return left

    def _at_price(self, side: Side, price: Decimal, left: Decimal, out: list[Match]) -> None:
        market_volume = ZERO
        for order in [o for o in self._own[side] if o.price == price]:
            first = min(left, max(ZERO, order.ahead - market_volume))
            market_volume += first
            left -= first
            order.ahead = max(ZERO, order.ahead - market_volume)
            left -= self._fill(order, left, out)

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
        matches: list[Match] = []
        left = quantity
        for price, available, maker in self._queue(opposite(side)):
            if left <= 0 or not crosses(side, limit, price):
                break
            share = left if left <= available else floor_to(available, self._step)
            if maker is not None and share < left:
                share = available
            if share > 0:
                matches.append(Match(price, share, maker))
                left -= share
        return tuple(matches)

    def place(
        self,
        order_id: int,
        side: Side,
        quantity: Decimal,
        limit: Decimal | None = None,
        time_in_force: TimeInForce = "GTC",
        *,
        maker_only: bool = False,
    ) -> Placement:
        """Bring in an order; a ``limit`` of None makes it a market order, which never rests."""
        if maker_only and limit is not None and self.would_take(side, limit):
            return Placement((), ZERO, "WOULD_TAKE")
        matches = self.plan(side, quantity, limit)
        left = quantity - sum((match.quantity for match in matches), ZERO)
        if time_in_force == "FOK" and left > 0:
            return Placement((), ZERO, "FOK_UNFILLED")
        self._commit(side, matches)
        if left <= 0:
            return Placement(matches, ZERO, "")
        if limit is None:
            return Placement(matches, ZERO, "NO_LIQUIDITY")
        if time_in_force == "IOC":
            return Placement(matches, ZERO, "IOC_REST")
        self._rest(order_id, side, limit, left)
        return Placement(matches, left, "")

    def cancel(self, order_id: int) -> Decimal | None:
        """Take an own order out; its remaining quantity, None when it does not rest here."""
        order = self._by_id.get(order_id)
        if order is None:
            return None
        remaining = order.remaining
        self._remove(order)
        return remaining

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

    def _rest(self, order_id: int, side: Side, price: Decimal, remaining: Decimal) -> None:
        self._sequence += 1
        order = Waiting(order_id, side, price, remaining, self._sequence, self._market_at(side, price))
        insort(self._own[side], order, key=lambda waiting: waiting.rank)
        self._by_id[order_id] = order

    def _reduce(self, order: Waiting, quantity: Decimal) -> None:
        order.remaining -= quantity
        if order.remaining <= 0:
            self._remove(order)

    def _remove(self, order: Waiting) -> None:
        self._own[order.side].remove(order)
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
        barrier = own_other[0].price if own_other else None
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
        if self._size_at is not None and price != best.price:
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
                yield own[index].price, own[index].remaining, own[index]
                index += 1
            used = ZERO
            while index < len(own) and own[index].price == level.price:
                order = own[index]
                lead = min(order.ahead, level.quantity) - used
                if lead > 0:
                    yield level.price, lead, None
                    used += lead
                yield order.price, order.remaining, order
                index += 1
            if level.quantity > used:
                yield level.price, level.quantity - used, None
        for order in own[index:]:
            yield order.price, order.remaining, order
