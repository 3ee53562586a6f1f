"""Random rule files and account files, good and broken, drawn from a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

from tests.fuzz.seeds import lines, texts
from tests.language.test_expression_properties import PIECES
from tests.language.test_hostile import TOKENS
from tests.proof.wild_rules import Draw, _file

ACCOUNT = """\
version: 1
mode: live
timezone: Asia/Tokyo
exchange: {name: binance}
symbols: [BTCJPY, ETHJPY]
max_slippage: 0.5%
paper: {JPY: 3_000_000 JPY, BTC: 0.5 BTC, ETH: 2 ETH}
limits:
  spend_per_day: 2_000_000 JPY
  loss_per_day: 400_000 JPY
  keep_free: {JPY: 5_000 JPY}
  halt_after: 8 refusals
  open_orders: 12
  orders_per_hour: 60
  holding: {BTC: 3 BTC, ETH: 20 ETH}
  price_band: 3%
  request_weight: 90%
notify:
  default: log
  log: log
include: [rules/*.yaml]
"""
BALANCES = {"JPY": "3000000", "BTC": "0.5", "ETH": "2"}
SYMBOLS = ["BTCJPY", "ETHJPY"]
# `wild_rules` draws prices around 100,000; the tape's first hours lie around 1,205,000.
_PRICES = {
    "99_000": "1_190_000", "99_900": "1_203_000", "100_000": "1_206_000", "100_100": "1_209_000",
    "101_000": "1_220_000", "0.02 BTC": "0.002 BTC",
}  # fmt: skip
_PRICE = re.compile(r"(?<![\d_])(" + "|".join(_PRICES) + r")(?![\d_])")
_ODD = ("", " ", "%", "JPY", "1e3", "-", "_", "\t", "'", '"', "#", ":", "[", "}", "é", "10,000", "0", "999999999999")


def rule(chance: random.Random, name: str) -> str:
    """One rule around the tape's prices; what the loader says of it is part of the comparison."""
    return _PRICE.sub(lambda found: _PRICES[found[0]], Draw(chance, ("calm",)).rule(name))


def signals(chance: random.Random) -> str:
    """A signal that the rules may name."""
    return "  calm: " + _PRICE.sub(lambda found: _PRICES[found[0]], Draw(chance).condition(1)) + "\n"


def whole(signal: str, rules: list[str]) -> str:
    """A file of these rules."""
    return _file(signal, rules)


def load_case(chance: random.Random) -> dict[str, Any]:
    """Files to be loaded: drawn rules, broken ones, lines of nonsense, hostile files, broken account files."""
    kind = chance.choice(("wild", "wild", "broken", "broken", "line", "line", "tokens", "hostile", "account"))
    account, text = ACCOUNT, ""
    if kind == "line":
        text = f"version: 1\nrules:\n  r:\n    symbol: BTCJPY\n    when: {_line(chance)}\n    then: [{{notify: x}}]\n"
    elif kind == "tokens":
        text = "".join(chance.choice(TOKENS) for _ in range(chance.randint(1, 40)))
    elif kind == "hostile":
        text = chance.choice(_known())
    else:
        text = whole(signals(chance), [rule(chance, f"r{number}") for number in range(chance.randint(1, 4))])
        if kind == "broken":
            text = _broken(chance, text)
        if kind == "account":
            account = _broken(chance, account)
    return {"kind": "load", "account": account, "texts": {"rules/a.yaml": text}, "what": kind}


_KNOWN: list[str] = []
_LINES: list[str] = []


def _known() -> list[str]:
    if not _KNOWN:
        _KNOWN.extend(texts())
    return _KNOWN


def _line(chance: random.Random) -> str:
    """A condition: one of a file, or one with a piece put in, taken out or doubled."""
    if not _LINES:
        _LINES.extend(lines())
    words = chance.choice(_LINES).split(" ")
    for _ in range(chance.randint(0, 2)):
        place = chance.randrange(len(words) + 1)
        words[place : place + chance.randint(0, 1)] = [chance.choice(PIECES)] * chance.randint(0, 2)
    return " ".join(words)


def _broken(chance: random.Random, text: str) -> str:
    """The text with one to three places changed."""
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(text) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            text = text[:place] + chance.choice(_ODD) + text[place:]
        elif kind == 1:
            text = text[:place] + text[place + chance.randint(1, 4) :]
        elif kind == 2:
            rows = text.split("\n")
            one, other = chance.randrange(len(rows)), chance.randrange(len(rows))
            rows[one], rows[other] = rows[other], rows[one]
            text = "\n".join(rows)
        else:
            words = re.split(r"(\W+)", text)
            words[chance.randrange(len(words))] = chance.choice(PIECES)
            text = "".join(words)
    return text


def play_case(chance: random.Random, signal: str, rules: list[str]) -> dict[str, Any]:
    """Rules to be traded for some minutes."""
    return {
        "kind": "play", "account": ACCOUNT, "texts": {"rules/a.yaml": whole(signal, rules)}, "balances": BALANCES,
        "symbols": SYMBOLS, "seed": chance.randrange(1000), "live": True, "minutes": chance.choice((15, 20, 30)),
        "what": "play",
    }  # fmt: skip


def candidates(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Signals with rules that may be played, one at a time, without end."""
    while True:
        signal = signals(chance)
        for number in range(12):
            yield signal, rule(chance, f"r{number}")
