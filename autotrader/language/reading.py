"""A document read as a written form, and pydantic's errors told in our words.

A document is checked as a whole; what is wrong is reported, taken out or replaced by a harmless stand-in, and the rest
checked again, so that the later stages can go on and find the other mistakes. A document that had a problem is never
run. `Checked.reported` are the paths that later stages stay silent about.
"""

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from autotrader.language.meant import meant_key
from autotrader.language.nodes import (
    Document,
    Map,
    Node,
    Path,
    Scalar,
    Seq,
    SourceText,
    broken_paths,
    child,
    dotted,
    within,
)
from autotrader.language.problems import Problem
from autotrader.language.written import shown
from autotrader.structs import dataclass
from autotrader.text import did_you_mean, nearest, visible

ROUNDS = 12  # of mending: a form whose validator speaks for the whole of it tells one mistake in each
MOST_PROBLEMS = 200  # of one kind of check: nobody reads more, and guessing what was meant takes time

Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class Checked(Generic[Model]):
    """A written form (None where nothing could be saved), its problems, and the paths already reported."""

    model: Model | None
    problems: tuple[Problem, ...]
    reported: frozenset[Path]

    def silences(self, path: Path) -> bool:
        """Whether something at or above a path was reported already."""
        return bool(self.reported) and any(path[:end] in self.reported for end in range(len(path) + 1))


# What stands in for something wrong while the rest is checked: by key, and for an item by the key of its list.
_STAND_INS: Mapping[str, Any] = {
    "version": "1", "symbol": "BTCJPY", "symbols": ["BTCJPY"], "price": "market", "spend": "10_000_000 JPY",
    "then": [{"notify": "-"}], "else": [{"notify": "-"}], "text": "-", "default": "1", "notify": "-", "n": "1",
    "of": ["exchange is normal"], "if": "exchange is normal", "rules": {},
}  # fmt: skip
_ITEMS: Mapping[str, Any] = {
    **{key: value[0] for key, value in _STAND_INS.items() if isinstance(value, list)},
    "labels": "x", "at": "daily 09:00", "between": "00:00-24:00", "include": "rules/*.yaml",
    "choose": {"if": "exchange is normal", "then": [{"notify": "-"}]},
}  # fmt: skip


def check(model: type[Model], document: Document) -> Checked[Model]:
    """Check a document against a model. Never raises; every mistake is one problem at its place."""
    if document.root is None:
        return Checked(None, (), frozenset())
    data: dict[str, Any] = _plain(document.root, document.file)  # type: ignore[assignment]  # the root is a mapping
    reported: dict[Path, str] = dict.fromkeys(broken_paths(document.root), "")  # path -> kind of error
    for path in sorted(reported, key=len, reverse=True):
        _take_out(data, path)  # deepest first, so that a path still leads where it led in the document
    problems: list[Problem] = []
    for _ in range(ROUNDS):
        notes: list[Problem] = []  # what is odd but no mistake, of texts that were read in this round
        try:
            made: Model = _reader(cast("Any", model)).validate_python(data, context=notes)
            return Checked(made, (*problems, *within(document, notes)), frozenset(reported))
        except ValidationError as error:
            # what is missing comes last: a misspelt or refused key beside it explains it
            for detail in sorted(error.errors(include_url=False), key=lambda each: each["type"] == "missing"):
                path = _path(document.root, detail["loc"], keep_last=detail["type"] in {"missing", "extra_forbidden"})
                if len(problems) < MOST_PROBLEMS and not _consequence(path, reported, detail):
                    found = _problems(model, document, path, detail)
                    problems += found
                    if detail["type"] in _UNKNOWN:
                        reported[path] = found[0].code  # AT4xx: what it would have given is not missed
                _mend(data, path, detail, reported)
    return Checked(None, tuple(problems), frozenset(reported))


@cache
def _reader(model: type) -> TypeAdapter[Any]:
    """What reads a form: built when the first document is read, because building one takes its time."""
    return TypeAdapter(model)


def _plain(node: Node, file: str, path: Path = ()) -> object:
    if isinstance(node, Scalar):
        return SourceText.of(file, node, path)
    if isinstance(node, Seq):
        return [_plain(item, file, (*path, number)) for number, item in enumerate(node.items)]
    return {key.text: _plain(value, file, (*path, key.text)) for key, value in node.entries}


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
        return True  # something above it was reported
    kind, added = detail["type"], detail.get("ctx", {}).get("add", {})
    below = {known[-1] for known in reported if known and known[:-1] == path}
    if kind == "missing":  # a misspelt key beside it was reported, and is what was meant
        beside = {str(known[-1]) for known in reported if known and known[:-1] == path[:-1]}
        return bool(nearest(str(path[-1]), beside))
    if below and kind in {"AT204", "AT206"}:
        return True  # it is empty because what stood in it was taken out
    if added and any(each.startswith("AT4") for known, each in reported.items() if known[:-1] == path):
        return True  # a key that is not yet supported would have given what is missing
    if added and below:  # the same of a key that a validator missed
        return any(nearest(key, map(str, below)) for key in added)
    return False


