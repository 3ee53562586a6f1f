"""A schedule of misfortune: what goes wrong in one play, drawn from a seed; kept as a file where it broke a promise.

The rates are those of a bad day at a venue (docs/order-safety.md §1.4: 6 % of requests lost, 15 % delayed up to a
minute, 12 % of replies lost after execution, orders hidden from queries for up to a minute, 5 % server errors), times
an intensity that differs by seed: from none to twice that. Faults are the simulator's own kinds (docs/simulator.md);
crashes come at the named points of the order path and between a request and its answer.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from autotrader.errors import ConfigError

INTENSITIES: Final = (0.0, 0.3, 1.0, 1.0, 2.0)
LONGEST_LAG_S: Final = 60.0  # how long an order may be hidden from queries; the journal's margin for it
# Most plays are short and of one rule: many faults in little time. Each fourth is long, and its rules meet each other.
LONG_EACH: Final = 4
LONG: Final = ("bids", "sells", "takes", "tidies")
SHORT: Final = ("bids", "takes", "tidies")
_PLACE, _CANCEL, _LOOK = "POST order", "DELETE order", "GET *"
# Rules of the play, by letter; a schedule takes some of them.
RULES: Final[Mapping[str, str]] = {
    "bids": """
  bids:
    symbol: BTCJPY
    every: 30s
    when: ask > 1 JPY
    repeat: every 30s while true
    max_runs: 100 per day
    then:
      - buy: {size: 0.002 BTC, price: bid, post_only: true, cancel_after: 20s}
""",
    "takes": """
  takes:
    symbol: BTCJPY
    every: 20s
    when: ask > 1 JPY
    repeat: every 20s while true
    max_runs: 100 per day
    then:
      - buy: {spend: 12_000 JPY, price: market}
""",
    "sells": """
  sells:
    symbol: BTCJPY
    every: 20s
    when: holding(BTC) > 0.0005 BTC
    repeat: every 20s while true
    then:
      - sell: {size: 50% of holding(BTC), price: bid, tif: ioc}
