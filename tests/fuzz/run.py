"""Coverage-guided fuzzing of what comes in from strangers.

    python3 dev.py fuzz [TARGET …] [--seconds N] [--keep FOLDER]

Strategy: the fuzzer (atheris, on libFuzzer) lives in an environment of its own in a cache folder, made anew unless it
is there, from the run-time lock; which index packages come from is the user's own configuration of pip. What it learns
is kept there too, so that the next run goes on. Each finding is kept in `tests/fuzz/found/`, from where the everyday
suite replays it: it stays red until it is mended.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.seeds import seeds, words
from tests.fuzz.targets import TARGETS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOUND = HERE / "found"
FUZZER = "atheris==3.0.0"
MOST_BYTES = {"loader": 4096, "expression": 300, "reply": 3000}
_LAST = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")


def prepare(cache: Path) -> Path:
    """Install the fuzzer where it is not; its interpreter."""
    folder = cache / "environment"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        for what in (["--require-hashes", "--no-deps", "-r", str(ROOT / "requirements.lock")], [FUZZER]):
            done = subprocess.run([*pip, *what], check=False, capture_output=True, text=True, timeout=900)
            if done.returncode:
                raise SystemExit(f"pip install {what[-1]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        (folder / "whole").touch()
    return python


def fuzz(name: str, seconds: int, cache: Path, python: Path) -> int:
    """Fuzz one target for a time, print what came of it; how many findings there are."""
    learned, given = cache / "learned" / name, cache / "seeds" / name
    for folder in (learned, given, FOUND):
        folder.mkdir(parents=True, exist_ok=True)
    for data in seeds(name):
        (given / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    listed = cache / f"{name}.dict"
    listed.write_text("".join(f'"{_escaped(word)}"\n' for word in words(name)))
    plain = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    began = time.monotonic()
    argv = [
        str(python), "-m", "tests.fuzz.child", name, str(FOUND), f"-max_total_time={seconds}", "-timeout=10",
        "-rss_limit_mb=1500", f"-max_len={MOST_BYTES[name]}", f"-dict={listed}", f"-artifact_prefix={FOUND / name}-",
        str(learned), str(given),
    ]  # fmt: skip
    done = subprocess.run(
        argv, check=False, cwd=ROOT, env=plain | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        errors="replace", timeout=seconds + 300,
    )  # fmt: skip
    found = [line for line in done.stderr.splitlines() if line.startswith(("FINDING", "SUMMARY"))]
    tries = _LAST.findall(done.stderr)
    if not tries or (done.returncode and not found):
        raise SystemExit(f"the fuzzer ended with {done.returncode}:\n{done.stderr[-3000:]}")
    runs, covered, features, kept = tries[-1]
    sys.stdout.write(
        f"{name:<11} {int(runs):>10,} inputs in {time.monotonic() - began:.0f} s · edges {covered} · "
        f"features {features} · corpus {kept} · findings {len(found)}\n"
    )
    sys.stdout.write("".join(f"    {line}\n" for line in found))
    sys.stdout.flush()
    return len(found)


def _escaped(word: str) -> str:
    """A word as libFuzzer's dictionaries have it."""
    plain = (chr(byte) if 32 <= byte < 127 and chr(byte) not in '\\"' else f"\\x{byte:02x}" for byte in word.encode())
    return "".join(plain)


def main(arguments: Sequence[str]) -> int:
    """Fuzz the targets named, all by default; 1 where something was found."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(prog="python3 dev.py fuzz", description="coverage-guided fuzzing")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=int, default=600, help="for each target (default: 600)")
    parser.add_argument("--keep", type=Path, default=cache_home / "autotrader-fuzz", help="folder of what is kept")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]!r}; there are {', '.join(TARGETS)}")
    if given.seconds < 1:
        parser.error("--seconds must be at least 1")
    python = prepare(given.keep)
    found = sum(fuzz(name, given.seconds, given.keep, python) for name in given.targets or TARGETS)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
