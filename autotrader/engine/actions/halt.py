"""`halt`: no new order until a person resumes."""

from __future__ import annotations

from autotrader.engine.actions.scene import Done, Given, Scene
from autotrader.engine.requests import HaltRequest
from autotrader.language.plan import HaltTrading


def given(_action: HaltTrading, scene: Scene) -> Given:
    """The request to halt."""
    return Done((HaltRequest(reason=f"rule {scene.rule.id} ({scene.rule.symbol})", run=scene.run.key),))
