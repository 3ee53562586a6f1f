"""`python3 dev.py prove`: what the documents show of it, its exit codes, and the way back to a case."""

from __future__ import annotations

import shlex

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
