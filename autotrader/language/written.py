"""What all written forms share: the strict base model, scalar types, and pydantic's errors told in our words.

A document is checked as a whole; what is wrong is reported, taken out or replaced by a harmless stand-in, and the rest
checked again, so that the later stages can go on and find the other mistakes. A document that had a problem is never
run. `Checked.reported` are the paths that later stages stay silent about.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from autotrader.language.meant import meant_key
from autotrader.language.nodes import Document, Map, Node, Path, Scalar, Seq, broken_paths, child, dotted
from autotrader.language.problems import Problem
from autotrader.text import did_you_mean, nearest, visible

ROUNDS = 6
MOST_PROBLEMS = 200  # of one kind of check: nobody reads more, and guessing what was meant takes time
YAML_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})


class Written(BaseModel):
    """Base of all written forms: unknown keys refused, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def wrong(
    code: str,
    message: str,
    *,
    hint: str = "",
    key: str = "",
    add: Mapping[str, Any] | None = None,
    drop: Sequence[str] = (),
) -> PydanticCustomError:
    """An error with our code. `key` puts the caret on a key of the model; `add` and `drop` mend it for what follows."""
    context = {"message": message, "hint": hint, "key": key, "add": dict(add or {}), "drop": list(drop)}
    return PydanticCustomError(code, "{message}", context)


# ------------------------------------------------------------------------------------------------ scalars


def _text(value: object) -> object:
    if value == "":
        raise wrong("AT204", "nothing is written here", hint="write a value, or remove the key")
    return value


def _boolean(value: object) -> object:
    if value in ("true", "false"):
        return value == "true"
    hint = "write `true` or `false`"
    if isinstance(value, str) and value.lower() in YAML_BOOLEANS:
        good = "true" if value.lower() in {"yes", "on", "y", "true"} else "false"
        hint = f"write `{good}`; `{value}` is only a text"
    raise wrong("AT204", f"{_shown(value)} is neither `true` nor `false`", hint=hint)


def _whole(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9][0-9]{0,8})", value, re.ASCII):
        return int(value)
    hint = "write digits only, such as `10`"
    if isinstance(value, str) and re.fullmatch(r"0[0-9]+", value, re.ASCII):
        hint = f"write `{value.lstrip('0') or '0'}`: a leading 0 means octal elsewhere"
    raise wrong("AT204", f"{_shown(value)} is not a whole number", hint=hint)


def _name(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", value, re.ASCII):
        return value
    raise wrong(
        "AT204",
        f"{_shown(value)} is not a name",
        hint="use letters, digits, `_` and `-`, at most 64, beginning with a letter",
    )


def _symbol(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[A-Z0-9]{5,20}", value, re.ASCII):
        return value
    bare = re.sub(r"[^A-Za-z0-9]", "", value).upper() if isinstance(value, str) else ""
    hint = f"write `{bare}`" if 5 <= len(bare) <= 20 else "symbols are written like `BTCJPY`"
    if isinstance(value, list):
        hint = "several stand below `symbols:`, as in `symbols: [BTCJPY, ETHJPY]`"
    raise wrong("AT209", f"{_shown(value)} is not a symbol", hint=hint)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) and value else value


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"`{visible(value)}`" if value else "nothing"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else str(value)


def _bare(value: object) -> object:
    if value not in ("", "true", {}):
        raise wrong("AT203", "nothing belongs behind this word", hint="write the word alone")
    return ""


Text = Annotated[str, BeforeValidator(_text)]
YesNo = Annotated[bool, BeforeValidator(_boolean)]
Whole = Annotated[int, BeforeValidator(_whole)]
Name = Annotated[
    str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,63}$"})
]
SymbolName = Annotated[str, BeforeValidator(_symbol), WithJsonSchema({"type": "string", "pattern": "^[A-Z0-9]{5,20}$"})]
Bare = Annotated[str, BeforeValidator(_bare), WithJsonSchema({"type": ["null", "string"], "maxLength": 0})]
_ONE_OR_MANY = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
Texts = Annotated[list[Text], BeforeValidator(_listed), WithJsonSchema(_ONE_OR_MANY)]


def not_yet(code: str, what: str, hint: str = "") -> Any:
    """A key that the language has but this version does not carry out: refused, never ignored."""

    def refuse(_: object) -> object:
        raise wrong(code, f"not yet supported: {what}", hint=hint, key="")

    return Annotated[Any, BeforeValidator(refuse), Field(json_schema_extra={"not_yet": True})]


