"""The same inputs and seed give the same records, byte for byte: in other processes, with other hash seeds.

Each child process lives through the same seeded worlds, in its own order and under its own PYTHONHASHSEED, and tells
the hash of every record and of all tables. Then it decides each recorded cycle again from the recorded inputs alone.
Whatever reads the machine's clock, chance, or the order of a set shows as a difference between two children.

    python -m autotrader.prove.replay FIRST COUNT forwards|backwards      one child: a line of JSON for each seed
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from autotrader.prove.proof import Breach, Progress, Proof, unheard

MINUTES: Final = 6
HASH_SEEDS: Final = ("1", "4000000007")
COMMAND = (sys.executable, "-m", "autotrader.prove.replay")
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
    tracks: dict[int, list[Track]] = defaultdict(list)
    breaches: list[Breach] = []
    done = 0

    def heard() -> None:
        nonlocal done
        done += 1
        progress(done, seeds * runs)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for lives, code in pool.map(lambda number: _child(first, seeds, number, heard), range(runs)):
            for track in lives:
                tracks[track.seed].append(track)
            if code != 0:
                breaches.append(Breach(promise="P17", what=f"a process ended with exit {code}"))
    breaches += [breach for seed in sorted(tracks) for breach in _compared(tracks[seed], runs)]
    every = [track for lives in tracks.values() for track in lives]
    return Proof(
        name="replay",
        claim="The same inputs and seed give the same decisions and records, byte for byte.",
        parameters=f"seeds {first} to {first + seeds - 1}, {runs} processes, PYTHONHASHSEED {' and '.join(HASH_SEEDS)}",
        figures={
            "worlds lived through": len(every),
            "seeds whose records differ": len({b.case for b in breaches if b.case}),
            "records compared": sum(len(track.records) for track in every),
            "cycles decided again": sum(track.cycles for track in every),
            "cycles differing": sum(len(track.differing) for track in every),
        },
        breaches=tuple(breaches),
    )


def _compared(lives: list[Track], runs: int) -> Iterator[Breach]:
    case = f"replay --first {lives[0].seed} --seeds 1"
    for life in lives:
        for text in life.differing:
            yield Breach(promise="P17", what=f"a cycle is decided otherwise: {text}", case=case)
    if len(lives) != runs:
        yield Breach(promise="P17", what=f"seed {lives[0].seed} was lived through {len(lives)} times", case=case)
    for other in lives[1:]:
        if (other.head, other.records, other.tables) != (lives[0].head, lives[0].records, lives[0].tables):
            yield Breach(promise="P17", what=f"seed {other.seed}: {_first_difference(lives[0], other)}", case=case)


def _first_difference(one: Track, other: Track) -> str:
    for n, (mine, theirs) in enumerate(zip(one.records, other.records, strict=False), 1):
        if mine != theirs:
            return f"record {n} differs"
    if len(one.records) != len(other.records):
        return f"{len(one.records)} records and {len(other.records)}"
    return "the records are the same, the tables differ"


# ------------------------------------------------------------------------------------------------------ the children
def _child(first: int, seeds: int, number: int, heard: Callable[[], None]) -> tuple[list[Track], int]:
    """One process: what it told of each seed, and its exit code."""
    order = ("forwards", "backwards")[number % 2]
    environ = {**os.environ, "PYTHONHASHSEED": HASH_SEEDS[(number // 2 + number) % 2]}
    command = [*COMMAND, str(first), str(seeds), order]
    found: list[Track] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as child:
        for line in child.stdout or ():
            found.append(_track(json.loads(line)))
            heard()
    return found, child.returncode


def _track(data: dict[str, Any]) -> Track:
    for name in ("records", "differing"):
        data[name] = tuple(data[name])
    return Track(**data)


def lived(seed: int) -> Track:
    """Live through one seed's world and say what it left."""
    from autotrader.prove.harness import scratch
    from autotrader.prove.small_world import harness_of, play_on
    from autotrader.records.store import Store
    from autotrader.views.audit import replayed

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
    import sqlite3
    from contextlib import closing

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
        sys.stdout.write(json.dumps(asdict(lived(seed))) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
