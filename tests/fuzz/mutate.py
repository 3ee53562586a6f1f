"""Changes to a reply that leave it JSON: what a fuzzer of bytes seldom finds, most readers only see."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**63,
    -(2**63),
    2**64,
    10**30,
    0.5,
    "",
    "0",
    "-0",
    "0.0",
    "-1",
    "1e400",
    "NaN",
    "1" * 41,
    "0." + "0" * 41,
    "\uff11",
    " 1",
    "1 ",
    "+1",
    ".5",
    "5.",
    "BTCJPY",
    "BUY",
    "SELL",
    "NEW",
    "FILLED",
    "\ud800",
    "\u202e",
    "\x1b[2J",
    "x" * 300,
    [],
    {},
    [[]],
    [{}],
    {"symbol": "BTCJPY"},
    1_600_000_000_000,
    4_102_444_800_001,
    "TRADING",
    "MAX_ASSET",
)


def mutated(data: bytes, seed: int) -> bytes | None:
    """The same JSON with one to three places changed; None where it is none."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    chance = random.Random(seed)
    holder = [body]
    for _ in range(chance.randint(1, 3)):
        _change(holder, chance)
    return json.dumps(holder[0]).encode()


def _change(holder: list[Any], chance: random.Random) -> None:
    """Walk down to a place by chance, and put something else there, take it away, or double it."""
    here: Any = holder
    place: Any = 0
    while isinstance(here[place], list | dict) and here[place] and chance.random() < 0.85:
        here = here[place]
        place = chance.choice(list(here)) if isinstance(here, dict) else chance.randrange(len(here))
    what = chance.random()
    if what < 0.6 or here is holder:
        here[place] = copy.deepcopy(chance.choice(ODD))
    elif what < 0.8:
        del here[place]
    elif isinstance(here, list):
        here.append(copy.deepcopy(here[place]))
    else:
        here[chance.choice(list(here))] = copy.deepcopy(here[place])
