"""The account file as `Settings`: read, compared in itself, and tightened by the environment.

All that is asked here of single keys stands in the keys themselves (`settings`); this file holds what several of them
say together. The environment (`AUTOTRADER__LIMITS__OPEN_ORDERS=5`) may tighten mode and limits, never loosen them: a
variable that would loosen is an error, not ignored, because whoever set it believes in it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any, get_args

from pydantic_core import PydanticCustomError

from autotrader.language.nodes import Document, Path
from autotrader.language.problems import Problem
from autotrader.language.reading import check
from autotrader.language.render import in_order
from autotrader.language.setting_kinds import Amounts, Key
from autotrader.language.settings import AccountFile, Limits, Settings
from autotrader.language.tree import Place
from autotrader.language.written import wrong
from autotrader.language.yaml_text import read_document
from autotrader.text import nearest

PREFIX = "AUTOTRADER__"
NOTE_COLUMN = 27  # of the comments in the text of `init`
_HEAD = """\
# yaml-language-server: $schema=.schema/account.json
# The account file: what may be traded, within which limits, and who is told. No secret ever stands here.
version: 1
"""


def load_settings(
    file: str, content: str | bytes, environment: Mapping[str, str] | None = None
) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The account file as settings (None where it has errors), and all its problems. Never raises for bad text.

    `environment` may tighten: `AUTOTRADER__MODE=dry_run`, `AUTOTRADER__LIMITS__SPEND_PER_DAY=10_000 JPY`.
    """
    document, found = read_document(file, content)
    checked = check(AccountFile, document)
    # what is wrong with a form has the codes of rule files, of which the account file's are the AT5 twins
    problems = [*found, *(replace(each, code=each.code.replace("AT2", "AT5")) for each in checked.problems)]
    settings: Settings | None = checked.model
    if settings is not None:
        settings = replace(settings, file=file)
        problems += (each for path, each in _together(document, settings) if not checked.silences(path))
        settings, more = tightened(settings, environment or {})
        problems += more
    failed = any(each.severity == "error" for each in problems)
    return (None if failed else settings), in_order(problems)


def _together(document: Document, settings: Settings) -> Iterator[tuple[Path, Problem]]:
    """What is wrong with several keys together, each with the path that it is about."""

    def fault(code: str, path: Path, message: str, hint: str) -> tuple[Path, Problem]:
        return path, document.problem(code, path, message, hint)

    names = settings.notify.names
    if settings.mode == "live":
        # asked of the file and not of the value: an empty `keep_free` is an answer, and what is wrong is not missing
        missing = [name for name, _, key in keys_of(Limits) if key.live and document.node(("limits", name)) is None]
        message = "`mode: live` needs every limit; missing: " + ", ".join(missing)
        if missing:
            yield fault("AT506", ("mode",), message, "add them below `limits:`, or write `mode: dry_run`")
    for number, symbol in enumerate(settings.symbols):
        if symbol in settings.symbols[:number]:
            yield fault("AT509", ("symbols", number), f"`{symbol}` stands twice in the list", "remove one")
    if settings.notify.default not in names:
        message = f"there is no channel `{settings.notify.default}`"
        yield fault("AT504", ("notify", "default"), message, "channels are " + ", ".join(names))
    if settings.witness is not None and settings.witness.to not in names:
        message = f"there is no channel `{settings.witness.to}`"
        yield fault("AT504", ("witness", "to"), message, f"known: {', '.join(names)}")


# ------------------------------------------------------------------------------------------------ what keys say


def keys_of(form: Any) -> Iterator[tuple[str, str, Key]]:
    """(written name, attribute, key) of a class of settings, in order."""
    for each in fields(form):
        said = get_args(each.type)
        written = next((name for one in said if (name := getattr(one, "alias", None))), each.name)
        yield from ((written, each.name, key) for key in said if isinstance(key, Key))


# The keys of a section are read off its fields each time: they are asked for a few times a command, and a table kept
# beside the classes would be one more thing to keep in step.
def _values(section: Any) -> Iterator[tuple[str, Key, Any]]:
    """(written name, key, value) of every key of some settings."""
    return ((written, key, getattr(section, name)) for written, name, key in keys_of(section))


def _is_section(value: Any) -> bool:
    """Whether a value is settings of its own, with keys below it."""
    return is_dataclass(value) and any(True for _ in keys_of(value))


