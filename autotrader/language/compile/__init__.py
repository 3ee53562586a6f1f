"""From written files to the plan: all files together, because ids, signals and pauses reach over files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from autotrader.language.compile.hashes import plan_hash
from autotrader.language.compile.rule import compiled_rule, condition_of, params_of
from autotrader.language.compiler import Compiler, Signal, SourceFile
from autotrader.language.expression import Scope
from autotrader.language.meant import OFFLINE, guessed
from autotrader.language.nodes import Path, dotted
from autotrader.language.plan import CompiledRule, Plan
from autotrader.language.problems import Problem
from autotrader.language.rule_file import WrittenRule
from autotrader.language.settings import Settings
from autotrader.market.instrument import Instrument
from autotrader.market.needs import merged
from autotrader.structs import dataclass
from autotrader.text import did_you_mean, nearest


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

    def compiler(self, file: SourceFile, symbol: str = "", *, in_order: bool = False, **more: Any) -> Compiler:
        """What texts of a file are compiled with, for a symbol."""
        instruments = self.instruments
        if symbol and symbol not in instruments and (other := guessed(symbol)):
            instruments = {**instruments, symbol: other}
        scope = Scope(
            symbol=symbol, instruments=instruments, params=file.params, zone=self.settings.timezone, in_order=in_order
        )
        return Compiler(
            file=file, scope=scope, problems=self.problems, settings=self.settings, signals=self.signals,
            used=self.used, **more,
        )  # fmt: skip

    def with_params(self, file: SourceFile) -> SourceFile:
        """The file with its parameters read."""
        params, written = params_of(self.compiler(file), file.model.params), file.model.params
        return replace(file, params=params, broken=frozenset(f"${name}" for name in written if name not in params))


def compiled(
    files: Sequence[SourceFile], settings: Settings | None, instruments: Mapping[str, Instrument] | None
) -> tuple[tuple[CompiledRule, ...], tuple[Problem, ...]]:
    """Every rule of every file, per symbol, and all problems. Rules with an error are left out."""
    known = {**OFFLINE, **(instruments or {})}
    shared = _Shared(settings or Settings(file=""), settings is not None, known, bool(instruments), [], {}, set())
    read = [shared.with_params(file) for file in files if file.model is not None]
    _unique_ids(read, shared.problems)
    for file in read:
        for name, condition in file.model.signals.items():
            shared.signals.setdefault(name, Signal(file, ("signals", name), condition))
    rules: list[CompiledRule] = []
    order = count()
    for file in read:
        used_before = set(shared.used)  # `$names` are a file's own, signals are everybody's
        shared.used.clear()
        for rule_id, rule in file.model.rules.items():
            rules += _rule(shared, file, rule_id, rule, next(order))
        _check_signals(shared, file)
        _unused_params(shared, file)
        shared.used.update(used_before)
    _unused_signals(shared)
    _check_names(rules, read, shared.problems)
    return tuple(rules), tuple(shared.problems)


def plan_of(rules: tuple[CompiledRule, ...], settings: Settings, sources: Mapping[str, str]) -> Plan:
    """The plan of rules without problems."""
    needs = merged(frozenset(need for rule in rules if rule.enabled for need in rule.needs))
    return Plan(rules=rules, settings=settings, needs=needs, hash=plan_hash(rules, settings), sources=dict(sources))


def _rule(shared: _Shared, file: SourceFile, rule_id: str, written: WrittenRule, order: int) -> list[CompiledRule]:
    """One rule for each of its symbols."""
    path = ("rules", rule_id)
    named = written.symbols if written.symbols is not None else [written.symbol or "BTCJPY"]
    result: list[CompiledRule] = []
    for number, symbol in enumerate(named):
        where = (*path, "symbol") if written.symbols is None else (*path, "symbols", number)
        at = shared.compiler(file, symbol, root=path, in_order=written.for_each_order is not None)
        if symbol in named[:number]:
            at.fault(where, "AT209", f"`{symbol}` stands twice in the list", hint="remove one")
        else:
            _check_symbol(shared, at, symbol, where)
            if symbol not in at.scope.instruments:  # the rest is checked as if the nearest one were meant
                near = nearest(symbol, shared.instruments)
                at = shared.compiler(file, near[0] if near else "BTCJPY", root=path, in_order=at.scope.in_order)
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


def _unique_ids(files: Sequence[SourceFile], problems: list[Problem]) -> None:
    """Ids of rules and of signals are unique over all files."""
    for kind in ("rules", "signals"):
        first: dict[str, tuple[str, int]] = {}
        for file in files:
            for name in getattr(file.model, kind):
                place = file.document.place((kind, name), at_key=True)
                if name in first:
                    there, line = first[name]
                    problems.append(Problem(
                        code="AT208", place=place, path=dotted((kind, name)), hint="give one of them another name",
                        message=f"`{name}` is already in {there}, line {line}: {kind} have unique names over all files",
                    ))  # fmt: skip
                else:
                    first[name] = (place.file, place.line)


def _check_signals(shared: _Shared, file: SourceFile) -> None:
    """Look at every signal once for itself, so that one that nobody uses is checked too."""
    symbols = shared.settings.symbols or ("BTCJPY",)
    for name, written in file.model.signals.items():
        at = shared.compiler(file, symbols[0], root=("signals", name), inside=(name,))
        condition_of(at, written, ("signals", name))


def _unused_params(shared: _Shared, file: SourceFile) -> None:
    for name in file.model.params if not file.checked.problems else ():
        if f"${name}" not in shared.used:
            hint = f"write `${name}` where its value belongs, or remove it"
            _unused(shared, file, ("params", name), "AT305", f"the parameter `{name}`", hint)


def _unused_signals(shared: _Shared) -> None:
    for name, signal in shared.signals.items():
        if f"signal:{name}" not in shared.used and not signal.file.checked.problems:
            hint = f"write `signal({name})` in a condition, or remove it"
            _unused(shared, signal.file, signal.path, "AT306", f"the signal `{name}`", hint)


def _unused(shared: _Shared, file: SourceFile, path: Path, code: str, what: str, hint: str) -> None:
    if not file.checked.silences(path):
        message = f"{what} is used nowhere"
        shared.problems.append(file.document.problem(code, path, message, hint, at_key=True, severity="warning"))


def _check_names(rules: Sequence[CompiledRule], files: Sequence[SourceFile], problems: list[Problem]) -> None:
    """The rules and labels that actions name must exist."""
    written = {name: rule for file in files for name, rule in file.model.rules.items()}
    labels = {label for rule in written.values() for label in rule.labels}
    known = {"rule": set(written), "label": labels}
    doubtful = {file.document.file for file in files if file.checked.problems}  # a stand-in may be in them
    for rule in (each for each in rules if each.place.file not in doubtful):
        for action in (action for branch in rule.branches for action in branch.actions):
            for kind, name in action.names():
                if name not in known.get(kind, {name}):
                    hint = did_you_mean(name, known[kind], f"known: {', '.join(sorted(known[kind])[:9])}")
                    message = f"there is no {kind} `{name}`"
                    problems.append(Problem(code="AT210", place=action.place, message=message, hint=hint))
