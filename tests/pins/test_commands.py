"""The JSON of every command, on the stores that the pinned day left."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.pins import doors
from tests.pins.conftest import BALANCES, SYMBOLS, Played, played
from tests.pins.golden import assert_golden, masked

# Each line is a command; S adds --state, C --config. Those that act are run in this order.
LOOK = """
validate C
validate broken.yaml
show C
config show C S
budget C
schema
schema --account
rule AT101
rule AT999
eval 'last * 2 + 1%' --symbol BTCJPY C S
eval 'free(JPY) > 5_000 JPY' --symbol BTCJPY C S
eval 'rsi(14, 5m)' --symbol ETHJPY C S
eval 'obv(1h' --symbol BTCJPY C S
eval 'close(1h) > sma(3, 1h) for 2h' --symbol BTCJPY --data candles.csv
eval 'bb_upper(5, 2, 1h) - close(1h)' --symbol BTCJPY --data candles.csv
plan C S
plan --detailed-exitcode C S
why fell S
why fell --at 02:20 S
why counted --at 02:30 S
why turn --symbol ETHJPY S
why stale S
why nothing S
status S
balances C
balances --paper C S
orders S
orders --all S
trades S
trades --since 2018-01-24T18:00 S
audit show S
audit show --kind intent S
audit verify S
audit export S
audit replay S
audit reconcile S
market price BTCJPY ETHJPY C
market ticker BTCJPY C
market day ETHJPY C
market depth BTCJPY --limit 5 C
market klines BTCJPY --interval 1h --limit 3 C
account info C
account assets C
account commission BTCJPY C
account restrictions C
system status C
order list BTCJPY C
order list ETHJPY --all C
doctor C S
adopt S
ignore S
"""
ACT_DRY = """
order new buy BTCJPY 5 --price 1_190_000 C S
order new buy BTCJPY 0.002 --price 1_190_000 C S
orders S
pause fell --for 6h S
pause --label trio S
pause nobody S
resume fell S
halt --reduce-only --reason lunch S C
status S
order new buy BTCJPY 0.001 --price 1_200_000 C S
resume S
halt --cancel S C
orders --all S
resume S
resume S
paper reset C S
balances C S
audit verify S
"""
ACT_LIVE = """
order test buy BTCJPY 0.001 --price 1_200_000 C
order new buy BTCJPY 5 --price 1_190_000 --live C S
order new buy BTCJPY 0.001 --price 1_190_000 --live C S
order new sell ETHJPY 0.01 --price 515_000 --post-only --live C S
order new buy BTCJPY 0.00000001 --price 1_190_000 --live C S
order list BTCJPY C
order cancel BTCJPY at-none --live C S
orders S
halt --cancel S C
order new buy BTCJPY 0.001 --price 1_190_000 --live C S
orders --all S
resume S
status S
audit reconcile S
"""
WORDS = re.compile(r"'([^']*)'|(\S+)")
# Figures of this machine and of the moment at which a command was run.
_FLEETING = frozenset({
    "age_ms", "pid", "skew_ms", "round_trip_ms", "offset_ms", "uncertainty_ms", "latency_ms", "size_bytes",
    "server_time", "clock_skew_ms", "clock_uncertainty_ms", "weight_used", "used_weight", "hash", "prev", "head",
    "meta",
})  # fmt: skip


def words_of(line: str, day: Told, folder: Path) -> list[str]:
    """A line of the list as the words of a command."""
    found = [quoted or plain for quoted, plain in WORDS.findall(line)]
    words: list[str] = []
    for word in found:
        if word == "S":
            words += ["--state", str(day.folder / "state")]
        elif word == "C":
            words += ["--config", str(folder / "autotrader.yaml")]
        else:
            words.append(str(folder / word) if word.endswith((".csv", "broken.yaml")) else word)
    return words


def heard(line: str, day: Told, folder: Path, capsys: pytest.CaptureFixture[str], step: int = 0) -> list[str]:
    """What one command says: its exit code, its JSON (or text where it has no other form), and its last words."""
    words = words_of(line, day, folder)
    if words[0] != "schema" and words[:2] != ["audit", "export"]:
        words += ["--format", "json"]
    capsys.readouterr()
    os.environ["AUTOTRADER_API_SECRET"] = day.sim.accounts[0].secret  # what trades takes it out of its environment
    code = doors.command(words)
    day.sim.advance(step)
    out, err = capsys.readouterr()
    said = [text for document in _documents(out) for text in document]
    lines = [f"$ {line}", f"exit {code}", *said, *(f"! {text}" for text in err.split("\n") if text.startswith("error"))]
    return [_timeless(masked(text, **day.names), day.ended_ms) for text in lines]


def _documents(out: str) -> Iterator[list[str]]:
    """What was printed: one JSON document, or one a line, or text."""
    try:
        yield _indented(json.loads(out))
    except ValueError:
        for line in out.removesuffix("\n").split("\n"):
            yield _indented(json.loads(line)) if line.startswith("{") else [line]


def _indented(document: object) -> list[str]:
    if isinstance(document, dict) and "$defs" in document:  # a schema says the same whatever its parts are called
        document = _spread_out(document, document["$defs"])
    return json.dumps(_lasting(document), indent=1, ensure_ascii=True).split("\n")


def _spread_out(value: Any, parts: Mapping[str, Any], within: tuple[str, ...] = ()) -> Any:
    """A schema with its named parts in the places where they are meant, keys sorted; circles end after one round."""
    if isinstance(value, list):
        return [_spread_out(one, parts, within) for one in value]
    if not isinstance(value, dict):
        return value
    name = str(value.get("$ref", "")).removeprefix("#/$defs/")
    if name and name not in within:
        return _spread_out(parts[name], parts, (*within, name))
    if "properties" in value or value.get("default") == {}:  # what a class says of itself, and an empty part
        value = {key: one for key, one in value.items() if key not in {"description", "default"}}
    kept = {key: one for key, one in sorted(value.items()) if key not in {"$defs", "$ref", "title"}}
    return {key: _spread_out(one, parts, within) for key, one in kept.items()}


_MOMENT = re.compile(r"\b\d{13}\b|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def _timeless(text: str, ended_ms: int) -> str:
    """The text without the moments since the day's end, in which commands ran."""

    def put(found: re.Match[str]) -> str:
        moment = found[0]
        ms = int(moment) if moment.isdigit() else int(datetime.fromisoformat(moment).timestamp() * 1000)
        return "NOW" if ended_ms <= ms < ended_ms + 300_000 else moment

    return _MOMENT.sub(put, text)


