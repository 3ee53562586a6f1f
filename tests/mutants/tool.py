"""The mutation tool on the parts that guard money: how many small changes of the code do the tests notice?

    python3 dev.py mutate [GROUP …] [--only FILE] [--jobs N] [--keep FOLDER] [--at-least PERCENT] [--quiet]

Strategy: mutmut lives in an environment of its own in a cache folder, made once, in the versions of ours where
both have a package; it looks into our environment for the rest. Each group (`groups`) is copied to a folder of its
own with its tests, is changed there one place at a time, and only the tests that reach the changed function are run.
Caught are changes that make a test fail or never end. Two kinds of survivors are left out of the score and counted
apart: a sentence for people (or SQL, or the name of a column) in other letter case or with XX around it, for tests do
not repeat wording; and a change that alters nothing anybody could see, which stands in `equivalent.toml` with why.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from tests.mutants.groups import GROUPS, Group

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOL = "mutmut==3.8.1"
COPIED = ("autotrader", "tests", "docs", "examples", "rules", "dev.py", "README.md", "CHANGELOG.md")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autotrader-mutate"
MEMORY = Path("/dev/shm")  # noqa: S108 - where there is one; pytest makes its own folders in it
CAUGHT, TIMED_OUT, UNTESTED = frozenset({1, 3}), frozenset({24, 36, 152, 255, -24}), frozenset({5, 33})
TEXT = re.compile(r'("(?:[^"\\\\]|\\\\.)*")')
SQL = re.compile(r'"(SELECT|INSERT|UPDATE|VALUES|ON CONFLICT)\b')
DIFFS = """
import json, sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
print(json.dumps([get_diff_for_mutant(*line.split()) for line in sys.stdin]))
"""


@dataclass(frozen=True)
class Change:
    """One change that no test noticed: its file in the package, the line before and after, and all of it."""

    file: str
    old: str
    new: str
    diff: str


@dataclass(frozen=True)
class Result:
    """What became of the changes of one file."""

    file: str
    caught: int
    survived: tuple[Change, ...]
    equivalent: int
    wording: int
    untested: int

    @property
    def total(self) -> int:
        """All changes that could be noticed."""
        return self.caught + len(self.survived)

    @property
    def score(self) -> float:
        """Caught of those that could be noticed, in percent."""
        return 100.0 * self.caught / self.total if self.total else 100.0


def environment(folder: Path) -> Path:
    """The tool's own Python, made where it is not there yet."""
    python = folder / "bin" / "python"
    if (folder / TOOL).exists():
        return python
    sys.stderr.write(f"mutate: installing {TOOL} into {folder.name} …\n")
    venv.create(folder, with_pip=True, clear=True)
    ours = folder / "ours.txt"
    ours.write_text("".join(f"{each.name}=={each.version}\n" for each in distributions() if each.name))
    argv = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(ours), TOOL]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"installing {TOOL} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    packages = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    for site in folder.glob("lib/python*/site-packages"):
        (site / "ours.pth").write_text(f"{packages}\n")
    (folder / TOOL).touch()
    return python


def lay_out(group: Group, folder: Path) -> None:
    """A copy of the checkout in which the tool may change this group's files."""
    folder.mkdir(parents=True, exist_ok=True)
    skip = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=skip)
        else:
            shutil.copy(source, target)
    settings = {
        "source_paths": ["autotrader"],
        "only_mutate": [f"autotrader/{name}" for name in group.files],
        "also_copy": list(COPIED[2:]),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "--maxfail=1"],
        "pytest_add_cli_args_test_selection": [name for name in group.tests if (ROOT / name).exists()],
        "use_git_change_detection": False,
        "track_dependencies": False,
        "timeout_multiplier": 10.0,
        "timeout_constant": 2.0,
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    (folder / "pyproject.toml").write_text(f"{(ROOT / 'pyproject.toml').read_text()}\n[tool.mutmut]\n{lines}")