# ------------------------------------------------------------------------------------------------ checking

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Checked(Generic[Model]):
    """A written form (None where nothing could be saved), its problems, and the paths already reported."""

    model: Model | None
    problems: tuple[Problem, ...]
    reported: frozenset[Path]

    def silences(self, path: Path) -> bool:
        """Whether something at or above a path was reported already."""
        return any(path[:end] in self.reported for end in range(len(path) + 1))


# What stands in for something wrong while the rest is checked: by key, and for items by the key of their list.
_HARMLESS: Mapping[str, Any] = {
    "version": "1", "symbol": "BTCJPY", "symbols": ["BTCJPY"], "price": "market", "spend": "10_000_000 JPY",
    "then": [{"notify": "-"}], "else": [{"notify": "-"}], "text": "-", "default": "1", "notify": "-", "n": "1",
    "of": ["exchange is normal"], "if": "exchange is normal", "rules": {}, "rule": ["-"],
}  # fmt: skip
_HARMLESS_ITEM: Mapping[str, Any] = {
    "then": {"notify": "-"}, "else": {"notify": "-"}, "symbols": "BTCJPY", "labels": "x", "at": "daily 09:00",
    "between": "00:00-24:00", "include": "rules/*.yaml",
    "choose": {"if": "exchange is normal", "then": [{"notify": "-"}]},
}  # fmt: skip
_CONDITION = "exchange is normal"


def check(model: type[Model], document: Document) -> Checked[Model]:
    """Check a document against a model. Never raises; every mistake is one problem at its place."""
    if document.root is None:
        return Checked(None, (), frozenset())
    data: dict[str, Any] = _plain(document.root)  # type: ignore[assignment]  # the root is a mapping
    reported: dict[Path, str] = dict.fromkeys(broken_paths(document.root), "")  # path -> kind of error
    for path in sorted(reported, key=len, reverse=True):
        _take_out(data, path)
    problems: list[Problem] = []
    for _ in range(ROUNDS):
        try:
            return Checked(model.model_validate(data), tuple(problems), frozenset(reported))
        except ValidationError as error:
            # what is missing comes last: a misspelt or refused key beside it explains it
            for detail in sorted(error.errors(include_url=False), key=lambda each: each["type"] == "missing"):
                path = _path(document.root, detail["loc"], keep_last=detail["type"] in {"missing", "extra_forbidden"})
                if len(problems) < MOST_PROBLEMS and not _consequence(path, reported, detail):
                    problems.append(_problem(model, document, path, detail))
                _mend(data, path, detail, reported)
    return Checked(None, tuple(problems), frozenset(reported))


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Seq):
        return [_plain(item) for item in node.items]
    return {key.text: _plain(value) for key, value in node.entries}


def _path(root: Map, loc: Iterable[str | int], *, keep_last: bool) -> Path:
    """pydantic's location as a path in the document: steps that are no nodes (union tags) left out."""
    steps = list(loc)
    node: Node | None = root
    path: list[str | int] = []
    for number, step in enumerate(steps):
        entry = child(node, step) if node is not None else None
        if entry is not None:
            path.append(step)
            node = entry[1]
        elif keep_last and number == len(steps) - 1:
            path.append(step)
    return tuple(path)


def _consequence(path: Path, reported: dict[Path, str], detail: ErrorDetails) -> bool:
    """Whether the error follows from something that was reported and taken out."""
    if any(path[:end] in reported for end in range(len(path) + 1)):
        return True
    kind, added = detail["type"], detail.get("ctx", {}).get("add", {})
    below = {known[-1] for known in reported if known and known[:-1] == path}
    if kind == "missing":
        beside = {str(known[-1]) for known in reported if known and known[:-1] == path[:-1]}
        return bool(nearest(str(path[-1]), beside))
    if below and kind in {"AT204", "AT206"}:
        return True
    if added and any(each.startswith("AT4") for known, each in reported.items() if known[:-1] == path):
        return True  # a key that is not yet supported would have given what is missing
    if added and below:
        return any(nearest(key, map(str, below)) for key in added)
    return False


def _take_out(data: object, path: Path) -> None:
    """Replace what stands at a path by something harmless, or drop it where it may be absent."""
    holder = _holder(data, path)
    last = path[-1] if path else None
    if isinstance(holder, dict) and isinstance(last, str):
        if last in _HARMLESS and last in holder:
            holder[last] = _HARMLESS[last]
        else:
            holder.pop(last, None)
    elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        name = next((step for step in reversed(path) if isinstance(step, str)), "")
        holder[last] = _HARMLESS_ITEM.get(name, _CONDITION)


