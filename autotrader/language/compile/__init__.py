"""From written files to the plan: all files together, because ids, signals and pauses reach over files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autotrader.language.compile.conditions import condition_of
from autotrader.language.compile.hashes import plan_hash
from autotrader.language.compile.params import params_of
from autotrader.language.compile.rule import compiled_rule
from autotrader.language.compiler import Compiler, Signal
from autotrader.language.expression import Scope
from autotrader.language.nodes import Document, Path, dotted
from autotrader.language.plan import CompiledRule, Plan
from autotrader.language.problems import Problem
from autotrader.language.reading import Checked
from autotrader.language.rule_file import WrittenFile
from autotrader.language.settings import Settings
from autotrader.language.symbols import OFFLINE, guessed
from autotrader.language.tree import Literal
from autotrader.market.instrument import Instrument
from autotrader.market.needs import merged
from autotrader.structs import dataclass
from autotrader.text import did_you_mean, nearest

__all__ = ["File", "compiled", "plan_of"]


@dataclass(frozen=True, slots=True)
class File:
    """A document with its written form."""

    document: Document
    checked: Checked[WrittenFile]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the files of one load share while they are compiled."""

    settings: Settings
    compare: bool  # the settings are those of an account file
    instruments: Mapping[str, Instrument]
    known: bool  # the instruments were read from the exchange: what they lack does not exist
    problems: list[Problem]
    signals: dict[str, Signal]
    used: set[str]

    def compiler(self, file: File, params: Mapping[str, Literal], symbol: str = "", **more: Any) -> Compiler:
        instruments = self.instruments
        if symbol and symbol not in instruments and (other := guessed(symbol)):
            instruments = {**instruments, symbol: other}
        scope = Scope(
            symbol=symbol, instruments=instruments, params=params, zone=self.settings.timezone,
            in_order=more.pop("in_order", False),
        )  # fmt: skip
        return Compiler(
            document=file.document, checked=file.checked, scope=scope, problems=self.problems, settings=self.settings,
            signals=self.signals, used=self.used, broken=broken_params(file, params), **more,
        )  # fmt: skip


def broken_params(file: File, params: Mapping[str, Literal]) -> frozenset[str]:
    """The `$names` of a file's parameters that could not be read."""
    model = file.checked.model
    return frozenset(f"${name}" for name in model.params if name not in params) if model is not None else frozenset()


def compiled(
    files: Sequence[File], settings: Settings | None, instruments: Mapping[str, Instrument] | None
) -> tuple[tuple[CompiledRule, ...], tuple[Problem, ...]]:
    """Every rule of every file, per symbol, and all problems. Rules with an error are left out."""
    known = {**OFFLINE, **(instruments or {})}
    shared = _Shared(settings or Settings(file=""), settings is not None, known, bool(instruments), [], {}, set())
    written = [(file, file.checked.model) for file in files if file.checked.model is not None]
    params = [params_of(shared.compiler(file, {}), model.params) for file, model in written]
    _unique_ids(written, shared.problems)
    for (file, model), values in zip(written, params, strict=True):
        for name, condition in model.signals.items():
            shared.signals.setdefault(
                name,
                Signal(file.document, file.checked, ("signals", name), condition, values, broken_params(file, values)),
            )
    rules: list[CompiledRule] = []
    order = 0
    for (file, model), values in zip(written, params, strict=True):
        used_before = set(shared.used)
        shared.used.clear()
        for rule_id in model.rules:
            rules += _rule(shared, file, model, values, rule_id, order)
            order += 1
        _check_signals(shared, file, model, values)
        _unused_params(shared, file, model)
        shared.used.update(used_before)
    _unused_signals(shared)
    _check_names(rules, written, shared.problems)
    return tuple(rules), tuple(shared.problems)


def plan_of(rules: tuple[CompiledRule, ...], settings: Settings, sources: Mapping[str, str]) -> Plan:
    """The plan of rules without problems."""
    needs = merged(frozenset(need for rule in rules if rule.enabled for need in rule.needs))
    return Plan(rules=rules, settings=settings, needs=needs, hash=plan_hash(rules, settings), sources=dict(sources))


