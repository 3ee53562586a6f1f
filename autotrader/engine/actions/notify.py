"""`notify`: a text with the values it names."""

from __future__ import annotations

from autotrader.engine.actions.scene import Done, Given, Scene
from autotrader.engine.requests import NotifyRequest
from autotrader.engine.shown import value_text
from autotrader.engine.values import exact, term_id
from autotrader.language.facts import Fact
from autotrader.language.plan import Notify
from autotrader.language.tree import Term, Value
from autotrader.market.sources import Missing


def given(action: Notify, scene: Scene) -> Given:
    """The message. It never fails: what is not known is shown as a dash."""
    text = "".join(part if isinstance(part, str) else _shown(part, scene) for part in action.parts)
    request = NotifyRequest(
        to=action.to, level=action.level, text=text, run=scene.run.key, throttle_ms=action.throttle_ms,
        throttle_key=f"{scene.rule.id}/{scene.rule.symbol}/{scene.run.branch}/{scene.run.step}",
    )  # fmt: skip
    return Done((request,))


def _shown(part: Fact | Value, scene: Scene) -> str:
    if isinstance(part, Fact):
        return {"symbol": scene.rule.symbol, "rule": scene.rule.id, "state": "fired"}[part.name]
    if isinstance(part, Term):
        return value_text(scene.values.get(term_id(part)), part.unit)
    found = exact(part, scene.values)
    return value_text(found if isinstance(found, Missing) else float(found), part.unit)
