"""A rule file as it is written: its keys and their shapes, checked by pydantic. What the texts mean is compile's task.

Annotations are not deferred here (no `from __future__`): pydantic would evaluate each text, which costs start-up time.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Optional, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from autotrader.language.actions import WrittenAction
from autotrader.language.open_orders import OwnerName, SideName
from autotrader.language.written import (
    Name,
    Refusal,
    SymbolName,
    Text,
    Texts,
    Version,
    Whole,
    Written,
    YesNo,
    mapping_or_text,
    not_yet,
    wrong,
)

COMBINATORS = ("all", "any", "not", "at_least")
TRIGGERS = ("every", "on_close", "at")
_ALWAYS = {"all": ["exchange is normal"]}  # stand-ins, so that the rest of the rule is checked too
_ANYTHING = {"then": [{"notify": "-"}]}


def _form(value: object) -> str:
    return "«list»" if isinstance(value, list) else mapping_or_text(value)


def _filled(value: object) -> object:
    if value in ([], ""):
        hint = "write at least one condition, or remove the key"
        raise wrong("AT206", "the list is empty: nothing would be asked", hint)
    return value


def _no_list(value: object) -> object:
    if isinstance(value, list):
        raise wrong("AT203", "a list cannot stand here", "write `all:` or `any:` above it")
    return value


class WrittenAtLeast(Written):
    """`at_least: {n: 2, of: [...]}`: so many of the conditions must hold."""

    n: Whole
    of: Annotated[list["WrittenItem"], BeforeValidator(_filled)]

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        """Between one and all of them."""
        if not 1 <= self.n <= len(self.of):
            message, hint = f"`n: {self.n}` of {len(self.of)} conditions", f"write a number from 1 to {len(self.of)}"
            raise wrong("AT204", message, hint, key="n", drop=["n"], add={"n": "1"})
        return self


class WrittenCombinator(Written):
    """One of `all`, `any`, `not`, `at_least`."""

    all_of: Annotated[list["WrittenItem"], BeforeValidator(_filled)] | None = Field(None, alias="all")
    any_of: Annotated[list["WrittenItem"], BeforeValidator(_filled)] | None = Field(None, alias="any")
    none_of: Optional["WrittenItem"] = Field(None, alias="not")
    at_least: WrittenAtLeast | None = None

    @model_validator(mode="before")
    @classmethod
    def _one(cls, data: Any) -> Any:
        """One combinator per mapping, so that no reader has to know which binds tighter."""
        if not isinstance(data, dict):
            return data
        written = [key for key in data if key in COMBINATORS]
        if len(written) > 1:
            message = f"`{written[0]}` and `{written[1]}` stand in one mapping"
            hint = f"put one inside the other: `- {written[1]}: ...` as an item of the list"
            raise wrong("AT207", message, hint, key=written[1], drop=written[1:])
        if not data:
            raise wrong("AT206", "a condition is missing here", add=_ALWAYS)
        key, value = next(iter(data.items()))
        if not written and len(data) == 1 and isinstance(value, str) and value and not key.isidentifier():
            message = f"`{key}: {value}` was read as a mapping"
            raise wrong("AT203", message, "put the condition in quotes", key=key, drop=[key], add=_ALWAYS)
        return data


WrittenItem = Annotated[
    Annotated[Text, Tag("«text»")] | Annotated[WrittenCombinator, Tag("«mapping»")],
    Discriminator(_form), BeforeValidator(_no_list),
]  # fmt: skip
WrittenWhen = Annotated[
    Annotated[Text, Tag("«text»")]
    | Annotated[list[WrittenItem], BeforeValidator(_filled), Tag("«list»")]
    | Annotated[WrittenCombinator, Tag("«mapping»")],
    Discriminator(_form),
]  # fmt: skip


class WrittenParam(Written):
    """A parameter: a literal with its bounds, used as `$name`."""

    default: Text
    min: Text | None = None
    max: Text | None = None
    help: Text = ""


class WrittenOrderFilter(Written):
    """`for_each_order: {...}`: which open orders the rule looks at, one by one."""

    side: SideName | None = None
    owner: OwnerName = "autotrader"
    tag: Name | None = None
    label: Name | None = None


class WrittenBranch(Written):
    """An item of `choose`: `if` with `then`, or the last `else`."""

    if_: WrittenWhen | None = Field(None, alias="if")
    then: Annotated[list[WrittenAction], Field(min_length=1)] | None = None
    else_: Annotated[list[WrittenAction], Field(min_length=1)] | None = Field(None, alias="else")

    @model_validator(mode="before")
    @classmethod
    def _either(cls, data: Any) -> Any:
        """`if` needs `then`; `else` stands alone."""
        if not isinstance(data, dict):
            return data
        if "else" in data and {"if", "then"} & set(data):
            hint = "write `- else:` with the actions below it"
            raise wrong("AT205", "`else` stands in an item of its own", hint, key="else", drop=["else"])
        if "if" in data and "then" not in data:
            raise wrong("AT202", "the key `then` is missing", "add `then:` with a list of actions", add=_ANYTHING)
        if "then" in data and "if" not in data:
            raise wrong("AT202", "the key `if` is missing", "add `if: condition`", add={"if": "exchange is normal"})
        return data


class WrittenRule(Written):
    """A rule: when to look, what must hold, what to do."""

    refused: ClassVar[Mapping[str, Refusal]] = {
        "if_weekend": not_yet("AT431", "`if_weekend`"),
        "budget": not_yet("AT430", "`budget`", "use `max_runs` and the account file's limits"),
        "use": not_yet("AT429", "blueprints (`use`)", "copy the rule"),
        "with": not_yet("AT429", "blueprints (`with`)"),
        "pin": not_yet("AT429", "blueprints (`pin`)"),
    }

    about: Text = Field("", description="what the rule is for, in words")
    enabled: YesNo = True
    labels: list[Name] = Field([], description="names for groups of rules")
    symbol: SymbolName | None = None
    symbols: list[SymbolName] | None = Field(None, min_length=1)
    every: Text | None = Field(None, description="look at this rhythm: `30s` (default `1m`)")
    on_close: Text | None = Field(None, description="look when a candle of this timeframe closes: `1h`")
    at: Annotated[Texts, Field(min_length=1)] | None = Field(None, description="look at set times: `mon 09:00 JST`")
    catch_up: Text | None = Field(None, description="`skip`, or `once within 6h`")
    between: Annotated[Texts, Field(min_length=1)] | None = Field(
        None, description="act only in this time: `09:00-18:00 JST`"
    )
    when: WrittenWhen | None = Field(None, description="the condition: one line, a list (all), or all/any/not/at_least")
    rearm_when: WrittenWhen | None = Field(None, description="what must have held before it may fire again")
    repeat: Text | None = Field(None, description="`every 4h while true`")
    cooldown: Text | None = Field(None, description="rest after a firing: `12h`")
    max_runs: Text | None = Field(None, description="`2 per day`")
    retry_for: Text | None = Field(None, description="how long a blocked firing stays due: `10m`")
    on_unknown: Literal["skip", "alert", "fire"] = "skip"
    priority: Whole = Field(0, description="higher first within a cycle")
    then: list[WrittenAction] | None = Field(None, min_length=1)
    choose: list[WrittenBranch] | None = Field(None, min_length=1)
    for_each_order: WrittenOrderFilter | None = None

    @model_validator(mode="before")
    @classmethod
    def _together(cls, data: Any) -> Any:
        """Keys that exclude or need each other."""
        return _exclusive(data) if isinstance(data, dict) else data


def _exclusive(data: dict[str, Any]) -> dict[str, Any]:
    triggers = [key for key in data if key in TRIGGERS]
    if len(triggers) > 1:
        message = f"`{triggers[0]}` and `{triggers[1]}` exclude each other"
        hint = "keep one; write a second rule for the other"
        raise wrong("AT205", message, hint, key=triggers[1], drop=triggers[1:])
    for one, other in (("symbol", "symbols"), ("then", "choose")):
        if one in data and other in data:
            message = f"`{one}` and `{other}` exclude each other"
            raise wrong("AT205", message, "keep one of them", key=other, drop=[other])
    if "catch_up" in data and "at" not in data:
        raise wrong("AT205", "`catch_up` belongs to `at`", "remove it", key="catch_up", drop=["catch_up"])
    if "use" in data:  # a blueprint has the rest
        return data
    if "symbol" not in data and "symbols" not in data:
        raise wrong("AT202", "the key `symbol` is missing", "add `symbol: BTCJPY`", add={"symbol": "BTCJPY"})
    if "then" not in data and "choose" not in data:
        message = "the key `then` is missing: the rule would do nothing"
        raise wrong("AT202", message, "add `then:` with a list of actions", add=_ANYTHING)
    return data


class WrittenFile(Written):
    """A whole rule file."""

    refused: ClassVar[Mapping[str, Refusal]] = {
        "guards": not_yet("AT421", "`guards`", "write the condition into the rules, as a signal"),
        "grids": not_yet("AT422", "`grids`"),
        "tests": not_yet("AT435", "rule tests (`tests`)"),
    }

    version: Version
    params: dict[Name, WrittenParam] = Field({}, description="literals used as `$name`")
    signals: dict[Name, WrittenWhen] = Field({}, description="named conditions, used as `signal(name)`")
    rules: dict[Name, WrittenRule] = Field({}, description="the rules by id")