def _rule(
    shared: _Shared, file: File, model: WrittenFile, params: Mapping[str, Literal], rule_id: str, order: int
) -> list[CompiledRule]:
    """One rule for each of its symbols."""
    written = model.rules[rule_id]
    path = ("rules", rule_id)
    named = written.symbols if written.symbols is not None else [written.symbol or "BTCJPY"]
    result: list[CompiledRule] = []
    for number, symbol in enumerate(named):
        where = (*path, "symbol") if written.symbols is None else (*path, "symbols", number)
        at = shared.compiler(file, params, symbol, root=path, in_order=written.for_each_order is not None)
        if symbol in named[:number]:
            at.fault(where, "AT209", f"`{symbol}` stands twice in the list", hint="remove one")
        else:
            _check_symbol(shared, at, symbol, where)
            if symbol not in at.scope.instruments:  # the rest is checked as if the nearest one were meant
                near = nearest(symbol, shared.instruments)
                at = shared.compiler(file, params, near[0] if near else "BTCJPY", root=path, in_order=at.scope.in_order)
            rule = compiled_rule(at, rule_id, written, path, order, compare=shared.compare)
            result += [] if rule is None else [rule]
    return result


def _check_symbol(shared: _Shared, at: Compiler, symbol: str, where: tuple[str | int, ...]) -> None:
    """Whether the exchange has the symbol; offline, whether the table has it."""
    if symbol in shared.instruments:
        return
    guess = did_you_mean(symbol, shared.instruments)
    if shared.known or symbol not in at.scope.instruments:
        hint = guess or "`autotrader market price` lists what the exchange trades"
        at.fault(where, "AT209", f"there is no symbol `{symbol}`", hint)
        return
    hint = guess or "it is checked against the exchange before anything runs"
    at.fault(where, "AT310", f"`{symbol}` is not in the table of known symbols", hint, severity="note")


# ------------------------------------------------------------------------------------------------ over all files


def _unique_ids(written: Sequence[tuple[File, WrittenFile]], problems: list[Problem]) -> None:
    """Ids of rules and of signals are unique over all files."""
    for kind in ("rules", "signals"):
        first: dict[str, tuple[str, int]] = {}
        for file, model in written:
            for name in getattr(model, kind):
                place = file.document.place((kind, name), at_key=True)
                if name in first:
                    there, line = first[name]
                    problems.append(Problem(
                        code="AT208", place=place, path=dotted((kind, name)), hint="give one of them another name",
                        message=f"`{name}` is already in {there}, line {line}: {kind} have unique names over all files",
                    ))  # fmt: skip
                else:
                    first[name] = (place.file, place.line)


def _check_signals(shared: _Shared, file: File, model: WrittenFile, params: Mapping[str, Literal]) -> None:
    """Look at every signal once for itself, so that one that nobody uses is checked too."""
    symbols = shared.settings.symbols or ("BTCJPY",)
    for name, written in model.signals.items():
        at = shared.compiler(file, params, symbols[0], root=("signals", name), inside=(name,))
        condition_of(at, written, ("signals", name))


def _unused_params(shared: _Shared, file: File, model: WrittenFile) -> None:
    for name in model.params if not file.checked.problems else ():
        if f"${name}" not in shared.used:
            hint = f"write `${name}` where its value belongs, or remove it"
            _unused(shared, file.document, file.checked, ("params", name), "AT305", f"the parameter `{name}`", hint)


def _unused_signals(shared: _Shared) -> None:
    for name, signal in shared.signals.items():
        if f"signal:{name}" not in shared.used and not signal.checked.problems:
            hint = f"write `signal({name})` in a condition, or remove it"
            _unused(shared, signal.document, signal.checked, signal.path, "AT306", f"the signal `{name}`", hint)


def _unused(
    shared: _Shared, document: Document, checked: Checked[Any], path: Path, code: str, what: str, hint: str
) -> None:
    if not checked.silences(path):
        message = f"{what} is used nowhere"
        shared.problems.append(document.problem(code, path, message, hint, at_key=True, severity="warning"))


def _check_names(
    rules: Sequence[CompiledRule], written: Sequence[tuple[File, WrittenFile]], problems: list[Problem]
) -> None:
    """The rules and labels that actions name must exist."""
    known = {
        "rule": {name for _, model in written for name in model.rules},
        "label": {label for _, model in written for rule in model.rules.values() for label in rule.labels},
    }
    doubtful = {file.document.file for file, _ in written if file.checked.problems}  # a stand-in may be in them
    for rule in (each for each in rules if each.place.file not in doubtful):
        for action in (action for branch in rule.branches for action in branch.actions):
            for kind, name in action.names():
                if name not in known.get(kind, {name}):
                    hint = did_you_mean(name, known[kind], f"known: {', '.join(sorted(known[kind])[:9])}")
                    message = f"there is no {kind} `{name}`"
                    problems.append(Problem(code="AT210", place=action.place, message=message, hint=hint))
