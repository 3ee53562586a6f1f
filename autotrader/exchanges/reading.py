"""Replies as models: which fields of a JSON object become which fields of a value of the domain, checked in one pass.

Strategy: a `Model` is a table, one row for each field of a dataclass: its name in the reply, what it must be, and what
holds where the reply leaves it out. pydantic-core compiles the table (when the first such reply comes, not before) and
makes the dataclass itself, so that no second class, no dictionary and no copying stands between the bytes and the value
that rules see. pydantic-core and not pydantic: models of classes that know nothing of exchanges are written in its own
terms anyway, and the rest of pydantic would double what importing it costs a start.

What is needed must be there, of the right JSON type and sensible; what we do not know is passed over, because venues
add fields without notice. Prices and quantities arrive as decimal strings and become Decimal at once; exponents,
full-width digits, NaN and bare JSON numbers are refused there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Final, Generic, NamedTuple, NoReturn, TypeVar

from pydantic_core import PydanticCustomError, SchemaValidator, ValidationError
from pydantic_core import core_schema as core
from pydantic_core.core_schema import CoreSchema

from autotrader.errors import ExchangeUnavailable

LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01
MOST_INTEGER: Final = 2**63 - 1  # ids are 64 bit numbers, and records keep no larger ones
T = TypeVar("T")


class BadReply(ExchangeUnavailable):
    """A reply that came whole but cannot be believed: a field is missing or makes no sense."""


# ------------------------------------------------------------------------------------------- what a field must be
def refused(why: str) -> PydanticCustomError:
    """To be raised where a field is read: why it makes no sense, after "field ... "."""
    return PydanticCustomError("refused", "{why}", {"why": why})


def said(schema: CoreSchema, why: str) -> CoreSchema:
    """The schema with our words in the place of pydantic's, after "field ... "."""
    return core.custom_error_schema(schema, "refused", custom_error_message="{why}", custom_error_context={"why": why})


def read_by(made: Callable[[Any], Any], schema: CoreSchema) -> CoreSchema:
    """What `made` makes of a field that is as the schema says. It may raise `refused` or BadReply."""
    return core.no_info_after_validator_function(made, schema)


def integer(least: int | None = None, most: int = MOST_INTEGER) -> CoreSchema:
    """A JSON integer from `least` to `most`; a JSON boolean is none."""
    return core.int_schema(strict=True, ge=least, le=most)


def tuple_of(schema: CoreSchema) -> CoreSchema:
    """A JSON array of such values."""
    return core.tuple_schema([schema], variadic_item_index=0)


def _amount(text: str) -> Decimal:
    value = Decimal(text)
    if value < 0:
        raise refused("is negative")
    return value


def _price(text: str) -> Decimal:
    value = Decimal(text)
    if value <= 0:
        raise refused("is not above 0")
    return value


# Rust's regular expressions know no full-width digits in [0-9] and no newline before `$`.
_FIGURE: Final = said(
    core.str_schema(strict=True, pattern=r"^-?[0-9]{1,40}(?:\.[0-9]{1,40})?$"), "is not a decimal number in quotes"
)
DECIMAL: Final = read_by(Decimal, _FIGURE)
AMOUNT: Final = read_by(_amount, _FIGURE)
PRICE: Final = read_by(_price, _FIGURE)
TIME: Final = said(integer(0, LATEST_MS), "is not a time in milliseconds")
TEXT: Final = said(core.str_schema(strict=True, min_length=1), "is not a text")
TEXTS: Final = said(tuple_of(core.str_schema(strict=True)), "is not a list of texts")
FLAG: Final = said(core.bool_schema(strict=True), "is neither true nor false")


# --------------------------------------------------------------------------------------------------------- fields
Later = Callable[[], CoreSchema]  # a schema of another model, which is not built before this one is


class Field(NamedTuple):
    """One row of a model: the names under which the reply may have it (the first that is there counts; with dots where
    it lies deeper), what it must be, and pydantic-core's words for what it is where it is absent.
    """

    names: tuple[str, ...]
    schema: CoreSchema | Later
    absent: dict[str, Any] | None = None

    def checked(self) -> CoreSchema:
        """What it must be, and what it is otherwise."""
        schema = self.schema() if callable(self.schema) else self.schema
        return schema if self.absent is None else core.with_default_schema(schema, **self.absent)

    def paths(self) -> list[list[str | int]]:
        """Its names as pydantic-core wants them."""
        return [list(one.split(".")) for one in self.names]


