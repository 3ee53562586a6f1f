#!/usr/bin/env python3
"""One door for everybody who works on autotrader: `python3 dev.py COMMAND`.

Strategy: the standard library only, so that any Python 3.11+ (Debian's externally managed one too) can start
it in an empty clone.  It makes `.venv` beside itself from a hash-pinned lock, leaves a stamp with the lock's
hash, and hands over to the environment's Python with exec: exit codes and Ctrl-C pass through untouched, and a
second run costs one hash of one file.  `demo` needs the run-time lock only, the other commands the larger
development lock, which contains the first.  Which index the packages come from is the user's pip
configuration and nothing else; the hashes make it irrelevant who serves them.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  before anything an older Python could stumble over
    import shutil

    found = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
    advice = f"run  {found[0]} dev.py" if found else "install Python 3.11 or newer"
    sys.exit(f"dev.py: autotrader needs Python 3.11 or newer, this is {sys.version.split()[0]}; {advice}")

import contextlib
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
OURS = VENV / "made-by-dev.py"
RUN_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
TOOLS = ROOT / ".venv-tools"

LAUNCHER = """\
#!/bin/sh
exec "$(dirname -- "$(readlink -f -- "$0")")/python" -m autotrader "$@"
"""

LOCK_HEAD = """\
# {what}
# Made by `python3 dev.py lock` from pyproject.toml; every file is pinned by its hashes, for all platforms.
"""

LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"

# Settings of the caller's shell that would let foreign packages into our environment, or ours out of it.
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER")


class DevError(Exception):
    """Something the person at the keyboard must see, in one clear message."""


def say(text: str) -> None:
    """Print one plain line about what happens now, before any child writes to the same terminal."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def clean_environment() -> dict[str, str]:
    """Return the caller's environment without what would mix foreign packages into ours."""
    return {name: value for name, value in os.environ.items() if name not in FOREIGN} | {"PIP_USER": "0"}


# ------------------------------------------------------------------------------------------ the environment


def stamp_of(lock: Path) -> Path:
    """Return the file in `.venv` which says that everything in this lock is installed."""
    return VENV / f"{lock.name}.stamp"


def wanted_stamp(lock: Path) -> str:
    """Return what the stamp must hold: the lock's hash and the interpreter behind the environment."""
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {os.path.realpath(VENV_PYTHON)}\n"


def read_stamp(lock: Path) -> str | None:
    """Return what the stamp holds, None where there is none."""
    try:
        return stamp_of(lock).read_text()
    except FileNotFoundError:
        return None


def is_ready(lock: Path) -> bool:
    """Tell whether `.venv` already holds exactly what the lock asks for."""
    return VENV_PYTHON.exists() and read_stamp(lock) == wanted_stamp(lock)


def must_start_over() -> bool:
    """Tell whether `.venv` is absent, half made, or made from another lock or another Python.

    Raises DevError where a `.venv` stands that this program did not make: it is not ours to delete.
    """
    if not VENV.exists():
        return True
    if not OURS.exists():
        raise DevError(f"{VENV} was not made by dev.py; move it away or delete it, then run this again")
    stamps = [(lock, read_stamp(lock)) for lock in (RUN_LOCK, DEV_LOCK)]
    present = [(lock, text) for lock, text in stamps if text is not None]
    return not VENV_PYTHON.exists() or not present or any(text != wanted_stamp(lock) for lock, text in present)


@contextlib.contextmanager
def only_one_builder() -> Iterator[None]:
    """Hold a lock for the time of the work, so that two runs at once do not build into each other."""
    import fcntl

    with Path(__file__).open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another dev.py is making .venv; waiting for it …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run_quietly(argv: Sequence[str | Path], what: str) -> str:
    """Run a command and return its output, which is shown only when it fails.

    Raises DevError with that output when the command does not end with 0.
    """
    done = subprocess.run(
        [str(part) for part in argv],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=clean_environment(),
        cwd=ROOT,
    )
    if done.returncode != 0:
        raise DevError(f"{done.stdout.rstrip()}\ndev.py: {what} failed (exit {done.returncode})")
    return done.stdout


def base_python() -> str:
    """Return the interpreter outside of any virtual environment, so that `.venv` never stands on itself."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def create(folder: Path) -> None:
    """Make an empty virtual environment, with pip inside where this Python can (Debian may lack ensurepip)."""
    flags = [] if find_spec("ensurepip") else ["--without-pip"]
    run_quietly([base_python(), "-m", "venv", "--clear", *flags, folder], f"making {folder.name}")


def pip_for(folder: Path) -> list[str]:
    """Return the command that runs pip for this environment: its own, else this Python's, pointed at it.

    Raises DevError where neither exists, with what to install.
    """
    python = folder / "bin" / "python"
    if any(folder.glob("lib/python*/site-packages/pip")):
        return [str(python), "-m", "pip"]
    if find_spec("pip"):
        return [base_python(), "-m", "pip", "--python", str(python)]
    raise DevError(
        "this Python has neither ensurepip nor pip, so nothing can be installed into .venv; "
        "on Debian or Ubuntu:  sudo apt install python3-venv"
    )


def pip_install(folder: Path, arguments: Sequence[str]) -> None:
    """Install into the environment; where from is the user's own pip configuration."""
    flags = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:"]
    run_quietly([*pip_for(folder), "install", *flags, *arguments], f"pip install into {folder.name}")


