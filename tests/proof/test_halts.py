"""`dev.py prove halt`: after a halt nothing is signed; and a halt that is looked at too early is found out."""

from __future__ import annotations

import pytest

from autotrader import runtime
from autotrader.engine.limits import SENDING
from autotrader.engine.placing import Halted
from autotrader.trading import gateway
from tests.proof.halts import prove_halts

MOMENTS, PARTS = 75, 2
DEEP_MOMENTS = 10_000


@pytest.mark.timeout(300)
def test_nothing_is_signed_after_a_halt_of_any_cause_at_any_moment() -> None:
    """File, command, signal, record, a limit that fails, loss, refusals: 0 orders after it; it outlives restarts."""
    proof = prove_halts(MOMENTS)
    assert proof.breaches == ()
    assert sum(str(name).startswith("halted by") for name in proof.figures) == 9
    assert int(proof.figures["orders signed before a halt"]) > MOMENTS
    assert int(proof.figures["sales signed under reduce-only"]) > 0
    assert int(proof.figures["cancels sent after a halt"]) > 0
    assert int(proof.figures["restarts while halted"]) > MOMENTS // 10


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_signed_after_a_halt_in_ten_thousand_moments(part: int) -> None:
    """The same at many more moments."""
    assert prove_halts(DEEP_MOMENTS // PARTS, 10_000 * (part + 1)).breaches == ()


@pytest.mark.timeout(300)
def test_a_halt_that_is_asked_for_at_the_decision_only_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither gateway nor signer asking is a breach within a few moments."""
    monkeypatch.setattr(gateway, "SENDING", tuple(reason for reason in SENDING if not isinstance(reason, Halted)))
    monkeypatch.setattr(runtime, "SIGNING", ())
    assert prove_halts(25).breaches
