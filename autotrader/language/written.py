"""What all written forms share: the strict base model, scalar types, and errors with our own codes."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError, PydanticKnownError

from autotrader.language.problems import Problem
from autotrader.structs import dataclass
from autotrader.text import visible

YAML_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})


class Written(BaseModel):
    """Base of all written forms: unknown keys refused, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def wrong(
    code: str, message: str, hint: str = "", *, key: str = "", add: Mapping[str, Any] | None = None,
    drop: Sequence[str] = (), at_key: bool = True,
) -> PydanticCustomError:  # fmt: skip
    """An error with our code. `key` puts the caret on a key of the model (on its value, unless `at_key`); `add` and
    `drop` mend it for what follows.
    """
    context = {"message": message, "hint": hint, "key": key, "add": dict(add or {}), "drop": list(drop)}
    return PydanticCustomError(code, "{message}", {**context, "at_key": at_key})


def faulty(problems: Sequence[Problem]) -> PydanticCustomError:
    """What is wrong inside a text, with places of its own."""
    first = problems[0]
    return PydanticCustomError(
        "faulty", "{message}", {"message": first.message, "hint": first.hint, "problems": tuple(problems)}
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a key that a form knows is not taken. A form's `refused` holds them by key."""

    code: str
    message: str
    hint: str = ""


# ------------------------------------------------------------------------------------------------ scalars


def text_of(value: object) -> str:
    """The text that is written, which still knows its place. Raises pydantic's error for what is none, or empty."""
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    if not value:
        raise wrong("AT204", "nothing is written here", "write a value, or remove the key")
    return value


def _boolean(value: object) -> object:
    if value in ("true", "false"):
        return value == "true"
    hint = "write `true` or `false`"
    if isinstance(value, str) and value.lower() in YAML_BOOLEANS:
        good = "true" if value.lower() in {"yes", "on", "y", "true"} else "false"
        hint = f"write `{good}`; `{value}` is only a text"
    raise wrong("AT204", f"{shown(value)} is neither `true` nor `false`", hint)


def whole_of(value: object) -> int:
    """A whole number, never octal. Raises pydantic's error for anything else."""
    if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9][0-9]{0,8})", value, re.ASCII):
        return int(value)
    hint = "write digits only, such as `10`"
    if isinstance(value, str) and re.fullmatch(r"0[0-9]+", value, re.ASCII):
        hint = f"write `{value.lstrip('0') or '0'}`: a leading 0 means octal elsewhere"
    raise wrong("AT204", f"{shown(value)} is not a whole number", hint)


def _name(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", value, re.ASCII):
        return value
    hint = "use letters, digits, `_` and `-`, at most 64, beginning with a letter"
    raise wrong("AT204", f"{shown(value)} is not a name", hint)


def _symbol(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[A-Z0-9]{5,20}", value, re.ASCII):
        return value
    bare = re.sub(r"[^A-Za-z0-9]", "", value).upper() if isinstance(value, str) else ""
    hint = f"write `{bare}`" if 5 <= len(bare) <= 20 else "symbols are written like `BTCJPY`"
    if isinstance(value, list):
        hint = "several stand below `symbols:`, as in `symbols: [BTCJPY, ETHJPY]`"
    raise wrong("AT209", f"{shown(value)} is not a symbol", hint)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) and value else value


def shown(value: object) -> str:
    """What was found, for a message."""
    if isinstance(value, str):
        return f"`{visible(value)}`" if value else "nothing"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else str(value)


def _version(value: object) -> object:
    if value != "1":
        raise wrong("AT219", f"version `{value}` is not known", "this release reads `version: 1`")
    return value


def mapping_or_text(value: object) -> str:
    """Which of two alternatives is written."""
    return "«text»" if isinstance(value, str) else "«mapping»"


def _bare(value: object) -> object:
    if value not in ("", "true", {}):
        raise wrong("AT203", "nothing belongs behind this word", "write the word alone")
    return ""


# A text keeps its place until it is compiled. What is kept of a text itself is a `Name`, or made a `str`.
Text = Annotated[str, PlainValidator(text_of), WithJsonSchema({"type": "string"})]
YesNo = Annotated[bool, BeforeValidator(_boolean)]
Whole = Annotated[int, BeforeValidator(whole_of)]
Name = Annotated[
    str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,63}$"})
]
SymbolName = Annotated[str, BeforeValidator(_symbol), WithJsonSchema({"type": "string", "pattern": "^[A-Z0-9]{5,20}$"})]
PlainText = Annotated[str, BeforeValidator(text_of)]
Version = Annotated[Literal["1"], BeforeValidator(_version)]
Bare = Annotated[str, BeforeValidator(_bare), WithJsonSchema({"type": ["null", "string"], "maxLength": 0})]
_ONE_OR_MANY = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
Texts = Annotated[list[Text], BeforeValidator(_listed), WithJsonSchema(_ONE_OR_MANY)]


def not_yet(code: str, what: str, hint: str = "") -> Refusal:
    """A key that the language has but this version does not carry out: refused, never ignored."""
    return Refusal(code, f"not yet supported: {what}", hint)