def required(names: str, schema: CoreSchema | Later) -> Field:
    """A field that must be there; several names are separated by spaces."""
    return Field(tuple(names.split()), schema)


def optional(names: str, schema: CoreSchema | Later, default: object = None) -> Field:
    """A field that may be absent; then it is `default`. A null is not absent."""
    return Field(tuple(names.split()), schema, {"default": default})


def derived(make: Callable[[dict[str, Any]], Any], names: str = "(derived)", schema: CoreSchema | None = None) -> Field:
    """What the fields before it say, unless the reply says it itself under these names."""
    absent = {"default_factory": make, "default_factory_takes_data": True}
    return Field(tuple(names.split()), schema or core.any_schema(), absent)


def given(name: str) -> Field:
    """What is known without the reply, and handed to `Model.read`; parentheses stand in no name of a venue's."""
    return Field((f"({name})",), core.any_schema())


# --------------------------------------------------------------------------------------------------------- models
@dataclass(frozen=True)
class Model(Generic[T]):
    """How an object of a reply is read as a `made`: a dataclass, or a function of the fields where they are more or
    other than a value's. `what` names the reply in errors; `then` looks at the whole value and may refuse it or make
    another of it; `before` puts the raw object in order.
    """

    what: str
    made: Callable[..., T]
    fields: dict[str, Field]
    then: Callable[[T], T] | None = None
    before: Callable[[Any], Any] | None = None

    def read(self, data: Any, asked: str | None = None, **known: Any) -> T:
        """One object. `asked` is the symbol that it must be about, `known` what is `given`. Raises BadReply."""
        if known and isinstance(data, dict):
            data = data | {f"({name})": value for name, value in known.items()}
        found: T = read_as(self.what, self._one, data)
        if asked is not None and getattr(found, "symbol", None) != asked:
            raise BadReply(f"{self.what}: the reply is about another symbol than {asked}")
        return found

    def rows(self, data: Any, asked: str | None = None) -> tuple[T, ...]:
        """All objects of a list, each about `asked`. Raises BadReply."""
        found: tuple[T, ...] = read_as(self.what, self._many, data)
        if asked is not None and any(getattr(one, "symbol", None) != asked for one in found):
            raise BadReply(f"{self.what}: the reply is about another symbol than {asked}")
        return found

    @cached_property
    def schema(self) -> CoreSchema:
        """For a model in which this one lies."""
        made, schema = self.made, self._object()
        if self.before is not None:
            schema = core.no_info_before_validator_function(self.before, schema)
        if not is_dataclass(made):
            schema = read_by(lambda found: made(**found), schema)
        return schema if self.then is None else read_by(self.then, schema)

    def _object(self) -> CoreSchema:
        made = self.made
        if not (isinstance(made, type) and is_dataclass(made)):
            return core.typed_dict_schema({
                name: core.typed_dict_field(one.checked(), validation_alias=one.paths())
                for name, one in self.fields.items()
            })  # fmt: skip
        # pydantic-core sets what is in its table and nothing else, so defaults of the class must stand there too.
        table = {one.name: Field(("(default)",), core.any_schema(), {"default": one.default}) for one in fields(made)}
        if strange := self.fields.keys() - table.keys():
            raise TypeError(f"{made.__name__} has no field {', '.join(strange)}")
        table |= self.fields
        if bare := [name for name, one in table.items() if one.absent == {"default": MISSING}]:
            raise TypeError(f"{self.what} does not say where {', '.join(bare)} of {made.__name__} comes from")
        rows = [
            core.dataclass_field(name, table[name].checked(), kw_only=True, validation_alias=table[name].paths())
            for name in (*self.fields, *(table.keys() - self.fields.keys()))
        ]
        args, slots = core.dataclass_args_schema(made.__name__, rows), hasattr(made, "__slots__")
        return core.dataclass_schema(made, args, list(table), slots=slots, frozen=True)

    @cached_property
    def _one(self) -> SchemaValidator:
        return SchemaValidator(self.schema)

    @cached_property
    def _many(self) -> SchemaValidator:
        return SchemaValidator(tuple_of(self.schema))


def read_as(what: str, validator: SchemaValidator, data: Any) -> Any:
    """What a validator makes of a reply. Raises BadReply."""
    try:
        return validator.validate_python(data)
    except ValidationError as error:
        raise BadReply(_in_words(what, error)) from None


_WORDS: Final = {
    "missing": "is missing",
    "int_type": "is not a whole number",
    "tuple_type": "is not a list",
    "list_type": "is not a list",
    "dict_type": "is not a JSON object",
    "dataclass_type": "is not a JSON object",
    "less_than_equal": "is larger than any number of the exchange",
}