def _holder(data: object, path: Path) -> object:
    for step in path[:-1]:
        if (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        ):
            data = data[step]  # type: ignore[index]  # checked in the line above
        else:
            return None
    return data


def _mend(data: dict[str, Any], path: Path, detail: ErrorDetails, reported: dict[Path, str]) -> None:
    context = detail.get("ctx", {})
    target = _holder(data, (*path, ""))
    if isinstance(target, dict) and (context.get("add") or context.get("drop")):
        for key in context["drop"]:
            target.pop(key, None)
            reported[(*path, key)] = detail["type"]
        target.update(context["add"])
        reported.update(dict.fromkeys(((*path, key) for key in context["add"]), detail["type"]))
        return
    reported[path] = detail["type"]
    if detail["type"] == "missing" and isinstance(target := _holder(data, path), dict):
        target[str(path[-1])] = _HARMLESS.get(str(path[-1]), "-")
        return
    _take_out(data, path)


def _problem(model: type[BaseModel], document: Document, path: Path, detail: ErrorDetails) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(model, document, path)
    if kind == "missing":
        return Problem(
            code="AT202",
            place=document.place(path[:-1], at_key=True),
            path=dotted(path[:-1]),
            message=f"the key `{path[-1]}` is missing",
            hint=f"add `{path[-1]}: ...` here",
        )
    if kind.startswith("AT"):
        at_key = kind.startswith("AT4") or kind in {"AT202", "AT216"} or detail["loc"][-1:] == ("[key]",)
        inner = (*path, context["key"]) if context["key"] else path
        return Problem(
            code=kind,
            place=document.place(inner, at_key=at_key or bool(context["key"])),
            path=dotted(path),
            message=str(context["message"]),
            hint=str(context["hint"]),
        )
    code, message, hint = _shape(kind, detail)
    return Problem(code=code, place=document.place(path), path=dotted(path), message=message, hint=hint)


def _shape(kind: str, detail: ErrorDetails) -> tuple[str, str, str]:
    """(code, message, hint) for pydantic's own kinds of error."""
    found = _shown(detail.get("input"))
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(detail["ctx"]["expected"]))
        listed = "one of " + ", ".join(f"`{word}`" for word in allowed)
        return "AT204", f"{found} is not allowed here", did_you_mean(str(detail.get("input")), allowed, listed)
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        return "AT203", f"a mapping (`key: value` lines) belongs here, and {found} stands here", _unlisted(detail)
    if kind == "list_type":
        return "AT203", f"a list belongs here, and {found} stands here", "begin each item with `- `"
    if kind == "string_type":
        return "AT203", f"one text belongs here, and {found} stands here", ""
    if kind in {"too_short", "string_too_short"}:
        return "AT206", "the list is empty", "write at least one item, or remove the key"
    return "AT203", f"{found} does not fit here: {detail['msg']}", ""


def _unlisted(detail: ErrorDetails) -> str:
    return "leave the `- ` out: write `name:` and its keys below it" if isinstance(detail.get("input"), list) else ""


def _unknown_key(model: type[BaseModel], document: Document, path: Path) -> Problem:
    allowed = sorted(_keys_at(model, path[:-1]))
    name = str(path[-1])
    listed = "allowed here: " + ", ".join(f"`{key}`" for key in allowed)
    hint = meant_key(name, allowed) or did_you_mean(name, allowed) or did_you_mean(name.lower(), allowed, listed)
    return Problem(
        code="AT201",
        place=document.place(path, at_key=True),
        path=dotted(path),
        message=f"unknown key `{visible(name)}`",
        hint=hint,
    )


def _keys_at(model: type[BaseModel], path: Path) -> set[str]:
    """The keys allowed at a path, from the models themselves."""
    found: list[Any] = [model]
    for step in path:
        found = [inner for each in found for inner in _below(each, step)]
    return {name for each in found for option in _options(each) if _is_model(option) for name in fields_of(option)}


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    """The written keys of a model with their annotations, those not yet supported left out."""
    return {
        info.alias or name: info.annotation for name, info in model.model_fields.items()
        if not (isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("not_yet"))
    }  # fmt: skip


def _below(annotation: Any, step: str | int) -> list[Any]:
    result = []
    for option in _options(annotation):
        if _is_model(option):
            result += [kind for name, kind in fields_of(option).items() if name == step]
        elif get_origin(option) is dict and isinstance(step, str):
            result.append(get_args(option)[1])
        elif get_origin(option) is list and isinstance(step, int):
            result.append(get_args(option)[0])
    return result


def _options(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, unions and annotations unwrapped."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _options(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [inner for each in get_args(annotation) for inner in _options(each)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
