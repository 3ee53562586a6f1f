"""`python3 dev.py prove` and `autotrader prove`: what documents show of them, exit codes, the way back to a case."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autotrader.cli.prove import reported
from autotrader.prove.proof import Breach, Proof
from tests.docs.blocks import Step, agrees, blocks, documents, steps
from tests.proof import __main__ as door

SHOWN = [
    step
    for file in documents()
    for block in blocks(file)
    if block.kind == "console"
    for step in steps(block)
    if step.command.startswith(door.DOOR)
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", SHOWN, ids=lambda step: step.place)
def test_what_documents_show_is_printed(step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    """A proof of the documents ends and says what they show."""
    assert door.main(shlex.split(step.command.removeprefix(door.DOOR))) == step.code
    assert agrees(step.shown, capsys.readouterr().out) == ""


def test_a_breach_says_how_to_see_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken promise is exit 1, and the command that shows it again is the one that was typed."""
    breach = Breach(promise="P7", what="too much", case="limits --days 1 --seed 9")
    proof = Proof(name="limits", claim="none", parameters="seed 9", figures={}, breaches=(breach,))
    assert reported(lambda _progress: proof, output="text", door=door.DOOR) == 1
    assert "again: python3 dev.py prove limits --days 1 --seed 9" in capsys.readouterr().out


def test_a_word_that_is_no_proof_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown name, and a number out of range, are exit 2 with the reason on stderr."""
    assert door.main(["orders"]) == 2
    assert door.main(["limits", "--days", "0"]) == 2
    assert "--days" in capsys.readouterr().err


def _members(group: int) -> list[str]:
    """The process ids of a process group."""
    shown = subprocess.run(["/bin/ps", "-eo", "pid,pgid"], capture_output=True, text=True, check=True).stdout
    return [row.split()[0] for row in shown.splitlines()[1:] if row.split()[1] == str(group)]


def _plays(folder: Path) -> bool:
    """Whether a store is open below it; what is deleted meanwhile is no matter."""
    return any("lock" in files for _, _, files in os.walk(folder))


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("words", ["orders --seeds 100000 --workers 2", "kill --cycles 9000 --workers 2"])
def test_ctrl_c_ends_a_proof_and_all_its_processes(words: str, tmp_path: Path) -> None:
    """Exit 130 without a word on stderr, and nothing is left of the processes and folders that it had made."""
    command = [sys.executable, "-m", "autotrader", "prove", *words.split()]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs us in the background may ignore it
    proof = subprocess.Popen(
        command, start_new_session=True, env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _until(lambda: len(_members(proof.pid)) >= 3 and _plays(tmp_path))  # more than it could end before Ctrl-C
    finally:
        signal.signal(signal.SIGINT, before)
        os.killpg(proof.pid, signal.SIGINT)
    _, said = proof.communicate(timeout=120)
    assert (proof.returncode, said) == (130, "")
    _until(lambda: not _members(proof.pid))
    assert [*tmp_path.iterdir()] == []
