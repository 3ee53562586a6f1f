"""Start-up of the command line: process time (user and system) of whole processes, imports included.

Against an interpreter that does nothing, and against one that only imports what any validator of YAML files by pydantic
models must import. Compiled modules are kept, as on every start after the first.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Row, Size, processes_in_turn

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


def rows(size: Size) -> list[Row]:
    """`--help`, and `validate` of a good file and of one with eight mistakes, each against both bounds."""
    with TemporaryDirectory() as folder:
        good, bad = Path(folder) / "one.yaml", Path(folder) / "eight.yaml"
        good.write_text(ONE_RULE)
        bad.write_text(EIGHT_MISTAKES)
        ours = {
            "`autotrader --help`": (["-m", "autotrader", "--help"], 0),
            "`autotrader validate`, one rule": (["-m", "autotrader", "validate", str(good)], 0),
            "`autotrader validate`, eight mistakes": (["-m", "autotrader", "validate", str(bad)], 1),
        }
        bounds = {"`python -c pass`": "pass", '`python -c "import yaml, pydantic"`': "import yaml, pydantic"}
        commands = [*ours.values(), *((["-c", code], 0) for code in bounds.values())]
        times = processes_in_turn(size.rounds, *commands)
    mine, theirs = dict(zip(ours, times, strict=False)), dict(zip(bounds, times[len(ours) :], strict=True))
    return [
        Row(what, against, took, bound, "process time")
        for what, took in mine.items()
        for against, bound in theirs.items()
    ]