def make_importable() -> None:
    """Put the checkout on the environment's path and the command `autotrader` into its bin.

    Both are relative to `.venv`, so that a checkout which is moved keeps working.
    """
    for site in VENV.glob("lib/python*/site-packages"):
        (site / "autotrader.pth").write_text(os.path.relpath(ROOT, site) + "\n")
    launcher = VENV / "bin" / "autotrader"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)


def compile_start_up() -> None:
    """Compile what every command imports, in under a second: the first start is quick too, and so is each one where
    PYTHONDONTWRITEBYTECODE is set.  A file that cannot be compiled will say so itself when it is used.
    """
    names = ("click", "yaml", "pydantic", "pydantic_core", "annotated_types", "typing_inspection")
    found = [path for site in VENV.glob("lib/python*/site-packages") for path in map(site.joinpath, names)]
    found += [*VENV.glob("lib/python*/site-packages/typing_extensions.py"), ROOT / "autotrader"]
    argv = [VENV_PYTHON, "-m", "compileall", "-q", "-j", "0", *(path for path in found if path.exists())]
    subprocess.run([str(part) for part in argv], check=False, capture_output=True, env=clean_environment())


def ensure(lock: Path) -> None:
    """Make `.venv` hold exactly what the lock asks for; almost free when it already does."""
    if is_ready(lock):
        return
    with only_one_builder():
        if is_ready(lock):
            return
        began = time.monotonic()
        if must_start_over():
            say(f"making .venv with Python {sys.version.split()[0]} …")
            create(VENV)
            OURS.touch()
        count = sum(1 for line in lock.read_text().splitlines() if line[:1].isalnum())
        say(f"installing {count} packages from {lock.name}, each checked against its hash; about half a minute …")
        pip_install(VENV, ["--require-hashes", "--no-deps", "--requirement", str(lock)])
        make_importable()
        compile_start_up()
        for done in {lock, RUN_LOCK}:  # the development lock contains the run-time one
            stamp_of(done).write_text(wanted_stamp(done))
        say(f".venv is ready after {time.monotonic() - began:.0f} s")


def become(*argv: str) -> NoReturn:
    """Replace this process by the environment's Python running `argv`."""
    say("python " + " ".join(argv))
    os.chdir(ROOT)
    os.execve(VENV_PYTHON, [str(VENV_PYTHON), *argv], clean_environment())  # noqa: S606  no shell is the point


# --------------------------------------------------------------------------------------------- the commands


def demo(arguments: list[str]) -> int:
    """a recorded day at the built-in exchange simulator: no key, no money, no network; under a minute"""
    ensure(RUN_LOCK)
    become("-m", "autotrader", "demo", *arguments)


def test(arguments: list[str]) -> int:
    """the everyday test suite; arguments go to pytest"""
    ensure(DEV_LOCK)
    become("-m", "pytest", "-n", "2", "--dist", "worksteal", *arguments)


def deep(arguments: list[str]) -> int:
    """the long proofs; `--seed N` repeats a run, other arguments go to pytest"""
    ensure(DEV_LOCK)
    seed = str(int.from_bytes(os.urandom(4), "big"))
    if "--seed" in arguments:
        place = arguments.index("--seed")
        if place + 1 == len(arguments) or not arguments[place + 1].isdecimal():
            raise DevError("--seed needs a whole number, for example:  python3 dev.py deep --seed 7")
        seed = arguments[place + 1]
        arguments = arguments[:place] + arguments[place + 2 :]
    say(f"seed {seed}; the same again:  python3 dev.py deep --seed {seed}")
    settings = ["--hypothesis-profile", "deep", "--hypothesis-seed", seed, "--timeout", "3600"]
    become("-m", "pytest", "-n", "2", "--dist", "worksteal", "-m", "deep", *settings, *arguments)


def prove(arguments: list[str]) -> int:
    """promises tried on parts of the product: blind, limits, clocks, halt, replay, feeds (others: autotrader prove)"""
    ensure(DEV_LOCK)
    become("-m", "tests.proof", *arguments)


def compare(arguments: list[str]) -> int:
    """random rule files through this checkout and through an older commit; `--base`, `--cases N`, `--seed N`"""
    ensure(DEV_LOCK)
    become("-m", "tests.compare", *arguments)


