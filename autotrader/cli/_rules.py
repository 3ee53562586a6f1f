"""What `validate` and `show` share: read paths, load, print problems."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from autotrader.cli._output import emit_json, note, say, wants_color
from autotrader.cli._startup import hold_collector, let_collect
from autotrader.errors import UsageError
from autotrader.files import ACCOUNT_FILE, find_account_file, included, read_account_file, read_sources
from autotrader.language.account_file import load_settings
from autotrader.language.load import load, sources_of
from autotrader.language.plan import Plan
from autotrader.language.problems import Problem
from autotrader.language.render import as_data, as_text, summary
from autotrader.language.settings import Settings
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True)
class CheckedRules:
    """The outcome of a load, with what is needed to show it."""

    plan: Plan | None
    problems: tuple[Problem, ...]
    sources: Mapping[str, str]
    files: tuple[str, ...]
    milliseconds: int

    @property
    def errors(self) -> int:
        """How many errors."""
        return sum(each.severity == "error" for each in self.problems)

    @property
    def warnings(self) -> int:
        """How many warnings."""
        return sum(each.severity == "warning" for each in self.problems)


def checked_rules(paths: tuple[str, ...], config: Path | None) -> CheckedRules:
    """Read and load what the paths name; without a path, what the account file includes.

    An account file among the paths is checked as one. Raises UsageError, ConfigError.
    """
    began = time.perf_counter()
    hold_collector()
    try:
        texts, problems, plan = _loaded(paths, config)
    finally:
        let_collect(keep=True)
    milliseconds = round((time.perf_counter() - began) * 1000)
    return CheckedRules(plan, tuple(problems), sources_of(texts), tuple(texts), milliseconds)


def _loaded(paths: tuple[str, ...], config: Path | None) -> tuple[dict[str, str | bytes], list[Problem], Plan | None]:
    """Texts by name, all problems, and the plan where there is no error."""
    texts: dict[str, str | bytes] = {}
    problems: list[Problem] = []
    settings: Settings | None = None
    accounts = [path for path in paths if Path(path).name == ACCOUNT_FILE]
    chosen = config or (Path(accounts[0]) if accounts else find_account_file(_beside(paths)))
    if chosen is None and not paths:
        raise UsageError(
            "no path was given, and there is no autotrader.yaml here or above",
            hint="name files or folders, or make a project with `autotrader init DIR`",
        )
    for number, path in enumerate(dict.fromkeys(str(each) for each in (chosen, *accounts) if each is not None)):
        name = os.path.relpath(path) if config is None else path
        content = read_account_file(Path(path))
        texts[name] = content
        found_settings, found = _settings(name, content)
        settings = found_settings if number == 0 else settings
        problems += found
    rule_paths = [path for path in paths if path not in accounts]
    live = settings is not None and settings.mode == "live"
    if rule_paths:
        read = read_sources(rule_paths, strict_permissions=live)
    elif chosen is not None and settings is not None:
        read = included(Path(os.path.relpath(chosen)), settings.include, strict_permissions=live)
    else:
        read = read_sources([])  # the account file itself has errors: what it includes is not known
    rules = {name: text for name, text in read.texts.items() if Path(name).name != ACCOUNT_FILE}
    plan, found = load(rules, settings)
    problems += [*read.problems, *found]
    texts.update(rules)
    return texts, problems, None if any(each.severity == "error" for each in problems) else plan


def _settings(name: str, content: bytes) -> tuple[Settings | None, tuple[Problem, ...]]:
    return load_settings(name, content, os.environ)


def _beside(paths: tuple[str, ...]) -> Path:
    """Where the search for the account file begins: beside the first path, else here."""
    first = next((Path(path) for path in paths if path != "-"), None)
    if first is None:
        return Path.cwd()
    return first if first.is_dir() else first.parent


def shown(checked: CheckedRules, form: str, code: int) -> int:
    """Print the problems and return the exit code."""
    if form == "json":
        data = as_data(checked.problems, checked.files, code)
        return emit_json(
            {key: value for key, value in data.items() if key not in {"format_version", "exit_code"}}, code
        )
    text = as_text(checked.problems, checked.sources, colour=wants_color(sys.stdout))
    if text:
        say(text, end="")
    line = summary(checked.problems, len(checked.files), checked.milliseconds)
    codes = sorted({each.code for each in checked.problems if each.severity == "error"})
    if codes:
        line += f" · `autotrader rule {codes[0]}` explains"
    note(f"{line} · exit {code}" if code else line)
    return code
