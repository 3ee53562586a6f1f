"""Compares this checkout with an older commit: random rule files through both, each in a process of its own.

    python -m tests.compare --base 890db90 --cases 300 --seed 1

Equal must be: problems with code, place, words and hint; hashes of rules, conditions and plan; and where rules are
traded, every request, act, evaluation, state and order. A difference is either in the table of `expected`, with its
reason, or is printed with the case that shows it, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.compare import cases
from tests.compare.expected import EXPECTED

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OURS = ROOT / "tests" / "pins" / "doors.py"
SHOWN = 12
RULES_A_WORLD = 4


class Side:
    """A process that answers cases with one checkout's code."""

    def __init__(self, checkout: Path, doors: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRADER_")}
        environment |= {"PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "side.py"), str(doors)], cwd=checkout, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def ask(self, case: dict[str, Any]) -> None:
        """Give it a case."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Its answer to the case that it was given."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a side of the comparison ended: exit code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


@contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """The files of a commit, in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="compare-") as place:
        archive = subprocess.Popen(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S607 - git
        subprocess.run(["tar", "x", "-C", place], stdin=archive.stdout, check=True)  # noqa: S607 - tar
        if archive.wait():
            raise SystemExit(f"there is no commit {commit} here")
        yield Path(place)


def doors_of(commit: str) -> Path:
    """The file that speaks with that commit's code: one kept here, else the commit's own."""
    kept = HERE / f"doors_{commit}.py"
    return kept if kept.is_file() else Path("tests/pins/doors.py")


def differences(theirs: Any, ours: Any, where: str = "") -> Iterator[str]:
    """Where two answers differ, as text: the first item of a list that does, every key of a mapping."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            yield from differences(theirs.get(key), ours.get(key), f"{where}.{key}")
        return
    if where == ".problems" and isinstance(theirs, list) and isinstance(ours, list):
        yield from _problems(theirs, ours)
        return
    if isinstance(theirs, list) and isinstance(ours, list):
        both = enumerate(zip_longest(theirs, ours))
        first = next(((number, pair) for number, pair in both if pair[0] != pair[1]), None)
        if first is not None:
            yield from differences(*first[1], f"{where}[{first[0]}]")
        return
    if theirs != ours:
        yield f"{where}: {theirs} -> {ours}"


def _problems(theirs: list[list[Any]], ours: list[list[Any]]) -> Iterator[str]:
    """Problems that one side alone has, each beside the codes that both have; or that only their order differs."""
    both = " ".join(sorted(str(one[0]) for one in theirs if one in ours))
    lacking, more = [one for one in theirs if one not in ours], [one for one in ours if one not in theirs]
    yield from (f".problems lack {one} beside {both}" for one in lacking)
    yield from (f".problems have also {one} beside {both}" for one in more)
    if not lacking and not more and theirs != ours:
        yield f".problems stand in another order: {theirs} -> {ours}"


class Comparison:
    """Both sides, and what was seen so far."""

    def __init__(self, theirs: Side, ours: Side) -> None:
        self._sides = theirs, ours
        self.counts: Counter[str] = Counter()
        self.meant: Counter[str] = Counter()
        self.failures: list[tuple[str, dict[str, Any]]] = []

    def close(self) -> None:
        """End both."""
        for side in self._sides:
            side.close()

    def run(self, case: dict[str, Any]) -> dict[str, Any]:
        """One case; returns our answer."""
        for side in self._sides:
            side.ask(case)
        theirs, ours = (side.answer() for side in self._sides)
        self.counts[f"{case['what']}{' refused' if ours.get('raised') or ours.get('hashes', 1) is None else ''}"] += 1
        self.counts["requests"] += len(ours.get("requests", ()))
        self.counts["orders"] += len(ours.get("intents", ()))
        for difference in differences(theirs, ours):
            reason = next((one.reason for one in EXPECTED if one.pattern.search(difference)), None)
            if reason is None:
                self.failures.append((difference, case))
            else:
                self.meant[reason] += 1
        return ours


def compare(comparison: Comparison, count: int, seed: int) -> None:
    """So many cases: four of five are loaded, the fifth is traded with rules that load."""
    chance = random.Random(f"compare {seed}")
    drawn = cases.candidates(random.Random(f"compare rules {seed}"))
    for number in range(count):
        if number % 5:
            comparison.run(cases.load_case(chance))
        else:
            comparison.run(_playable(comparison, chance, drawn))


def _playable(comparison: Comparison, chance: random.Random, drawn: Iterator[tuple[str, str]]) -> dict[str, Any]:
    kept: list[str] = []
    signal = ""
    while len(kept) < RULES_A_WORLD:
        new, rule = next(drawn)
        if new != signal:
            signal, kept = new, []
        text = cases.whole(signal, [*kept, rule])
        answer = comparison.run(
            {"kind": "load", "account": cases.ACCOUNT, "texts": {"rules/a.yaml": text}, "what": "rule"}
        )
        if answer.get("hashes") is not None:
            kept.append(rule)
    return cases.play_case(chance, signal, kept)


def main(argv: list[str]) -> int:
    """Compare and tell; 1 where something differs that is not meant."""
    parser = argparse.ArgumentParser(prog="python -m tests.compare")
    parser.add_argument("--base", default="890db90")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(argv)
    with worktree(wanted.base) as checkout:
        doors = doors_of(wanted.base)
        comparison = Comparison(Side(checkout, checkout / doors), Side(ROOT, OURS))
        try:
            compare(comparison, wanted.cases, wanted.seed)
        finally:
            comparison.close()
    return told(comparison, wanted.base)


def told(comparison: Comparison, base: str) -> int:
    """Print what was seen; the exit code."""
    say = sys.stdout.write
    say(f"compared with {base}: " + ", ".join(f"{what} {n}" for what, n in sorted(comparison.counts.items())) + "\n")
    for reason, number in comparison.meant.most_common():
        say(f"  meant ({number}): {reason}\n")
    for difference, case in comparison.failures[:SHOWN]:
        say(f"DIFFERS {case['what']}{difference[:1500]}\n")
    if comparison.failures:
        place = Path(tempfile.gettempdir()) / "compare-failures.json"
        place.write_text(json.dumps(comparison.failures, indent=1), encoding="utf-8")
        say(f"{len(comparison.failures)} differences that are not meant; the cases are in {place}\n")
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
