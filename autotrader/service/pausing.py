"""Pausing rules by hand, and letting them run again: by name or by label, by way of the service or here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autotrader.errors import UsageError
from autotrader.language.requests import PauseRequest
from autotrader.records.store import Store
from autotrader.service.control import ask_or_do, open_idle
from autotrader.structs import dataclass
from autotrader.text import did_you_mean
from autotrader.trading.kept import Kept
from autotrader.views.why import Explainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pausing:
    """Rules and labels to pause, or to let run again, for so long (None: until resumed)."""

    rules: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    for_ms: int | None = None
    resume: bool = False

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Pausing:
        """From an inbox entry. Raises TypeError, ValueError for what is none."""
        span = arguments.get("for_ms")
        return cls(
            rules=_names(arguments, "rules"),
            labels=_names(arguments, "labels"),
            for_ms=None if span is None else int(span),
            resume=bool(arguments.get("resume")),
        )

    def arguments(self) -> dict[str, object]:
        """For an inbox entry; the inverse of `of`."""
        names = {"rules": list(self.rules), "labels": list(self.labels)}
        return {**names, "for_ms": self.for_ms, "resume": self.resume}

    def request(self, now_ms: int) -> PauseRequest:
        """As a rule would ask for it at this moment."""
        until_ms = None if self.for_ms is None else now_ms + self.for_ms
        return PauseRequest(resume=self.resume, rules=self.rules, labels=self.labels, until_ms=until_ms, run=None)


def _names(arguments: Mapping[str, Any], what: str) -> tuple[str, ...]:
    """A list of names. Raises TypeError for anything else."""
    names = arguments.get(what) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"`{what}` is no list of names")
    return tuple(names)


def pause(folder: Path, asked: Pausing, now_ms: Callable[[Path], int]) -> None:
    """Pause or resume rules. Raises UsageError for a name that nobody bears: it would pause nothing, silently."""
    with Store.read(folder) as store:
        _check_names(store, asked)

    def here() -> Mapping[str, Any]:
        moment = now_ms(folder)
        with open_idle(folder, moment) as store, store.transaction():
            Kept(store).pause(asked.request(moment), moment)
        return {}

    ask_or_do(folder, "pause", asked.arguments(), here)


def _check_names(store: Store, asked: Pausing) -> None:
    """What is paused may always be resumed, also where no rule bears the name any more."""
    explainer = Explainer(store)
    paused = {tuple(entry[:2]) for entry in store.settings.get("paused", [])} if asked.resume else set()
    for rule in asked.rules:
        if ("rule", rule) not in paused:
            explainer.known(rule)
    plan = explainer.newest_plan()
    known = [] if plan is None else sorted({label for rule in plan.rules for label in rule.labels})
    for label in asked.labels:
        if label not in known and ("label", label) not in paused:
            listed = f"there are: {', '.join(known)}" if known else "no rule has a label"
            raise UsageError(f"no rule has the label `{label}`", hint=did_you_mean(label, known, listed))