""",
    "tidies": """
  far_bids:
    symbol: BTCJPY
    every: 30s
    when: ask > 1 JPY
    repeat: every 30s while true
    max_runs: 100 per day
    then:
      - buy: {size: 0.001 BTC, price: bid - 0.5%, tag: far}
  tidies:
    symbol: BTCJPY
    every: 10s
    for_each_order: {side: buy, owner: autotrader, tag: far}
    when: order.age > 25s
    then:
      - cancel
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What happens in one play. `seconds` of trading under faults; `crash` is the chance of dying at each point that is
    passed, `dead` that of a request which cannot even connect, `down` the seconds between a death and the next start.
    """

    seed: int
    rules: tuple[str, ...]
    seconds: int
    crash: float
    dead: float
    down: tuple[float, float]
    plan: Mapping[str, Any]

    @classmethod
    def drawn(cls, seed: int) -> Schedule:
        """The schedule of a seed; the same for ever on every machine."""
        chance = random.Random(f"schedule {seed}")
        is_long = seed % LONG_EACH == 0
        chosen = LONG if is_long else (chance.choice(SHORT),)
        strength = chance.choice(INTENSITIES)
        return cls(
            seed=seed,
            rules=chosen,
            seconds=chance.randint(40, 75) if is_long else chance.randint(18, 40),
            crash=chance.choice((0.0, 0.01, 0.03)),
            dead=min(0.02 * strength, 0.5),
            down=chance.choice(((0.5, 4.0), (2.0, 30.0), (20.0, 150.0))),
            plan=_plan(chance, strength),
        )

    @classmethod
    def read(cls, path: Path) -> Schedule:
        """A schedule that was kept. Raises ConfigError."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            data["rules"], data["down"] = tuple(data["rules"]), tuple(data["down"])
            return cls(**data)
        except (OSError, ValueError, KeyError, TypeError) as error:
            hint = "`autotrader prove orders --keep DIR` writes such files"
            raise ConfigError(f"{path} cannot be read as a schedule: {error}", hint=hint) from None

    def write(self, path: Path) -> None:
        """Keep it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _plan(chance: random.Random, strength: float) -> dict[str, Any]:
    """A plan for `simulator.Faults`, its probabilities times the strength."""
    if not strength:
        return {}

    def row(probability: float, call: str, **settings: Any) -> dict[str, Any]:
        return {"probability": min(probability * strength, 0.9), "call": call, **settings}

    either = chance.random() < 0.5
    plan: dict[str, list[dict[str, Any]]] = {
        "request_lost": [row(0.06, _PLACE), row(0.05, _CANCEL), row(0.02, _LOOK)],
        "late": [row(0.08, _PLACE, ms=chance.randint(500, 4_500)), row(0.07, _PLACE, ms=chance.randint(4_500, 60_000)),
                 row(0.05, _CANCEL, ms=chance.randint(500, 10_000))],
        "delayed": [row(0.05, _PLACE, ms=chance.randint(100, 7_000))],
        "reply_lost": [row(0.12, _PLACE), row(0.10, _CANCEL), row(0.02, _LOOK)],
        "server_error": [row(0.03, _PLACE, executed=True, json=either), row(0.02, _PLACE, json=not either),
                         row(0.03, _CANCEL, executed=either), row(0.02, _LOOK)],
        "code_1000": [row(0.01, _PLACE, executed=either)],
        "code_1006": [row(0.01, _PLACE, executed=either), row(0.01, _CANCEL, executed=True)],
        "code_1007": [row(0.02, _PLACE, executed=not either), row(0.01, _CANCEL, executed=either)],
        "code_1008": [row(0.01, _PLACE)],
        "invisible": [row(0.10, _PLACE, seconds=chance.uniform(1, 20)),
                      row(0.10, _PLACE, seconds=chance.uniform(20, LONGEST_LAG_S))],
        "flicker": [row(0.05, _PLACE, **{"from": chance.uniform(0.5, 10), "seconds": chance.uniform(1, 20)})],
        "half_body": [row(0.02, _PLACE), row(0.01, _LOOK)],
        "drip": [row(0.01, _PLACE), row(0.005, _LOOK)],
        "reset_before_reply": [row(0.02, _PLACE, executed=either), row(0.02, _CANCEL)],
        "reset_before_body": [row(0.02, _PLACE)],
        "reset_after_body": [row(0.02, _PLACE)],
        "reply_twice": [row(0.02, _PLACE), row(0.02, _CANCEL)],
        "ok_empty": [row(0.01, _PLACE, executed=True)],
        "ok_html": [row(0.01, _PLACE, executed=either), row(0.005, _LOOK)],
        "ok_null": [row(0.005, _PLACE, executed=True), row(0.005, _LOOK)],
        "ok_list": [row(0.005, _PLACE, executed=True)],
        "ok_object": [row(0.01, _PLACE, executed=True), row(0.005, _CANCEL, executed=True)],
        "reply_other": [row(0.003, _PLACE), row(0.003, _CANCEL), row(0.003, _LOOK)],
        "reordered": [row(0.05, _LOOK)],
        "regress": [row(0.05, "GET order")],
        "fill_before_cancel": [row(0.2, _CANCEL, share=chance.choice((0.3, 1.0)))],
        "fill_after_cancel": [row(0.05, _CANCEL, share=chance.choice((0.3, 1.0)))],
        "fee_asset": [row(0.1, _PLACE)],
        "balance_late": [row(0.1, _PLACE, seconds=chance.uniform(1, 15))],
        "too_many": [row(0.005, _PLACE, retry_after=chance.randint(1, 10)), row(0.002, _LOOK, retry_after=5)],
        "key_revoked": [row(0.001, _PLACE, seconds=20.0)],
        "clock_jump": [row(0.001, _LOOK, ms=chance.choice((-3_600_000, -2_000, 2_000, 3_600_000)), seconds=15.0)],
        "maintenance": [row(0.002, _LOOK, seconds=15.0)],
    }  # fmt: skip
    return dict(plan)
