"""Logs: JSON lines that hold no secret and no control character, from us and from other packages."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrader.errors import ConfigError
from autotrader.service import logs as logs_module
from autotrader.service.logs import Logs, hide, masked, set_up

SECRET = "kEy/with+odd=characters&more"


@pytest.fixture
def terminal() -> io.StringIO:
    """What a terminal would show."""
    return io.StringIO()


@pytest.fixture
def logs(tmp_path: Path, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    """Logs in a folder of this test, at the most talkative level."""
    monkeypatch.setattr(logs_module, "_KNOWN", set())
    level = logging.getLogger().level
    made = set_up(tmp_path / "logs", level="debug", terminal=terminal)
    yield made
    made.close()
    logging.getLogger().setLevel(level)


def lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of the log file."""
    text = (folder / "logs" / "autotrader.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_and_terminal(logs: Logs, tmp_path: Path, terminal: io.StringIO) -> None:
    """One event is one JSON line with time and level in the file, and one short line on the terminal."""
    logs.log("warn", "late data", symbol="BTCJPY", age_ms=9_000)
    (line,) = lines(tmp_path)
    assert line["event"] == "late data"
    assert (line["level"], line["symbol"], line["age_ms"]) == ("warning", "BTCJPY", 9_000)
    assert line["time"].endswith("Z")
    assert terminal.getvalue().endswith("Z warning  late data  symbol=BTCJPY  age_ms=9000\n")


def test_file_is_private(logs: Logs, tmp_path: Path) -> None:
    """Only the owner reads the log."""
    logs.log("info", "x")
    assert (tmp_path / "logs" / "autotrader.log").stat().st_mode & 0o777 == 0o600


def test_known_secrets_are_masked_everywhere(logs: Logs, tmp_path: Path, terminal: io.StringIO) -> None:
    """A known secret is masked in texts, values, nested values, exceptions, URLs and other packages' lines."""
    hide(SECRET)
    text = f"text {SECRET}"
    logs.log("info", text, value=SECRET, nested={"a": [SECRET]})
    logging.getLogger("somebody").warning("GET /x?key=%s", SECRET)
    logging.getLogger("somebody").warning("GET /x?k=%s", "kEy%2Fwith%2Bodd%3Dcharacters%26more")
    try:
        int(SECRET)
    except ValueError:
        logs.logger.exception("failed")
    written = (tmp_path / "logs" / "autotrader.log").read_text(encoding="utf-8") + terminal.getvalue()
    assert len(lines(tmp_path)) == 4
    assert "ValueError" in written
    assert SECRET not in written
    assert "odd" not in written


@pytest.mark.parametrize(
    "text",
    [
        "POST /api/v3/order?symbol=BTCJPY&signature=deadbeef00&x=1",
        "X-MBX-APIKEY: deadbeef00",
        "{'X-MBX-APIKEY': 'deadbeef00', 'a': 1}",
        '{"api_key": "deadbeef00"}',
        "https://user:deadbeef00@example.test/x",
        "Authorization: Bearer deadbeef00",
        "apiSecret=deadbeef00",
        "bot_token=deadbeef00",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    """Signatures, keys, tokens and passwords in URLs are masked although nobody named their value."""
    assert "deadbeef00" not in masked(text)


def test_ordinary_text_is_left_alone() -> None:
    """Plain words stay."""
    text = "order at-7f3a accepted: BUY 0.00032 BTC @ 15189000, token bucket full, secrets file has mode 0600"
    assert masked(text) == text


def test_short_values_are_not_taken_for_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty or very short secret does not blank out everything."""
    monkeypatch.setattr(logs_module, "_KNOWN", set())
    hide("")
    hide("ab")
    assert masked("abc") == "abc"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.text())
def test_no_text_forges_a_line(logs: Logs, tmp_path: Path, terminal: io.StringIO, event: str, value: str) -> None:
    """Whatever is logged is one line, in the file and on the terminal, without control characters."""
    file = tmp_path / "logs" / "autotrader.log"
    file.write_text("")
    terminal.seek(0)
    terminal.truncate()
    logs.log("info", event, value=value)
    for written in (file.read_bytes().decode("utf-8"), terminal.getvalue()):
        assert written.count("\n") == 1
        assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in written.removesuffix("\n"))


def test_request_lines_of_urllib3_are_never_logged(logs: Logs, tmp_path: Path) -> None:
    """urllib3 stays at INFO or above even when everything else is at DEBUG."""
    logging.getLogger("urllib3.connectionpool").debug("GET /api/v3/order?signature=abc")
    logs.log("debug", "ours")
    assert [line["event"] for line in lines(tmp_path)] == ["ours"]


def test_rotation(tmp_path: Path) -> None:
    """A full file is put aside, and only so many are kept."""
    made = set_up(tmp_path / "logs", max_bytes=2_000, backups=2)
    for number in range(200):
        made.log("info", "x" * 50, number=number)
    made.close()
    assert sorted(place.name for place in (tmp_path / "logs").iterdir()) == [
        "autotrader.log", "autotrader.log.1", "autotrader.log.2",
    ]  # fmt: skip


def test_a_failing_disk_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log that cannot be written is told once, in one line, and the program goes on."""
    made = set_up(tmp_path / "logs")
    handler = made._handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    with contextlib.suppress(OSError), Path("/dev/full").open("w", encoding="utf-8") as full:
        before = handler.setStream(full)
        assert before is not None
        before.close()
        made.log("info", "a")
        made.log("info", "b")
        made.close()
    assert capsys.readouterr().err.count("warning: cannot write the log") == 1


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A folder that cannot be had is one clear error."""
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(ConfigError, match="cannot write logs"):
        set_up(tmp_path / "logs")
