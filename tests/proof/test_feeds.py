"""No order on stale or broken data, and a proof that would notice one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import pytest

from autotrader.exchanges.binance.market_data import BinanceMarketData
from autotrader.language.vocabulary import balances, health, limits
from autotrader.market.snapshot import Snapshot
from autotrader.prove.proof import Proof
from autotrader.service import runner
from autotrader.trading.gate import Gate
from tests.proof.feeds import prove_feeds

EVERYDAY, DEEP, AT_ONCE = 15, 10_000, 500


def test_no_order_leaves_on_bad_data_and_silence_is_told() -> None:
    """Through dead lines, slow replies and every kind of lie that the feed can tell."""
    proof = prove_feeds(EVERYDAY, seed=1)
    assert proof.holds, proof.breaches[0]
    assert proof.figures["orders"]
    assert proof.figures["silences"] == proof.figures["  told within two intervals"] != 0


@pytest.mark.deep
def test_no_order_leaves_on_bad_data_at_length() -> None:
    """The same over ten thousand feeds."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for proof in pool.map(_some, range(1_000, 1_000 + DEEP // AT_ONCE)):
            assert proof.holds, proof.breaches[:3]


def _some(seed: int) -> Proof:
    return prove_feeds(AT_ONCE, seed)


Patch = Callable[[pytest.MonkeyPatch], None]


def _ageless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No age is asked for, neither at the decision nor at the signer."""
    for module in (limits, balances, health):
        monkeypatch.setattr(module, "stale", lambda *_: None)
    monkeypatch.setattr(Gate, "refuse", lambda *_: None)


def _filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What did not come is filled in with what came last, as if it were new."""
    real, kept = BinanceMarketData._snapshot, dict[Any, Any]()

    def snapshot(self: BinanceMarketData, found: Any) -> Snapshot:
        seen = real(self, found)
        kept.update(seen.seen)
        filled = {need: replace(kept[need], asked_ms=seen.now_ms) for need in seen.missing if need in kept}
        return Snapshot(now_ms=seen.now_ms, seen={**seen.seen, **filled})

    monkeypatch.setattr(BinanceMarketData, "_snapshot", snapshot)


def _mute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is not told."""
    monkeypatch.setattr(runner, "SILENT_AFTER", 1_000)


@pytest.mark.parametrize("mutant", [_ageless, _filled_in, _mute])
def test_careless_products_are_caught(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way of trusting old data, or of keeping silent, breaks the proof."""
    mutant(monkeypatch)
    assert any(not prove_feeds(10, seed).holds for seed in range(1, 8))