def bench(arguments: list[str]) -> int:
    """the benchmarks, a table of ratios in two to five minutes; names choose some, `--tiny` only tries them"""
    ensure(RUN_LOCK)
    become("-m", "benchmarks", *arguments)


def clients(arguments: list[str]) -> int:
    """unmodified third-party clients, each in its own environment, at the simulator; names choose some"""
    ensure(DEV_LOCK)
    become("-m", "tests.clients.run", *arguments)


def fuzz(arguments: list[str]) -> int:
    """coverage-guided fuzzing of loader, expressions and replies, ten minutes each; names choose some, `--seconds N`"""
    ensure(DEV_LOCK)
    become("-m", "tests.fuzz.run", *arguments)


def mutate(arguments: list[str]) -> int:
    """small changes of the code that guards money, one at a time: how many do the tests notice? names choose some"""
    ensure(DEV_LOCK)
    become("-m", "tests.mutants.tool", *arguments)


def check(arguments: list[str]) -> int:
    """style, layout, types, layers, house.toml: ruff, mypy --strict, import-linter; each runs even where one failed"""
    if arguments:
        raise DevError(f"check takes no arguments, there was {arguments[0]!r}")
    ensure(DEV_LOCK)
    steps = {
        "ruff": [VENV_PYTHON, "-m", "ruff", "check", "."],
        "format": [VENV_PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."],
        "mypy": [VENV_PYTHON, "-m", "mypy"],
        "import-linter": [VENV_PYTHON, "-c", LINT_IMPORTS],
        "house": [VENV_PYTHON, "-m", "tests.house.measures", "--check"],
    }
    failed = []
    for name, argv in steps.items():
        say(f"{name} …")
        if subprocess.run([str(part) for part in argv], check=False, cwd=ROOT, env=clean_environment()).returncode:
            failed.append(name)
    say("failed: " + ", ".join(failed) if failed else "check passed: " + ", ".join(steps))
    return 1 if failed else 0


def house(arguments: list[str]) -> int:
    """the figures of the house: sizes, circles, names, walks, files a change touches; `--list` names the places"""
    ensure(DEV_LOCK)
    become("-m", "tests.house.measures", *arguments)


def lock(arguments: list[str]) -> int:
    """write the lock files anew from pyproject.toml; versions stay unless `--upgrade` is given"""
    if arguments not in ([], ["--upgrade"]):
        raise DevError(f"lock takes only --upgrade, there was {' '.join(arguments)!r}")
    uv = TOOLS / "bin" / "uv"
    if not uv.exists():
        say("installing the resolver (uv) into .venv-tools …")
        create(TOOLS)
        pip_install(TOOLS, ["uv"])
    developer = ["--group", "dev", *arguments]
    write_lock(uv, DEV_LOCK, "Everything a developer needs; contains requirements.lock.", developer)
    write_lock(uv, RUN_LOCK, "What autotrader needs to run.", ["--constraints", str(DEV_LOCK)])
    return 0


def write_lock(uv: Path, path: Path, what: str, arguments: list[str]) -> None:
    """Resolve pyproject.toml into one lock file for Python 3.11 and newer on every platform."""
    for_everyone = ["--universal", "--generate-hashes", "--fork-strategy", "fewest", "--python-version", "3.11"]
    bare = ["--quiet", "--no-annotate", "--no-header", "--output-file", str(path)]
    run_quietly([uv, "pip", "compile", *for_everyone, *bare, *arguments, "pyproject.toml"], f"resolving {path.name}")
    text = path.read_text()
    if "://" in text or "--index" in text:
        raise DevError(f"{path.name} would name where packages come from; that belongs to the user's pip configuration")
    path.write_text(LOCK_HEAD.format(what=what) + text)
    say(f"wrote {path.name}: {sum(1 for line in text.splitlines() if line[:1].isalnum())} packages")


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "demo": demo,
    "test": test,
    "check": check,
    "deep": deep,
    "prove": prove,
    "clients": clients,
    "mutate": mutate,
    "fuzz": fuzz,
    "compare": compare,
    "bench": bench,
    "house": house,
    "lock": lock,
}


def usage() -> str:
    """Return the list of commands, from their own first sentences."""
    lines = [f"  {name:<7} {(function.__doc__ or '').splitlines()[0]}" for name, function in COMMANDS.items()]
    return "usage: python3 dev.py COMMAND [ARGUMENTS]\n\n" + "\n".join(lines)


def main(argv: list[str]) -> int:
    """Run one command; return its exit code (2: not a command, 1: it failed, 130: interrupted)."""
    if argv[:1] in (["-h"], ["--help"], ["help"]):
        print(usage())
        return 0
    if not argv or argv[0] not in COMMANDS:
        print(usage() + (f"\n\ndev.py: there is no command {argv[0]!r}" if argv else ""), file=sys.stderr)
        return 2
    try:
        return COMMANDS[argv[0]](argv[1:])
    except DevError as failure:
        print(failure if "\n" in str(failure) else f"dev.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
