"""`cancel`: the order at hand, inside `for_each_order`."""

from __future__ import annotations

from autotrader.engine.actions.scene import Failed, Given, Scene, Waits
from autotrader.engine.open_orders import cancel_request
from autotrader.engine.requests import CancelOrder, Skipped
from autotrader.language.plan import CancelThis


def given(_action: CancelThis, scene: Scene) -> Given:
    """The cancellation of the run's order."""
    order = scene.run.latest
    if order is None:
        return Failed(Skipped("there is no order to cancel"))
    request = CancelOrder(request=cancel_request(order), run=scene.run.key, reason=f"rule {scene.rule.id}")
    return Waits((request,), (request.id,))