def settings_data(settings: Settings) -> dict[str, Any]:
    """The account file as plain data, defaults filled in, every number an exact text with its unit."""
    data = _data(settings)
    exchange = data.pop("exchange")  # readers of this data know its keys beside the others, and its name as `exchange`
    before = {name: data.pop(name) for name in ("mode", "timezone")}
    return {"file": settings.file, **before, "exchange": exchange.pop("name"), **exchange, **data}


def _data(section: Any) -> dict[str, Any]:
    return {
        name: _data(value) if _is_section(value) else key.kind.shown(value)
        for name, key, value in _values(section) if key.dumped
    }  # fmt: skip


def defaults() -> dict[str, str]:
    """What holds where the file says nothing, in the file's words, by dotted name."""
    return dict(_default_rows(Settings(file=""), ""))


def _default_rows(section: Any, above: str) -> Iterator[tuple[str, str]]:
    for name, key, value in _values(section):
        text = key.kind.shown(value)
        if _is_section(value):
            yield from _default_rows(value, f"{above}{name}.")
        elif isinstance(text, dict):
            yield from ((f"{above}{name}.{below}", one) for below, one in text.items() if isinstance(one, str))
        elif isinstance(text, list) and text:
            yield f"{above}{name}", f"[{', '.join(text)}]"
        elif text or key.unset:
            yield f"{above}{name}", str(text or key.unset)


def starting_text() -> str:
    """The account file that `autotrader init` writes: each key with what it is good for."""
    return _HEAD + "".join(_starting_lines(Settings(file=""), ""))


def _starting_lines(section: Any, indent: str) -> Iterator[str]:
    for name, key, value in _values(section):
        block = not key.init and _is_section(value)
        if key.init or block:
            line = f"{indent}{name}:{key.init if key.init.startswith(chr(10)) else ' ' + key.init}".rstrip()
            yield (f"{line:<{NOTE_COLUMN - 1}} # {key.note}" if key.note else line) + "\n"
        if block:
            yield from _starting_lines(value, "  ")


# ------------------------------------------------------------------------------------------------ environment


def tightened(settings: Settings, environment: Mapping[str, str]) -> tuple[Settings, tuple[Problem, ...]]:
    """Settings with the environment's stricter values, and what is wrong with the others (AT510)."""
    problems: list[Problem] = []
    for name in sorted(environment):
        if not name.startswith(PREFIX):
            continue
        try:
            text = environment[name].strip()
            if not text:
                raise wrong("AT510", "the variable is empty", "give it a value, or unset it")
            settings = _applied(settings, name.removeprefix(PREFIX).lower().split("__"), text)
        except PydanticCustomError as refused:
            said = refused.context or {}
            problems.append(
                Problem(code="AT510", place=Place(f"${name}", 1, 1), message=said["message"], hint=said["hint"])
            )
    return settings, tuple(problems)


def _applied(settings: Settings, path: list[str], text: str) -> Settings:
    """Settings with one variable's value. Raises PydanticCustomError where it may not be set."""
    for known, apply in _tightenable(settings):
        if path[: len(known)] == known and len(path) <= len(known) + 1:
            changed: Settings = apply("".join(path[len(known) :]).upper(), text)
            return changed
    names = ["__".join(known) for known, _ in _tightenable(settings)]
    close = nearest("__".join(path), names)
    otherwise = "the environment may set mode, max_slippage and limits"
    hint = f"did you mean {PREFIX}{close[0].upper()}?" if close else otherwise
    raise wrong("AT510", "no such setting can be made in the environment", hint)


def _tightenable(section: Any) -> Iterator[tuple[list[str], Callable[[str, str], Any]]]:
    """The keys that the environment may tighten: path, and what makes the section with the stricter value."""
    for written, name, key in keys_of(section):
        value = getattr(section, name)
        if key.environment:
            yield [written], partial(_with_stricter, section, written, name, key)
        elif _is_section(value):
            for below, apply in _tightenable(value):
                yield (
                    [written, *below],
                    lambda asset, text, name=name, apply=apply: replace(section, **{name: apply(asset, text)}),  # type: ignore[misc]
                )


def _with_stricter(section: Any, written: str, name: str, key: Key, asset: str, text: str) -> Any:
    if asset and not isinstance(key.kind, Amounts):
        raise wrong("AT510", f"`{written}` is one value", "write no asset behind it")
    return replace(section, **{name: key.kind.tightened(written, getattr(section, name), text, asset)})
