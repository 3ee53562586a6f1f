"""The account file and the rule files that it includes, read from disk and checked; nothing is connected yet."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from autotrader.errors import ConfigError, RulesInvalid
from autotrader.files import find_account_file, included, read_account_file
from autotrader.language.account_file import load_settings
from autotrader.language.load import load, sources_of
from autotrader.language.plan import Plan
from autotrader.language.problems import Problem
from autotrader.language.render import as_text
from autotrader.language.settings import Settings
from autotrader.market.instrument import Instrument
from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What the user wrote. `texts` holds the rule files, name -> content; `account_text` the account file."""

    path: Path
    settings: Settings
    account_text: str
    texts: Mapping[str, bytes]
    notes: tuple[Problem, ...] = ()  # what is worth a warning about the files themselves

    def named(self, plan: Plan) -> dict[str, str]:
        """The rule files' texts under names that are relative to the account file: the same wherever it lies."""
        return {os.path.relpath(name, self.path.parent): text for name, text in plan.sources.items()}

    def plan(self, instruments: Mapping[str, Instrument] | None = None) -> tuple[Plan, tuple[Problem, ...]]:
        """Compile the rules, with the venue's filters where they are known.

        Raises RulesInvalid with every error of every file; warnings and notes come back beside the plan.
        """
        plan, problems = load(self.texts, self.settings, instruments)
        if plan is None:
            raise RulesInvalid(_listed("the rules", problems, self.texts))
        return plan, (*self.notes, *problems)


def _listed(what: str, problems: Sequence[Problem], texts: Mapping[str, str | bytes]) -> str:
    """A headline, and every problem below it with its place."""
    count = sum(problem.severity == "error" for problem in problems)
    said = as_text(tuple(problems), sources_of(texts)).strip("\n")
    return f"{what} cannot be used: {count} error{'' if count == 1 else 's'}\n{said}"


def read_project(
    config: Path | None = None, *, base_url: str | None = None, environ: Mapping[str, str] | None = None
) -> Project:
    """Find and check the account file, then read what it includes. `base_url` (a flag) replaces the file's.

    Raises ConfigError where there is no usable account file, RulesInvalid where a rule file cannot be read.
    """
    path = config or find_account_file(Path.cwd())
    if path is None:
        raise ConfigError(
            "there is no autotrader.yaml here or in a folder above", hint="`autotrader init .` writes one"
        )
    if not path.is_file():
        raise ConfigError(f"there is no account file {path}", hint="`autotrader init .` writes one")
    content = read_account_file(path)
    name = os.path.relpath(path)
    settings, problems = load_settings(name, content, os.environ if environ is None else environ)
    if settings is None:
        raise ConfigError(_listed("the account file", problems, {name: content}))
    if base_url is not None:
        settings = replace(settings, exchange=replace(settings.exchange, base_url=base_url))
    live = settings.mode == "live"
    if live and read_account_file(path, strict_permissions=True) != content:
        raise ConfigError(f"{name}: it changed while it was read", hint="try again when it is written")
    found = included(Path(name), settings.include, strict_permissions=live)
    unreadable = [problem for problem in found.problems if problem.severity == "error"]
    if unreadable:
        raise RulesInvalid(_listed("the rules", unreadable, found.texts))
    return Project(
        path=path,
        settings=settings,
        account_text=sources_of({name: content})[name],
        texts=found.texts,
        notes=found.problems,
    )
