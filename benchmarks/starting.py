"""Start-up of the command line: process time (user and system) of whole processes, imports included.

`--help` against a process that imports click; commands that read rules against the floor, which no validator of YAML
files by pydantic models can pass: a process that imports yaml, click and pydantic and builds one model. `plan` also
needs numpy and asks the exchange, and so does its floor. Compiled modules are kept, as on every start after the first;
a second row of `validate` has none anywhere, for both.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Row, Size, processes_in_turn
from benchmarks.requesting import venue

ONE_RULE = """\
version: 1
rules:
  dip:
    symbol: BTCJPY
    every: 1m
    when:
      - last < 9_400_000 JPY
      - change_24h <= -5%
      - rsi(14, 1h) < 30
    cooldown: 12h
    then:
      - buy: {spend: 10_000 JPY, price: bid - 0.2%, cancel_after: 90s}
"""
EIGHT_MISTAKES = """\
version: 1
rules:
  dip:
    symbol: BTCJPX1
    every: 2s
    when:
      all:
        - change_24h <= -5
        - spreed <= 0.15%
        - rsi(14, 1h) < 30 and last > 5
    cooldwn: 12h
    then:
      - buy: {spend: 10,000 JPY, price: bid - 0.2%, tif: gct}
"""
ACCOUNT = """\
version: 1
mode: dry_run
exchange: {{name: binance, base_url: {url}}}
symbols: [BTCJPY]
paper: {{JPY: 100_000 JPY, BTC: 0 BTC}}
include: [rules/*.yaml]
"""
CLICK = "import click"
FLOOR = """\
import yaml, click
from pydantic import BaseModel, ConfigDict
class Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    symbol: str
    when: list[str] = []
Written(symbol="BTCJPY")
"""
ASKING = """
import numpy, requests
with requests.Session() as session:
    for path in {paths}:
        session.get({url!r} + path).json()
"""
PATHS = (
    "/api/v3/time", "/api/v3/exchangeInfo", "/api/v3/ticker/24hr?symbol=BTCJPY",
    "/api/v3/ticker/bookTicker?symbol=BTCJPY", "/api/v3/klines?symbol=BTCJPY&interval=1h&limit=500",
)  # fmt: skip
UNCOMPILED = ["-B", "-X", "pycache_prefix=/nonexistent"]


def rows(size: Size) -> list[Row]:
    """`--help`, `validate` of a good file and of one with eight mistakes, `status`, `why` and `plan`."""
    with TemporaryDirectory() as folder, venue() as url:
        return _rows(size, Path(folder), url)


def _rows(size: Size, folder: Path, url: str) -> list[Row]:
    good, bad = folder / "rules" / "one.yaml", folder / "eight.yaml"
    good.parent.mkdir()
    good.write_text(ONE_RULE)
    bad.write_text(EIGHT_MISTAKES)
    account = folder / "autotrader.yaml"
    account.write_text(ACCOUNT.format(url=url))
    account.chmod(0o600)
    good.chmod(0o600)
    at = ["--state", str(folder / "state")]
    config = ["--config", str(account)]
    run = ["-m", "autotrader", "run", "--once", *config, *at]
    processes_in_turn(0, (run, 0))
    asking = FLOOR + ASKING.format(paths=PATHS, url=url)
    pairs = {
        ("`autotrader --help`", "a process that imports click"): (_ours("--help"), _code(CLICK)),
        ("`autotrader validate`, one rule", _FLOOR): (_ours("validate", str(good)), _code(FLOOR)),
        ("`autotrader validate`, eight mistakes", _FLOOR): (_ours("validate", str(bad), code=1), _code(FLOOR)),
        ("`autotrader validate`, one rule, nothing compiled", _FLOOR): (
            _ours("validate", str(good), before=UNCOMPILED), _code(FLOOR, before=UNCOMPILED),
        ),
        ("`autotrader status`", _FLOOR): (_ours("status", *at), _code(FLOOR)),
        ("`autotrader why`", _FLOOR): (_ours("why", "dip", *at), _code(FLOOR)),
        ("`autotrader plan`", f"{_FLOOR}, numpy and its requests"): (_ours("plan", *config, *at), _code(asking)),
    }  # fmt: skip
    commands = [command for pair in pairs.values() for command in pair]
    times = processes_in_turn(size.rounds, *commands)
    return [
        Row(what, against, times[2 * number], times[2 * number + 1], "process time")
        for number, (what, against) in enumerate(pairs)
    ]


_FLOOR = "a process that imports yaml, click, pydantic and builds one model"


def _ours(*arguments: str, code: int = 0, before: list[str] | None = None) -> tuple[list[str], int]:
    return [*(before or []), "-m", "autotrader", *arguments], code


def _code(text: str, *, before: list[str] | None = None) -> tuple[list[str], int]:
    return [*(before or []), "-c", text], 0