def _take_out(data: object, path: Path) -> None:
    """Replace what stands at a path by something harmless, or drop it where it may be absent."""
    holder = _holder(data, path)
    last = path[-1] if path else None
    if isinstance(holder, dict) and isinstance(last, str):
        if last in _STAND_INS and last in holder:
            holder[last] = deepcopy(_STAND_INS[last])  # it may be mended in its turn
        else:
            holder.pop(last, None)  # it may be absent: a form has a default, or says itself that it is missing
    elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        name = next((step for step in reversed(path) if isinstance(step, str)), "")
        holder[last] = deepcopy(_ITEMS.get(name, "exchange is normal"))


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
    reported.setdefault(path, detail["type"])
    holder = _holder(data, path)
    if detail["type"] == "missing" and isinstance(holder, dict):
        holder[str(path[-1])] = deepcopy(_STAND_INS.get(str(path[-1]), "-"))
    elif detail["type"] in _UNKNOWN and isinstance(holder, dict):
        holder.pop(str(path[-1]), None)  # nothing can stand in for a key that has no place here
    else:
        _take_out(data, path)


_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})  # a key that is in no model, no dataclass
_AT_KEY = frozenset({"AT202", "AT216"})  # what is missing is said of the key above it


def _problems(model: type, document: Document, path: Path, detail: ErrorDetails) -> list[Problem]:
    """What one of pydantic's errors says in our words; several where the text itself was read."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "faulty":
        return list(within(document, context["problems"]))
    if kind in _UNKNOWN:
        return [_unknown_key(model, document, path)]
    if kind == "missing":
        message, hint = f"the key `{path[-1]}` is missing", f"add `{path[-1]}: ...` here"
        return [document.problem("AT202", path[:-1], message, hint, at_key=True)]
    if not kind.startswith("AT"):
        code, message, hint = _shape(kind, detail)
        return [document.problem(code, path, message, hint)]
    inner = (*path, context["key"]) if context["key"] else path
    at_key = bool(context["key"]) or kind.startswith("AT4") or kind in _AT_KEY or detail["loc"][-1:] == ("[key]",)
    found = document.problem(
        kind, inner, str(context["message"]), str(context["hint"]), at_key=at_key and context["at_key"]
    )
    return [replace(found, path=dotted(path if context["at_key"] else inner))]


def _shape(kind: str, detail: ErrorDetails) -> tuple[str, str, str]:
    """(code, message, hint) for pydantic's own kinds of error."""
    found = shown(detail.get("input"))
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(detail["ctx"]["expected"]))
        listed = "one of " + ", ".join(f"`{word}`" for word in allowed)
        return "AT204", f"{found} is not allowed here", did_you_mean(str(detail.get("input")), allowed, listed)
    if kind in {"model_type", "dict_type", "model_attributes_type", "dataclass_type"}:
        return "AT203", f"a mapping (`key: value` lines) belongs here, and {found} stands here", _unlisted(detail)
    if kind in {"list_type", "tuple_type"}:
        return "AT203", f"a list belongs here, and {found} stands here", "begin each item with `- `"
    if kind == "string_type":
        return "AT203", f"one text belongs here, and {found} stands here", ""
    if kind in {"too_short", "string_too_short"}:
        return "AT206", "the list is empty", "write at least one item, or remove the key"
    return "AT203", f"{found} does not fit here: {detail['msg']}", ""


def _unlisted(detail: ErrorDetails) -> str:
    return "leave the `- ` out: write `name:` and its keys below it" if isinstance(detail.get("input"), list) else ""


def _unknown_key(model: type, document: Document, path: Path) -> Problem:
    name, forms = str(path[-1]), _forms_at(model, path[:-1])
    refusal = next((refused[name] for form in forms if name in (refused := getattr(form, "refused", {}))), None)
    if refusal is not None:
        return document.problem(
            refusal.code, path, refusal.message, refusal.hint, at_key=refusal.code.startswith("AT4")
        )
    allowed = sorted({key for form in forms for key in fields_of(form)})
    listed = "allowed here: " + ", ".join(f"`{key}`" for key in allowed)
    hint = meant_key(name, allowed) or did_you_mean(name, allowed) or did_you_mean(name.lower(), allowed, listed)
    return document.problem("AT201", path, f"unknown key `{visible(name)}`", hint, at_key=True)


def _forms_at(model: type, path: Path) -> list[Any]:
    """The forms that may stand at a path, from the models themselves."""
    found: list[Any] = [model]
    for step in path:
        found = [inner for each in found for inner in _below(each, step)]
    return [option for each in found for option in choices(each) if _is_form(option)]


def fields_of(form: Any) -> dict[str, tuple[Any, str]]:
    """The written keys of a form, each with its annotation and purpose, those not yet supported left out."""
    if is_dataclass(form):
        found = ((each.name, FieldInfo.from_annotation(cast("Any", each.type)), each.type) for each in fields(form))
    else:
        found = ((name, info, info.annotation) for name, info in form.model_fields.items())
    return {
        info.alias or name: (annotation, info.description or "") for name, info, annotation in found
        if not (isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("not_yet"))
    }  # fmt: skip


def _below(annotation: Any, step: str | int) -> list[Any]:
    result = []
    for option in choices(annotation):
        if _is_form(option):
            result += [kind for name, (kind, _) in fields_of(option).items() if name == step]
        elif get_origin(option) is dict and isinstance(step, str):
            result.append(get_args(option)[1])
        elif get_origin(option) is list and isinstance(step, int):
            result.append(get_args(option)[0])
    return result


def choices(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, unions and annotations unwrapped."""
    origin = get_origin(annotation)
    if origin is Annotated:
        kind, *said = get_args(annotation)
        return choices(next((form for each in said if (form := getattr(each, "form", None))), kind))
    if origin in (Union, UnionType):
        return [inner for each in get_args(annotation) for inner in choices(each)]
    return [annotation]


def _is_form(annotation: Any) -> bool:
    return is_dataclass(annotation) or (isinstance(annotation, type) and issubclass(annotation, BaseModel))
