"""`cancel_orders`: every open order of the symbol that matches all that is given."""

# Annotations are not deferred where pydantic reads them: it would evaluate each text, which costs start-up time.
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Self

from pydantic import Field

from autotrader.language.actions.action import Action, ActionContext, Done, Effect, Failed, Waits
from autotrader.language.compiler import Compiler
from autotrader.language.dump import value_data
from autotrader.language.nodes import Path
from autotrader.language.open_orders import (
    AnyOrder,
    OrderFilter,
    OwnerName,
    SideName,
    cancel_request,
    distance,
    open_orders,
    placed_ms,
    unclear_order,
)
from autotrader.language.readback import value_in_words
from autotrader.language.requests import CancelOrder, Dropped
from autotrader.language.tree import Kind, Value
from autotrader.language.written import Name, Text, Written
from autotrader.market.needs import BookNeed, Need, OpenOrdersNeed
from autotrader.market.sources import Missing
from autotrader.orders import Side
from autotrader.structs import dataclass
from autotrader.times import span_text


class WrittenCancelOrders(Written):
    """`cancel_orders: {...}`: cancel every open order of the symbol that matches all that is given."""

    side: SideName | None = None
    tag: Name | None = None
    owner: OwnerName = Field("autotrader", description="`anyone` includes orders made by hand")
    older_than: Text | None = Field(None, description="only orders at least this old: `30m`")
    further_than: Text | None = Field(None, description="only orders further than this from the near side: `1.5%`")


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrders(Action):
    """`cancel_orders`. `further_than` in percent."""

    stored = "CancelOrders side tag owner older_than_ms further_than"
    written = (("cancel_orders", WrittenCancelOrders, ""),)
    cancels = True
    blind = True

    side: Side | None = None
    tag: str | None = None
    owner: OwnerName = "autotrader"
    older_than_ms: int | None = None
    further_than: Value | None = None

    @property
    def looks_abroad(self) -> bool:
        """Where orders of anyone are meant."""
        return self.owner == "anyone"

    @classmethod
    def compiled(cls, at: Compiler, key: str, written: WrittenCancelOrders, path: Path) -> Self | None:
        """With its filters."""
        older, further = at.duration(written.older_than), at.value(written.further_than, Kind.PERCENT)
        if (written.older_than is not None and older is None) or (written.further_than is not None and further is None):
            return None
        return cls(
            side=Side(written.side.upper()) if written.side else None, tag=written.tag, owner=written.owner,
            older_than_ms=older, further_than=further, place=at.key_place(path),
        )  # fmt: skip

    def values(self) -> Iterable[Value]:
        """The distance."""
        return () if self.further_than is None else (self.further_than,)

    def needs(self, symbol: str) -> Iterable[Need]:
        """The open orders, and where a distance is asked the book."""
        yield OpenOrdersNeed(symbol)
        if self.further_than is not None:
            yield BookNeed(symbol, 1)

    def words(self, symbol: str) -> str:
        """`cancel autotrader's open buy orders of BTCJPY older than 30m`."""
        owner = {"this_rule": "this rule's", "autotrader": "autotrader's", "anyone": "anyone's"}[self.owner]
        side = f" {self.side.value.lower()}" if self.side is not None else ""
        text = f"cancel {owner} open{side} orders of {symbol}"
        text += f" tagged {self.tag}" if self.tag is not None else ""
        text += f" older than {span_text(self.older_than_ms)}" if self.older_than_ms is not None else ""
        if self.further_than is None:
            return text
        return f"{text} further than {value_in_words(self.further_than, symbol)} from the near side"

    def data(self, symbol: str) -> dict[str, Any]:
        """Its filters."""
        return {
            "action": "cancel_orders", "owner": self.owner, "side": self.side.value.lower() if self.side else None,
            "tag": self.tag, "older_than": None if self.older_than_ms is None else span_text(self.older_than_ms),
            "further_than": None if self.further_than is None else value_data(self.further_than, symbol),
        }  # fmt: skip

    def requests(self, at: ActionContext) -> Effect:
        """The cancellations; with no matching order the step is done. What cannot be known cancels nothing. An order
        that may or may not be there counts where an order follows in the list: that one is meant for when all these
        are gone.
        """
        wanted = OrderFilter(self.side, self.owner, self.tag)
        follows = any(action.trades for action in at.later)
        # Its coins or money may come free or not: the order that follows would be sized on a guess.
        unclear = unclear_order(at.sources, at.rule, at.symbol, wanted) if follows else ""
        if unclear:
            return Failed(Dropped(f"order {unclear} has an unknown fate"))
        found = open_orders(at.sources, at.rule, at.symbol, wanted)
        if isinstance(found, Missing):
            return Failed(Dropped(f"open orders: {found.reason}"))
        limit = None if self.further_than is None else at.exact(self.further_than)
        if isinstance(limit, Missing):
            return Failed(Dropped(f"further_than: {limit.reason}"))
        chosen = []
        for order in found:
            matches = self._matches(limit, order, at)
            if isinstance(matches, Missing):
                return Failed(Dropped(f"further_than: {matches.reason}"))
            if matches:
                chosen.append(order)
        reason = f"rule {at.rule}"
        requests = tuple(CancelOrder(request=cancel_request(o), run=at.run, reason=reason) for o in chosen)
        return Waits(requests, tuple(request.id for request in requests)) if requests else Done()

    def _matches(self, limit: Decimal | None, order: AnyOrder, at: ActionContext) -> bool | Missing:
        if self.older_than_ms is not None and at.sources.now_ms - placed_ms(order) <= self.older_than_ms:
            return False
        if limit is None:
            return True
        gap = distance(order, at.sources)
        return gap if isinstance(gap, Missing) else gap > limit
