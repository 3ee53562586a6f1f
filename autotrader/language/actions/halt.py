"""`halt`: no new order until a person resumes."""

from __future__ import annotations

from typing import Any

from autotrader.language.actions.action import Action, ActionContext, Done, Effect
from autotrader.language.compiler import Compiler
from autotrader.language.nodes import Path
from autotrader.language.requests import HaltRequest
from autotrader.language.written import Bare
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltTrading(Action):
    """`halt`."""

    stored = "HaltTrading"
    written = (("halt", Bare, "no new order until a person resumes"),)

    @classmethod
    def compiled(cls, at: Compiler, key: str, written: Any, path: Path) -> HaltTrading:
        """Always good."""
        return cls(place=at.key_place(path))

    def words(self, symbol: str) -> str:
        """`halt: …`."""
        return "halt: no new order until a person resumes"

    def data(self, symbol: str) -> dict[str, Any]:
        """Its name."""
        return {"action": "halt"}

    def requests(self, at: ActionContext) -> Effect:
        """The request to halt."""
        return Done((HaltRequest(reason=f"rule {at.rule} ({at.symbol})", run=at.run),))
