"""What every action is: how it is written, checked, told, and what it asks for. One file of this folder an action.

An action's class is its compiled form: immutable, with amounts and texts parsed. `written` names its keys with the
forms that they hold; everything else that the house wants to know of an action is a method here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self, TypeAlias

from autotrader.language.compiler import Compiler
from autotrader.language.nodes import Path
from autotrader.language.requests import Dropped, Request, RunKey, Skipped
from autotrader.language.tree import Place, Term, Value
from autotrader.language.walk import tree_terms
from autotrader.market.account import OwnOrder
from autotrader.market.needs import Need
from autotrader.market.sources import Missing, Sources
from autotrader.orders import Order
from autotrader.structs import dataclass

Names: TypeAlias = Iterable[tuple[Literal["rule", "label", "channel"], str]]


@dataclass(frozen=True, slots=True)
class Done:
    """The step is complete with these requests; the next action follows at once."""

    requests: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """The step is complete when each of `awaiting` has been answered."""

    requests: tuple[Request, ...]
    awaiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The step cannot be done and ends the list: skipped spends the firing, dropped gives it back."""

    why: Skipped | Dropped


Effect: TypeAlias = Done | Waits | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """One step of a run, as its action sees it.

    `order` names the run's order (for per-order rules, else ""), `latest` is the order that it has at hand; `later` are
    the actions that follow in the list. `exact` gives a value of the action in Decimal, `shown` as a text for people.
    """

    rule: str
    symbol: str
    labels: tuple[str, ...]
    run: RunKey
    branch: int
    step: int
    latest: Order | OwnOrder | None
    later: tuple[Action, ...]
    sources: Sources
    store_id: str
    deadline_ms: int
    exact: Callable[[Value], Decimal | Missing]
    shown: Callable[[Value], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One item of a rule's `then`. `place` is where it is written."""

    written: ClassVar[tuple[tuple[str, Any, str], ...]] = ()
    """Each of its keys, the form behind it, and what it does (for editors). A `Bare` one is written as a word alone."""
    stored: ClassVar[str]
    """The names under which hashes know it and its fields, without `place`; never another once stores hold such hashes
    (see `compile.hashes`)."""
    trades: ClassVar[bool] = False
    """Whether it sends an order."""
    cancels: ClassVar[bool] = False
    """Whether it takes orders back: nothing of the kind stands behind a trade."""
    blind: ClassVar[bool] = False
    """Whether it may be done while the condition is unknown (`on_unknown: fire`)."""

    shows_order: ClassVar[bool] = False
    """Whether its words may speak of the order (`order.*`) that an earlier action of the list placed."""

    place: Place

    @property
    def looks_abroad(self) -> bool:
        """Whether it looks at orders that our own record does not hold, so that those are kept with the evaluation."""
        return False

    @classmethod
    def compiled(cls, at: Compiler, key: str, written: Any, path: Path) -> Self | None:
        """The action of a checked written form; None where something is wrong (then reported)."""
        raise NotImplementedError

    def values(self) -> Iterable[Value]:
        """The values that it works out when it runs."""
        return ()

    def needs(self, symbol: str) -> Iterable[Need]:
        """What must be seen beside the terms of its values."""
        return ()

    def names(self) -> Names:
        """The rules, labels and channels that it names."""
        return ()

    def words(self, symbol: str) -> str:
        """One sentence without its full stop: what will be done, from what the engine has, not from what was typed."""
        raise NotImplementedError

    def data(self, symbol: str) -> dict[str, Any]:
        """Its keys as plain data, every number an exact text; None for what says nothing."""
        raise NotImplementedError

    def requests(self, at: ActionContext) -> Effect:
        """What it asks for in a step of a run."""
        raise NotImplementedError


def terms_of(action: Action) -> Iterable[Term]:
    """Every term of an action's values."""
    for value in action.values():
        yield from tree_terms(value)
