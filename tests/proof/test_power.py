"""Power that fails, and that the proof of it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotrader.prove.kill import seed_of_today
from autotrader.prove.power import MOMENTS, prove_power
from autotrader.records.heads import HeadsFile
from autotrader.records.store import Store
from autotrader.trading.observer import Observer


def test_a_power_cut_doubles_nothing_and_loses_nothing_in_silence() -> None:
    """One moment each day: torn commits, rubbish, cut checkpoints, disks that lied."""
    proof = prove_power(1, seed_of_today() // 20)
    assert proof.holds, [(breach.what, breach.story) for breach in proof.breaches]
    assert int(proof.figures["armed, records agree"]) >= 3


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_power_cuts_at_every_step() -> None:
    """Every moment three times, the write-ahead log cut at every 512 bytes."""
    proof = prove_power(3 * len(MOMENTS), 0, every=1)
    print(*(f"{name:40} {count}" for name, count in proof.figures.items()), sep="\n")  # noqa: T201
    assert proof.holds, [(breach.what, breach.case, breach.story) for breach in proof.breaches[:5]]


def test_a_store_that_trusts_its_database_alone_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the comparison with the checkpoints an older database opens, and the proof says so."""
    monkeypatch.setattr(Store, "_compare_with_heads", lambda *_, **__: None)
    assert "P9" in {breach.promise for breach in prove_power(1, 0, every=200).breaches}


@pytest.mark.deep
def test_a_start_that_looks_away_from_strays_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the word about orders that only the exchange knows, an old database trades on."""
    monkeypatch.setattr(Observer, "_take_stray", lambda *_: None)
    assert not prove_power(1, 1, every=200).holds


def test_the_first_checkpoint_is_on_the_disk_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of checkpoints without a line would stop the next start, so the first line is flushed with its folder."""
    from autotrader.records import heads

    flushed: list[int] = []
    monkeypatch.setattr("autotrader.records.heads.os.fsync", flushed.append)
    file = HeadsFile(tmp_path / "heads.jsonl", "abcdefgh")
    file.append(heads.Head(1, "0" * 64))
    assert len(flushed) == 2
    file.append(heads.Head(2, "1" * 64))
    assert len(flushed) == 2
