"""A small judge of requests and replies by an OpenAPI file: parameters, types, required fields, choices.

Fields and header values that the file does not know are allowed: the venue adds some without notice. Where the file of
October 2024 is not right any more, or never was, `EXCEPTIONS` says so, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml

FILE = Path("openapi") / "binance-spot-api-2024-10-08.yaml"
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]+")


class Specification:
    """The file, with its references resolved on the way."""

    def __init__(self, shared_data: Path) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._data: dict[str, Any] = yaml.load((shared_data / FILE).read_text("utf-8"), Loader=loader)  # noqa: S506

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """A call, None where the file does not have it."""
        found: dict[str, Any] | None = self._data["paths"].get(path, {}).get(method.lower())
        return found

    def resolved(self, node: Any) -> Any:
        """What a reference stands for."""
        while isinstance(node, dict) and "$ref" in node:
            found: Any = self._data
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    # ------------------------------------------------------------------------------------------------------- requests
    def request(self, method: str, path: str, text: str) -> Iterator[str]:
        """What is wrong with the parameters in a query or body."""
        operation = self.operation(method, path)
        if operation is None:
            yield f"{method} {path}: unknown call"
            return
        known = {one["name"]: one for one in map(self.resolved, operation.get("parameters", ()))}
        given = dict(parse_qsl(text, keep_blank_values=True))
        for name, one in known.items():
            if one.get("required") and name not in given and one.get("in") != "header":
                yield f"{method} {path}: {name} is required"
        for name, value in given.items():
            if name not in known:
                yield f"{method} {path}: {name} is no parameter"
            else:
                schema = self.resolved(known[name].get("schema", {}))
                yield from (f"{method} {path}: {name} {wrong}" for wrong in _parameter(schema, value))

    # -------------------------------------------------------------------------------------------------------- replies
    def reply(self, method: str, path: str, status: int, value: Any) -> Iterator[str]:
        """What is wrong with a reply, by its status; errors have one schema everywhere."""
        operation = self.operation(method, path)
        if operation is None:
            yield f"{method} {path}: unknown call"
            return
        answers = operation["responses"]
        answer = self.resolved(answers.get(str(status)) or answers.get("400") or {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            yield from (f"{method} {path} {status}: {wrong}" for wrong in self.wrong(schema, value, "reply"))

    def wrong(self, schema: Any, value: Any, where: str) -> list[str]:
        """Where a value is not as a schema says."""
        schema = self.resolved(schema)
        for name in ("oneOf", "anyOf"):
            if name in schema:
                tried = [self.wrong(one, value, where) for one in schema[name]]
                other_type = [any(f"{where} is " in one for one in found) for found in tried]
                nearest = min(range(len(tried)), key=lambda at: (other_type[at], len(tried[at])))
                return tried[nearest] if all(tried) else []
        kind = schema.get("type", "object" if "properties" in schema else "")
        if not _is(kind, value):
            return [f"{where} is {type(value).__name__}, not {kind}"]
        found: list[str] = []
        if kind == "object":
            properties = schema.get("properties", {})
            found += [f"{where}.{name} is missing" for name in schema.get("required", ()) if name not in value]
            for name in properties.keys() & value.keys():
                found += self.wrong(properties[name], value[name], f"{where}.{name}")
        elif kind == "array":
            for item in value[:20]:
                found += self.wrong(schema.get("items", {}), item, f"{where}[]")
        elif "enum" in schema and value not in schema["enum"]:
            found.append(f"{where} is {value!r}, not one of {schema['enum']}")
        return list(dict.fromkeys(found))


_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,),
}  # fmt: skip


def _is(kind: str, value: Any) -> bool:
    if kind not in _KINDS:
        return True
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _parameter(schema: Mapping[str, Any], text: str) -> Iterator[str]:
    kind = schema.get("type", "")
    pattern = {"integer": _INTEGER, "number": _NUMBER}.get(kind)
    if pattern is not None and not pattern.fullmatch(text):
        yield f"is {text!r}, not {kind}"
    if kind == "boolean" and text not in ("true", "false"):
        yield f"is {text!r}, not true or false"
    if "enum" in schema and text not in [str(one) for one in schema["enum"]]:
        yield f"is {text!r}, not one of {schema['enum']}"
