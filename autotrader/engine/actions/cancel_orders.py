"""`cancel_orders`: every open order of the symbol that matches all that is given."""

from __future__ import annotations

from decimal import Decimal

from autotrader.engine.actions.scene import Done, Failed, Given, Scene, Waits
from autotrader.engine.open_orders import AnyOrder, cancel_request, distance, open_orders, placed_ms, unclear_order
from autotrader.engine.requests import CancelOrder, Dropped
from autotrader.engine.values import exact
from autotrader.language.plan import CancelOrders, OrderFilter, PlaceOrder
from autotrader.market.sources import Missing


def given(action: CancelOrders, scene: Scene) -> Given:
    """The cancellations; with no matching order the step is done. What cannot be known cancels nothing. An order that
    may or may not be there counts where an order follows in the list: that one is meant for when all these are gone.
    """
    wanted = OrderFilter(action.side, action.owner, action.tag)
    unclear = unclear_order(scene.sources, scene.rule, wanted) if _is_before_an_order(scene) else ""
    if unclear:
        return Failed(Dropped(f"order {unclear} has an unknown fate"))
    found = open_orders(scene.sources, scene.rule, wanted)
    if isinstance(found, Missing):
        return Failed(Dropped(f"open orders: {found.reason}"))
    limit = None if action.further_than is None else exact(action.further_than, scene.values)
    if isinstance(limit, Missing):
        return Failed(Dropped(f"further_than: {limit.reason}"))
    chosen = []
    for order in found:
        matches = _matches(action, limit, order, scene)
        if isinstance(matches, Missing):
            return Failed(Dropped(f"further_than: {matches.reason}"))
        if matches:
            chosen.append(order)
    reason = f"rule {scene.rule.id}"
    requests = tuple(CancelOrder(request=cancel_request(o), run=scene.run.key, reason=reason) for o in chosen)
    return Waits(requests, tuple(request.id for request in requests)) if requests else Done()


def _is_before_an_order(scene: Scene) -> bool:
    later = scene.rule.branches[scene.run.branch].actions[scene.run.step + 1 :]
    return any(isinstance(action, PlaceOrder) for action in later)


def _matches(action: CancelOrders, limit: Decimal | None, order: AnyOrder, scene: Scene) -> bool | Missing:
    if action.older_than_ms is not None and scene.sources.now_ms - placed_ms(order) <= action.older_than_ms:
        return False
    if limit is None:
        return True
    gap = distance(order, scene.sources)
    return gap if isinstance(gap, Missing) else gap > limit
