"""Actions: one file each, from an action and its scene to requests. A new one is a file and a line in `TABLE`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autotrader.engine.actions import cancel, cancel_orders, halt, notify, pause, place
from autotrader.engine.actions.scene import Done, Failed, Given, Scene, Waits
from autotrader.language.plan import (
    Action,
    CancelOrders,
    CancelThis,
    HaltTrading,
    Notify,
    PauseRules,
    PlaceOrder,
)

TABLE: Mapping[type, Callable[[Any, Scene], Given]] = {
    PlaceOrder: place.given,
    CancelThis: cancel.given,
    CancelOrders: cancel_orders.given,
    Notify: notify.given,
    PauseRules: pause.given,
    HaltTrading: halt.given,
}

__all__ = ["TABLE", "Done", "Failed", "Given", "Scene", "Waits", "given"]


def given(action: Action, scene: Scene) -> Given:
    """What an action gives in its scene."""
    return TABLE[type(action)](action, scene)