def _lasting(value: object, name: str = "") -> object:
    """The value without figures that are other ones at each run."""
    if isinstance(value, dict):
        return {key: _lasting(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_lasting(one, name) for one in value]
    return "FLEETING" if name in _FLEETING and value is not None else value


@pytest.fixture
def here(live_day: Played, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as a person has it: the address in the account file, key and permission in the environment."""
    return prepared(live_day, monkeypatch)


def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of this machine reaches the commands."""
    for name in list(os.environ):
        if name.startswith("AUTOTRADER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")


class Told(Protocol):
    """A store's folder, its exchange, and when its play ended."""

    folder: Path
    sim: doors.Recording
    ended_ms: int

    @property
    def names(self) -> dict[str, str]:
        """What `masked` hides."""


def prepared(day: Told, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files and environment for commands on a day's store."""
    without_settings(monkeypatch)
    folder, account = day.folder, day.folder / "autotrader.yaml"
    text = account.read_text(encoding="utf-8")
    if "base_url" not in text:
        account.write_text(text.replace("name: binance,", f'name: binance, base_url: "{day.sim.url}",'), "utf-8")
    (folder / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    (folder / "candles.csv").write_text("\n".join(candles()) + "\n", encoding="utf-8")
    key = day.sim.accounts[0]
    monkeypatch.setenv("AUTOTRADER_API_KEY", key.key)
    monkeypatch.setenv("AUTOTRADER_API_SECRET", key.secret)
    monkeypatch.setenv("AUTOTRADER_LIVE", "1")
    return folder


BROKEN = """\
version: 1
rules:
  a:
    symbol: BTCJPY
    when: last < 9_000_000 and spread < 1%
    thn:
      - buy: {spend: 4_000, price: bid}
  b:
    symbol: BTCJPY
    when: rsi(14, 1h) > 120
    then: [{notify: "x"}]
"""


def candles() -> Sequence[str]:
    """Sixty hours of a wave, as the venue's kline columns."""
    rows = ["open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_base,taker_quote,ignore"]
    begin, price = 1_700_006_400_000, 5_000_000
    for number in range(60):
        close = 5_000_000 + round(90_000 * math.sin(number / 5)) + 1_000 * (number % 7)
        low, high = min(price, close) - 4_000, max(price, close) + 5_000
        opened = begin + number * 3_600_000
        rows.append(f"{opened},{price},{high},{low},{close},{3 + number % 5}.5,{opened + 3_599_999},1000,9,1,1,0")
        price = close
    return rows


def test_the_json_of_commands_that_look(live_day: Played, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each prints the same document with the same exit code on the store of the live day."""
    lines = [text for line in LOOK.strip().split("\n") for text in heard(line, live_day, here, capsys)]
    assert_golden("commands_look.txt.gz", lines)


@pytest.mark.parametrize(("live", "acts"), [(False, ACT_DRY), (True, ACT_LIVE)], ids=["dry", "live"])
def test_the_json_of_commands_that_act(
    live: bool, acts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after the other, on a store with an order open: by hand, pause, halt, resume, start over."""
    with doors.recording(BALANCES, SYMBOLS) as sim:
        day = played(tmp_path / "day", sim, live=live, hours=1.6)
        folder = prepared(day, monkeypatch)
        lines = [text for line in acts.strip().split("\n") for text in heard(line, day, folder, capsys, 10)]
    assert_golden(f"commands_act_{'live' if live else 'dry'}.txt.gz", lines)
