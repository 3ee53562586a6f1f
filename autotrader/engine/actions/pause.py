"""`pause` and `resume` of rules by id or label."""

from __future__ import annotations

from autotrader.engine.actions.scene import Done, Given, Scene
from autotrader.engine.requests import PauseRequest
from autotrader.language.plan import PauseRules


def given(action: PauseRules, scene: Scene) -> Given:
    """The request to pause or resume."""
    until = None if action.span_ms is None or action.resume else scene.sources.now_ms + action.span_ms
    request = PauseRequest(
        resume=action.resume, rules=action.rules, labels=action.labels, until_ms=until, run=scene.run.key
    )
    return Done((request,))
