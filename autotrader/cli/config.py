"""`autotrader config show`: every setting in force, and with --origin where it came from. Secrets are masked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import base_url_option, config_option, format_option, state_option
from autotrader.cli._output import emit_json, say, table
from autotrader.cli._written import SourcedText, account_file, written
from autotrader.errors import ConfigError
from autotrader.exchanges.secret import key_places, secret_places
from autotrader.files import read_account_file
from autotrader.language.account_file import PREFIX, defaults, load_settings
from autotrader.service.logs import masked

# Variables that autotrader reads; the value of those marked True is never shown.
VARIABLES: Mapping[str, bool] = {
    "AUTOTRADER_LIVE": False,
    "AUTOTRADER_API_KEY": True,
    "AUTOTRADER_API_SECRET": True,
    "AUTOTRADER_API_SECRET_FILE": False,
    "AUTOTRADER_KEYRING": False,
    "AUTOTRADER_NOTIFY_PROXY": True,  # a proxy's address may hold a password
}
_SET = "*** (set)"


@click.group("config")
def command() -> None:
    """The settings in force."""


@command.command("show")
@click.option("--origin", "show_origin", is_flag=True, help="Say where each value came from.")
@config_option
@base_url_option
@state_option
@format_option
def show(*, show_origin: bool, config: Path | None, base_url: str | None, state: Path | None, output: str) -> int:
    """Show every setting: flags over environment over account file over defaults. Secrets are masked."""
    found = settings(config, base_url, state, os.environ)
    if output == "json":
        values = {name: {"value": entry.text, "origin": entry.origin} for name, entry in found.items()}
        return emit_json({"settings": values})
    if show_origin:
        say(table(["setting", "value", "from"], [[name, entry.text, entry.origin] for name, entry in found.items()]))
    else:
        say(table(["setting", "value"], [[name, entry.text] for name, entry in found.items()]))
    return 0


def settings(
    config: Path | None, base_url: str | None, state: Path | None, environ: Mapping[str, str]
) -> dict[str, SourcedText]:
    """All settings by name. Raises ConfigError for an account file that cannot be read."""
    path = account_file(config)
    in_file = written(path) if path else {}
    found = {"account file": SourcedText(str(path or "none"), "--config" if config else "found" if path else "default")}
    for name, text in defaults().items():
        if not any(key == name or key.startswith(f"{name}.") for key in in_file):
            found[name] = SourcedText(text, "default")
    found |= {name: SourcedText(_without_secrets(name, entry.text), entry.origin) for name, entry in in_file.items()}
    if path:
        found |= _tightened(path, environ)
    if base_url:
        found["exchange.base_url"] = SourcedText(masked(base_url), "--base-url")
    return found | _key_rows(environ) | _folder_rows(state, environ) | _variables(found, environ)


def _key_rows(environ: Mapping[str, str]) -> dict[str, SourcedText]:
    """Where live would take the key and its secret from; neither is read."""
    places = {"API key": key_places(environ), "API secret": secret_places(environ)}
    return {name: SourcedText(_SET, found[0].name) for name, found in places.items() if found}


def _without_secrets(name: str, text: str) -> str:
    """A value of the file: secrets have no place there, but one that was put there is not shown."""
    if "://" in text and name != "exchange.base_url":  # addresses of channels and heartbeats carry tokens
        return "***"
    return masked(f"{name.rsplit('.', 1)[-1]}={text}").partition("=")[2]


def _tightened(path: Path, environ: Mapping[str, str]) -> dict[str, SourcedText]:
    """What AUTOTRADER__SECTION__KEY sets. Raises ConfigError where that would loosen, or names nothing."""
    ours = {name: text.strip() for name, text in environ.items() if name.startswith(PREFIX)}
    if not ours:
        return {}
    for problem in load_settings(str(path), read_account_file(path), ours)[1]:
        if problem.place.file.startswith("$"):
            raise ConfigError(f"{problem.place.file}: {problem.message}", hint=problem.hint)
    rows = {}
    for name, text in sorted(ours.items()):
        section, *rest = name.removeprefix(PREFIX).lower().split("__")
        key = [part.upper() if number == 1 else part for number, part in enumerate(rest)]  # limits.holding.BTC
        rows[".".join([section, *key])] = SourcedText(text, f"${name}")
    return rows


def _folder_rows(state: Path | None, environ: Mapping[str, str]) -> dict[str, SourcedText]:
    unit = {"state": "STATE_DIRECTORY", "cache": "CACHE_DIRECTORY", "logs": "LOGS_DIRECTORY"}
    xdg = {"state": "XDG_STATE_HOME", "cache": "XDG_CACHE_HOME", "logs": "XDG_STATE_HOME"}
    rows = {}
    for name, place in folders(state, environ)._asdict().items():
        named = next((variable for variable in (unit[name], xdg[name]) if environ.get(variable)), "default")
        rows[f"folder.{name}"] = SourcedText(str(place), "--state" if state else named)
    return rows


def _variables(found: Mapping[str, SourcedText], environ: Mapping[str, str]) -> dict[str, SourcedText]:
    """Environment variables that are set: ours, and those that the account file names (addresses: never shown)."""
    named = {entry.text: True for name, entry in found.items() if name.endswith("_env")}
    return {
        f"${name}": SourcedText(_SET if secret else environ[name], "environment")
        for name, secret in {**VARIABLES, **named}.items()
        if environ.get(name)
    }
