"""The same inputs and seed give the same records, byte for byte: in other processes, with other hash seeds.

Each child process lives through the same seeded worlds, in its own order and under its own PYTHONHASHSEED, and tells
the hash of every record and of all tables. Then it decides each recorded cycle again from the recorded inputs alone.
Whatever reads the machine's clock, chance, or the order of a set shows as a difference between two children.

    python -m tests.proof.replay FIRST COUNT forwards|backwards      one child: a line of JSON for each seed
"""

from __future__ import annotations

import sqlite3
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Final

from autotrader.prove.harness import scratch
from autotrader.prove.processes import Programs, as_program, tell
from autotrader.prove.proof import Counts, Progress, Proof, tried, unheard
from autotrader.prove.small_world import harness_of, play_on
from autotrader.records.store import Store
from autotrader.views.audit import replayed

MINUTES: Final = 6
HASH_SEEDS: Final = ("1", "4000000007")
COMMAND = (sys.executable, "-m", "tests.proof.replay")
_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What one life of a seed left: its head, each record's hash (cut), all tables hashed, and its replay."""

    seed: int
    head: str
    records: tuple[str, ...]
    tables: str
    cycles: int
    differing: tuple[str, ...]


def prove_replay(seeds: int = 20, first: int = 1, runs: int = 2, progress: Progress = unheard) -> Proof:
    """Live through `seeds` worlds in each of `runs` processes (two at a time) and compare what they leave."""
    commands = [[*COMMAND, str(first), str(seeds), ("forwards", "backwards")[number % 2]] for number in range(runs)]
    environ = [{"PYTHONHASHSEED": HASH_SEEDS[(number // 2 + number) % 2]} for number in range(runs)]
    lives: dict[int, dict[int, Track]] = defaultdict(dict)
    with Programs(commands, _AT_ONCE, environ) as children:
        for done, (number, told) in enumerate(children.lines(), 1):
            lives[told["seed"]][number] = _track(told)
            progress(done, seeds * runs)
    total = tried((_compared(seed, lives[seed], runs) for seed in sorted(lives)), len(lives), unheard)
    for code in children.codes.values():
        if code != 0:
            total.note("P17", f"a process ended with exit {code}")
    parameters = f"seeds {first} to {first + seeds - 1}, {runs} processes, PYTHONHASHSEED {' and '.join(HASH_SEEDS)}"
    claim = "The same inputs and seed give the same decisions and records, byte for byte."
    return total.proof("replay", claim, parameters, total.only(*_FIGURES))


_FIGURES: Final = (
    "worlds lived through", "seeds whose records differ", "records compared", "cycles decided again", "cycles differing"
)  # fmt: skip


def _compared(seed: int, lives: Mapping[int, Track], runs: int) -> Counts:
    """The lives of one seed beside its first one."""
    found, (one, *others) = Counts(), [track for _, track in sorted(lives.items())]
    for life in (one, *others):
        found.figures["worlds lived through"] += 1
        found.figures["records compared"] += len(life.records)
        found.figures["cycles decided again"] += life.cycles
        found.figures["cycles differing"] += len(life.differing)
        for text in life.differing:
            found.note("P17", f"a cycle is decided otherwise: {text}")
    if len(lives) != runs:
        found.note("P17", f"seed {seed} was lived through {len(lives)} times")
    for other in others:
        if (other.head, other.records, other.tables) != (one.head, one.records, one.tables):
            found.note("P17", f"seed {seed}: {_first_difference(one, other)}")
    found.figures["seeds whose records differ"] += bool(found.breaches)
    found.breaches = [replace(one, case=f"replay --first {seed} --seeds 1") for one in found.breaches]
    return found


def _first_difference(one: Track, other: Track) -> str:
    for n, (mine, theirs) in enumerate(zip(one.records, other.records, strict=False), 1):
        if mine != theirs:
            return f"record {n} differs"
    if len(one.records) != len(other.records):
        return f"{len(one.records)} records and {len(other.records)}"
    return "the records are the same, the tables differ"


# ------------------------------------------------------------------------------------------------------ the children
def _track(data: dict[str, Any]) -> Track:
    for name in ("records", "differing"):
        data[name] = tuple(data[name])
    return Track(**data)


def lived(seed: int) -> Track:
    """Live through one seed's world and say what it left."""
    with scratch("replay") as state:
        folder = play_on(harness_of(state, seed), MINUTES)
        with Store.read(folder) as store:
            head, again = store.head(), replayed(store)
            records = tuple(act.hash[:12] for act in store.chain.acts())
            return Track(
                seed=seed,
                head="" if head is None else head.hash,
                records=records,
                tables=_tables(folder / "records.db"),
                cycles=again.cycles,
                differing=tuple(f"seed {seed}, cycle {one.cycle}: {one.what}" for one in again.differences),
            )


def _tables(path: Any) -> str:
    """A hash of every row of every table, in the order in which they lie there."""
    whole = sha256()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
            for row in db.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - names of the schema
                whole.update(f"{name} {row!r}\n".encode())
    return whole.hexdigest()


def main(arguments: list[str]) -> int:
    """One child."""
    first, count, order = int(arguments[0]), int(arguments[1]), arguments[2]
    seeds = range(first, first + count)
    for seed in seeds if order == "forwards" else reversed(seeds):
        tell(asdict(lived(seed)))
    return 0


if __name__ == "__main__":
    as_program(lambda: main(sys.argv[1:]))
