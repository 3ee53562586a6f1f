"""`dev.py` starts in an empty clone with nothing but Python, tells the truth, and gets out of the way."""

import ast
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHILD = """\
#!/bin/sh
echo "child: $*; PYTHONPATH=${PYTHONPATH-unset}"
exit 7
"""


def copy_of_the_door(folder: Path) -> Path:
    """A checkout in small: dev.py and the locks."""
    folder.mkdir()
    for name in ("dev.py", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, folder)
    return folder


def load(checkout: Path) -> ModuleType:
    """dev.py of that checkout as a module."""
    spec = importlib.util.spec_from_file_location("dev_under_test", checkout / "dev.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ready_checkout(folder: Path, child: str = CHILD) -> Path:
    """A checkout whose environment is stamped as ready and whose Python is a script that reports."""
    checkout = copy_of_the_door(folder)
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(child)
    python.chmod(0o755)
    dev = load(checkout)
    dev.OURS.touch()
    for lock in (dev.RUN_LOCK, dev.DEV_LOCK):
        dev.stamp_of(lock).write_text(dev.wanted_stamp(lock))
    return checkout


def run(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """dev.py of that checkout, run by this Python."""
    return subprocess.run(
        [sys.executable, "dev.py", *arguments],
        cwd=checkout,
        env=dict(os.environ) | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_imports_the_standard_library_only() -> None:
    """An empty clone has nothing installed, so dev.py may import nothing that must be installed."""
    tree = ast.parse((ROOT / "dev.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_names_no_registry() -> None:
    """dev.py holds no address and sets no index: packages come from where the user's pip is told to look."""
    text = (ROOT / "dev.py").read_text()
    assert not re.search(r"\b(https?|file|ftp):", text)
    assert not [option for option in ("--index-url", "--extra-index", "--find-links", "INDEX_URL") if option in text]


def test_help_names_every_command() -> None:
    """`--help` says what each command does, in one line each."""
    done = run(ROOT, "--help")
    assert done.returncode == 0
    assert all(f"\n  {name}" in done.stdout for name in load(ROOT).COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["tset"]])
def test_an_unknown_command_is_refused(arguments: list[str]) -> None:
    """A missing or misspelt command gets the list of commands and exit code 2."""
    done = run(ROOT, *arguments)
    assert done.returncode == 2
    assert "usage: python3 dev.py COMMAND" in done.stderr


def test_an_old_python_is_told_so() -> None:
    """Python before 3.11 gets one sentence, not a traceback."""
    pretend = "import runpy, sys; sys.version_info = (3, 10, 13, 'final', 0); runpy.run_path('dev.py', {}, '__main__')"
    done = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_ready_environment_costs_nothing(tmp_path: Path) -> None:
    """With the stamps in place dev.py hands over at once: a few times what a bare Python takes to start."""
    checkout = ready_checkout(tmp_path / "checkout")

    def best_of_three(job: Callable[[], object]) -> float:
        times = []
        for _ in range(3):
            began = time.monotonic()
            job()
            times.append(time.monotonic() - began)
        return min(times)

    bare = best_of_three(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    assert best_of_three(lambda: run(checkout, "demo")) < 25 * bare


def test_exit_code_and_arguments_pass_through(tmp_path: Path) -> None:
    """The exit code is the child's own, the arguments reach it, a foreign PYTHONPATH does not."""
    checkout = ready_checkout(tmp_path / "check out")
    done = run(checkout, "demo", "--seed", "3", PYTHONPATH="elsewhere")
    assert done.stdout == "child: -m autotrader demo --seed 3; PYTHONPATH=unset\n"
    assert done.returncode == 7


def _as_in_a_terminal() -> None:
    """A background job inherits SIGINT as ignored; the child of this test must hear it wherever the suite runs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupt_reaches_the_child(tmp_path: Path) -> None:
    """Ctrl-C ends the work itself: dev.py has become the child and leaves no traceback."""
    checkout = ready_checkout(tmp_path / "checkout", "#!/bin/sh\necho up\nexec sleep 20\n")
    argv = [sys.executable, "dev.py", "demo"]
    with subprocess.Popen(
        argv,
        cwd=checkout,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_as_in_a_terminal,  # noqa: PLW1509 - the suite's workers have one thread here
    ) as child:
        assert child.stdout
        assert child.stderr
        assert child.stdout.readline() == "up\n"
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=5) == -signal.SIGINT
        assert "Traceback" not in child.stderr.read()


def test_a_foreign_environment_is_not_touched(tmp_path: Path) -> None:
    """A `.venv` that dev.py did not make is refused with what to do, and left as it is."""
    checkout = copy_of_the_door(tmp_path / "checkout")
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "mine").write_text("keep")
    done = run(checkout, "test")
    assert done.returncode == 1
    assert "was not made by dev.py" in done.stderr
    assert (checkout / ".venv" / "mine").read_text() == "keep"


@pytest.mark.parametrize("change", ["lock", "unfinished", "python"])
def test_an_environment_that_does_not_fit_is_made_anew(tmp_path: Path, change: str) -> None:
    """Another lock, a build that was cut short, a Python that is gone: each is noticed."""
    dev = load(ready_checkout(tmp_path / "checkout"))
    assert not dev.must_start_over()
    match change:
        case "lock":
            dev.RUN_LOCK.write_text(dev.RUN_LOCK.read_text() + "# another\n")
        case "unfinished":
            dev.stamp_of(dev.RUN_LOCK).unlink()
            dev.stamp_of(dev.DEV_LOCK).unlink()
        case "python":
            dev.VENV_PYTHON.unlink()
    assert not dev.is_ready(dev.RUN_LOCK)
    assert dev.must_start_over()


def test_says_what_to_install_when_there_is_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python with neither ensurepip nor pip cannot install anything; the message names the package."""
    dev = load(copy_of_the_door(tmp_path / "checkout"))
    monkeypatch.setattr(dev, "find_spec", lambda _name: None)
    with pytest.raises(dev.DevError, match="sudo apt install python3-venv"):
        dev.pip_for(tmp_path)


@pytest.mark.deep
@pytest.mark.parametrize("missing", ["nothing", "ensurepip"])
def test_an_empty_clone_becomes_ready(tmp_path: Path, missing: str) -> None:
    """From nothing to all packages, hash-checked; also where Debian split ensurepip off. Needs a package index."""
    checkout = copy_of_the_door(tmp_path / "checkout")
    (checkout / "autotrader").mkdir()
    (checkout / "autotrader" / "__init__.py").touch()
    (checkout / "autotrader" / "__main__.py").write_text("import sys, talib, pydantic\nsys.exit(len(sys.argv))\n")
    hide = (
        "import importlib.util as u, runpy, sys; real = u.find_spec\n"
        f"u.find_spec = lambda name, *rest: None if name == {missing!r} else real(name, *rest)\n"
        "sys.argv = ['dev.py', 'demo', 'x']; runpy.run_path('dev.py', {}, '__main__')"
    )
    base = str(Path(sys.base_prefix) / "bin" / "python3")
    began = time.monotonic()
    first = subprocess.run([base, "-c", hide], cwd=checkout, capture_output=True, text=True, check=False)
    installing = time.monotonic() - began
    assert first.returncode == 3, first.stderr
    assert "hash" in first.stderr
    began = time.monotonic()
    launcher = subprocess.run([checkout / ".venv" / "bin" / "autotrader", "y"], cwd=tmp_path, check=False)
    assert launcher.returncode == 2
    assert "making" not in run(checkout, "demo").stderr
    assert time.monotonic() - began < installing / 2
