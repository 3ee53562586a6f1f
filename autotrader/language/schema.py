"""JSON Schema of the written forms, for editors: from the models and the vocabulary, nothing written twice.

An editor's YAML sees numbers and booleans where the strict loader sees text, so a text may also be one of those here.
Keys that this version refuses as not yet supported are left out.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from autotrader.language.actions import BARE
from autotrader.language.relations import RELATIONS
from autotrader.language.rule_file import WrittenFile
from autotrader.language.settings import AccountFile
from autotrader.language.vocabulary import VOCABULARY

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def rule_file_schema() -> Schema:
    """The schema of rule files."""
    schema = _tidied(WrittenFile.model_json_schema(by_alias=True), "autotrader rule file")
    words = ", ".join(word.signature for word in VOCABULARY.values() if not word.hidden)
    relations = ", ".join(entry.example for entry in RELATIONS.values())
    schema["$comment"] = f"Words of expressions: {words}; what is said of them: {relations}"
    rule = schema["$defs"]["WrittenRule"]
    rule["oneOf"] = [{"required": ["symbol"]}, {"required": ["symbols"]}]
    rule["anyOf"] = [{"required": ["then"]}, {"required": ["choose"]}]
    for name in ("WrittenAction", "WrittenCombinator"):
        schema["$defs"][name] |= {"minProperties": 1, "maxProperties": 1}
    action = schema["$defs"].pop("WrittenAction")
    schema["$defs"]["WrittenAction"] = {"anyOf": [{"enum": sorted(BARE)}, action]}
    notify = schema["$defs"].pop("WrittenNotify")
    schema["$defs"]["WrittenNotify"] = {"anyOf": [{"type": "string", "minLength": 1}, notify]}
    return schema


def account_file_schema() -> Schema:
    """The schema of the account file."""
    return _tidied(TypeAdapter(AccountFile).json_schema(by_alias=True), "autotrader account file")


def _tidied(schema: Schema, title: str) -> Schema:
    result = _clean(schema)
    result["properties"]["version"] = {"const": 1, "description": "the version of this format"}
    return {"$schema": DRAFT, "title": title, **{key: value for key, value in result.items() if key != "title"}}


def _clean(node: Any) -> Any:
    """Without keys not yet supported, titles and null alternatives; texts as an editor's YAML sees them."""
    if isinstance(node, list):
        return [_clean(item) for item in node]
    if not isinstance(node, dict):
        return node
    result: Schema = {}
    for key, value in node.items():
        if key in {"title", "default", "not_yet"} and not isinstance(value, dict):
            continue
        if key == "properties":
            result[key] = {name: _clean(each) for name, each in value.items() if not each.get("not_yet")}
        elif key == "anyOf":
            result |= _alternatives([_clean(item) for item in value if item != {"type": "null"}])
        else:
            result[key] = _clean(value)
    if result.get("type") == "string" and not {"pattern", "enum", "const", "maxLength"} & set(result):
        result["type"] = ["string", "number"]
    return result


def _alternatives(items: list[Any]) -> Schema:
    return dict(items[0]) if len(items) == 1 else {"anyOf": items}
