"""``autotrader system``: whether the exchange runs, and how its clock stands to ours."""

from __future__ import annotations

from pathlib import Path

import click

from autotrader.cli._options import base_url_option, config_option, format_option
from autotrader.cli._output import emit_json, say, table
from autotrader.cli._venue import venue
from autotrader.times import iso_utc, time_with_utc


@click.group("system", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Whether the exchange runs normally."""


@command.command("status")
@format_option
@base_url_option
@config_option
def status(*, output: str, base_url: str | None, config: Path | None) -> int:
    """Normal or under maintenance, the exchange's time and our clock against it."""
    with venue(base_url, config) as place:
        found = place.connection
        found.clock.sync()
        now, skew, doubt = found.clock.now_ms(), found.clock.skew_ms(), found.clock.uncertainty_ms()
        state = found.calls.system_status() if found.tells_status else None
        zone = place.zone
    word = "unknown" if state is None else "normal" if state.normal else "maintenance"
    if output == "json":
        facts = {"host": found.url.origin, "status": word, "message": state.message if state else None}
        times = {"time": now, "time_utc": iso_utc(now), "clock_skew_ms": skew, "clock_uncertainty_ms": doubt}
        return emit_json({"system": facts | times})
    message = "this host does not tell" if state is None else state.message
    rows = [
        ("host", found.url.origin),
        ("status", f"{word} ({message})"),
        ("time", time_with_utc(now, zone)),
        ("our clock", f"{skew or 0:+d} ms against the exchange, known to {doubt} ms"),
    ]
    say(table(("exchange", ""), rows))
    return 0