def _in_words(what: str, error: ValidationError) -> str:
    """The first thing that is wrong, with the field's name and never with its value: `account.balances: field ...`."""
    first = error.errors(include_url=False)[0]
    kind, input_ = first["type"], first["input"]
    why = first.get("ctx", {}).get("why") or _WORDS.get(kind, "makes no sense")
    if kind == "greater_than_equal":
        why = f"is below {first['ctx']['ge']}"
    # A null is told as absent: to the reader of the message it is the same, and the schema's words would be about
    # types.
    if input_ is None and kind != "missing":
        why = "is missing"
    names = [what, *(one for part in first["loc"] if isinstance(part, str) for one in part.split("."))]
    if len(names) == 1 or isinstance(first["loc"][-1], int):
        return f"{'.'.join(names)}: {why.removeprefix('is ')}"
    return f"{'.'.join(names[:-1])}: field {names[-1]} {why}"


def by_symbol(data: Any, asked: Sequence[str], what: str) -> dict[str, dict[str, Any]]:
    """Objects of a list by their symbol, in no order (the venue has its own); one that was not asked for, or stands
    twice, is refused. One that is absent stays absent. Raises BadReply.
    """
    if not isinstance(data, list):
        raise BadReply(f"{what}: not a list")
    found: dict[str, dict[str, Any]] = {}
    for row in data:
        symbol = row.get("symbol") if isinstance(row, dict) else None
        if not isinstance(symbol, str) or symbol not in asked or symbol in found:
            raise BadReply(f"{what}: a symbol is missing, stands twice or was not asked for")
        found[symbol] = row
    return found


# --------------------------------------------------------------------------------------------------------- strict json
# JSON from the venue, read without mercy: what `json.loads` lets pass can cost money (docs/order-safety.md §5).
#
# Refused: duplicate keys (the last would win), NaN and Infinity, numbers of more than 64 characters, nesting deeper
# than 32, anything but UTF-8, half of a pair of surrogates (`\ud800`: no record could hold the text). Numbers with a
# point or an exponent become Decimal.

MOST_DIGITS: Final = 64
MOST_DEPTH: Final = 32
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


class BadJson(ValueError):
    """Text that is not JSON as we accept it; the message says why and never quotes the text."""


def parse(body: bytes) -> Any:
    """The value of a reply's body. Raises BadJson."""
    if _deeper_than(body, MOST_DEPTH):  # before parsing: the parser recurses in C, and too deep ends the process
        raise BadJson(f"nested deeper than {MOST_DEPTH} levels")
    try:
        found = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadJson("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BadJson(f"{error.msg.lower()} at character {error.pos}") from None
    except (RecursionError, InvalidOperation):  # an exponent that no Decimal can hold is no number either
        raise BadJson("not readable") from None
    # The search is over bytes and rare; only where it finds an escape is the value walked.
    if _SURROGATE.search(body) and _has_lone_surrogate(found):
        raise BadJson("a text holds half of a character")
    return found


def _has_lone_surrogate(found: Any) -> bool:
    """Whether a text in a value, key or not, has no UTF-8 form. Nesting is bounded by MOST_DEPTH."""
    if isinstance(found, str):
        return any("\ud800" <= sign <= "\udfff" for sign in found)
    if isinstance(found, dict):
        return any(_has_lone_surrogate(one) for pair in found.items() for one in pair)
    return isinstance(found, list) and any(_has_lone_surrogate(one) for one in found)


def _deeper_than(body: bytes, most: int) -> bool:
    """Whether brackets nest deeper. Fast where they balance; counted one by one only where strings hold brackets."""
    brackets = body.translate(None, _NOT_BRACKETS)
    for _ in range(most):
        if not brackets:
            return False
        # a level a round, and in C: a body of megabytes takes milliseconds
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    # strings may hold brackets that never close; only then is it worth counting by hand
    return bool(brackets) and _slow_depth(body) > most


def _slow_depth(body: bytes) -> int:
    depth = deepest = 0
    inside = escaped = False
    for byte in body:
        if inside:
            inside = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            inside = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # json would keep the last one, and nobody could say which was meant
        raise BadJson("a key stands twice in one object")
    return found


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise BadJson(f"a number of {len(text)} digits")
    return int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > MOST_DIGITS:
        raise BadJson(f"a number of {len(text)} digits")
    return Decimal(text)


def _constant(text: str) -> NoReturn:
    raise BadJson(f"{text} is not a number")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