def play(python: Path, folder: Path, jobs: int) -> None:
    """Run the tool in a folder; its output is shown only where it could not do its work."""
    shutil.rmtree(folder / "mutants", ignore_errors=True)
    argv = [str(python.with_name("mutmut")), "run", "--max-children", str(jobs)]
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))}
    if MEMORY.is_dir():
        plain["TMPDIR"] = str(MEMORY)  # the tests' stores wait for the disk at each commit: not thousands of times here
    done = subprocess.run(argv, check=False, cwd=folder, env=plain, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise SystemExit(f"the mutation tool ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")


def read(python: Path, folder: Path, file: str, known: list[dict[str, str]]) -> Result:
    """The tool's own record of one file, and the survivors' differences."""
    path = f"autotrader/{file}"
    codes: dict[str, int | None] = json.loads((folder / "mutants" / f"{path}.meta").read_text())["exit_code_by_key"]
    undecided = [name for name, code in codes.items() if code is None]
    if undecided:
        raise SystemExit(f"{file}: {len(undecided)} changes were not tried")
    caught = sum(code in CAUGHT | TIMED_OUT for code in codes.values())
    left = [name for name, code in codes.items() if code not in CAUGHT | TIMED_OUT]
    asked = "".join(f"{name}\n" for name in left)
    argv = [str(python), "-c", DIFFS]
    done = subprocess.run(argv, check=True, cwd=folder, capture_output=True, text=True, input=asked)
    changes = [change_of(file, diff) for diff in json.loads(done.stdout.splitlines()[-1])]
    matter = [change for change in changes if not is_wording(change)]
    survived = tuple(change for change in matter if not any(is_listed(change, each) for each in known))
    untested = sum(code in UNTESTED for code in codes.values())
    return Result(file, caught, survived, len(matter) - len(survived), len(changes) - len(matter), untested)


def change_of(file: str, diff: str) -> Change:
    """One survivor out of its unified difference."""
    lines = diff.splitlines()[2:]
    old = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    new = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return Change(file, old, new, diff)


def is_wording(change: Change) -> bool:
    """Whether only a sentence is written otherwise (other letter case, or XX around it where it is not SQL), or only
    the letter case of a column's name.
    """
    old, new = TEXT.split(change.old), TEXT.split(change.new)
    if len(old) != len(new):
        return False
    differ = [place for place, (was, now) in enumerate(zip(old, new, strict=True)) if was != now]
    return bool(differ) and all(
        _same_sentence(old[place], new[place]) or _same_column(old[place - 1], old[place], new[place])
        for place in differ
    )


def _same_column(before: str, was: str, now: str) -> bool:
    """A column of a row, in other letter case: SQLite makes no difference."""
    return before.endswith("row[") and was.lower() == now.lower()


def _same_sentence(was: str, now: str) -> bool:
    if " " not in was or was[:1] != '"':
        return False
    return was.lower() == now.lower() or (not SQL.match(was) and now.replace("XX", "") == was)


def is_listed(change: Change, entry: dict[str, str]) -> bool:
    """Whether a survivor is one that nobody could see."""
    return (change.file, change.old, change.new) == (entry["file"], entry["old"], entry["new"])


def show(results: Iterable[tuple[str, Result]], *, quiet: bool) -> None:
    """The survivors and the table."""
    rows = list(results)
    if not quiet:
        for _, result in rows:
            for change in result.survived:
                sys.stdout.write(f"{change.diff}\n\n")
    sys.stdout.write(f"{'group':<10} {'file':<32} caught  of  score  equivalent  wording  untested\n")
    sums: Counter[str] = Counter()
    for name, result in rows:
        sums.update({f"{name} caught": result.caught, f"{name} total": result.total})
        counts = f"{result.caught:>6} {result.total:>4} {result.score:5.1f}%"
        counts += f"  {result.equivalent:>10} {result.wording:>8} {result.untested:>9}"
        sys.stdout.write(f"{name:<10} {result.file:<32} {counts}\n")
    for name in dict.fromkeys(name for name, _ in rows):
        caught, total = sums[f"{name} caught"], sums[f"{name} total"]
        sys.stdout.write(f"{name:<10} {'all':<32} {caught:>6} {total:>4} {100 * caught / max(1, total):5.1f}%\n")


def measure(name: str, group: Group, python: Path, folder: Path, jobs: int) -> list[Result]:
    """Change the group's files one place at a time; what was noticed, by file."""
    listed: dict[str, Any] = tomllib.loads((HERE / "equivalent.toml").read_text())
    lay_out(group, folder / name)
    play(python, folder / name, jobs)
    return [read(python, folder / name, file, listed.get("equivalent", [])) for file in group.files]


def main(arguments: list[str]) -> int:
    """Measure the groups named, all by default; 1 where one is below the wanted score."""
    parser = argparse.ArgumentParser(prog="python3 dev.py mutate", description="how many changes do the tests notice")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; default: all")
    parser.add_argument("--only", metavar="FILE", help="one file of a group, by the end of its name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="changes tried at once")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    parser.add_argument("--at-least", type=float, default=90.0, metavar="PERCENT", help="score below which it fails")
    parser.add_argument("--quiet", action="store_true", help="the table alone, without the survivors")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.groups if name not in GROUPS]
    if unknown:
        parser.error(f"there is no group {unknown[0]!r}; there are {', '.join(GROUPS)}")
    python = environment(CACHE)
    rows: list[tuple[str, Result]] = []
    with tempfile.TemporaryDirectory(prefix="mutate-") as scratch:
        for name in given.groups or GROUPS:
            group = GROUPS[name]
            if given.only:
                group = Group(tuple(file for file in group.files if file.endswith(given.only)), group.tests)
            if group.files:
                rows += [(name, each) for each in measure(name, group, python, given.keep or Path(scratch), given.jobs)]
    show(rows, quiet=given.quiet)
    totals: dict[str, list[Result]] = {}
    for name, result in rows:
        totals.setdefault(name, []).append(result)
    return int(any(100 * sum(r.caught for r in each) < given.at_least * sum(r.total for r in each)
                   for each in totals.values()))  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
