"""Tampering with the records is found, all of it; and a verifier that looks less closely is caught by the proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from autotrader.prove.proof import Proof
from autotrader.prove.tamper import prove_tamper
from autotrader.prove.tampering import KINDS
from autotrader.records.heads import SignedHeads


def tried(*names: str) -> list[Proof]:
    """The proof for single kinds."""
    numbers = [number for number, kind in enumerate(KINDS) if kind.name in names]
    assert len(numbers) == len(names)
    return [prove_tamper(1, first=number) for number in numbers]


def missed(*names: str) -> list[str]:
    """The kinds among these that the proof says were not found."""
    return [breach.what for proof in tried(*names) for breach in proof.breaches]


@pytest.mark.timeout(300)
def test_all_tampering_is_found() -> None:
    """Of 1,000 acts of tampering of 113 kinds all are found, and what was not touched verifies."""
    proof = prove_tamper(1_000)
    assert proof.breaches == ()
    assert proof.figures["found"] == 1_000
    assert proof.figures["untouched copies that verify"] == 20


@pytest.mark.deep
@pytest.mark.timeout(1_200)
def test_much_tampering_is_found() -> None:
    """Of 10,000 acts in two worlds all are found."""
    for seed in (2, 3):
        proof = prove_tamper(5_000, seed)
        assert proof.breaches == ()


def test_without_the_key_a_rewritten_store_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that does not check HMACs is caught: who rewrites both files is not found by it."""

    def blind(_heads: Sequence[object], _store: str, _key: object) -> SignedHeads:
        return SignedHeads(1, (), "")

    monkeypatch.setattr("autotrader.records.store.check_macs", blind)
    assert missed("all rewritten with checkpoints, no HMAC", "all rewritten with checkpoints, random HMAC")


def test_without_a_noted_head_an_old_copy_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that was told nothing from elsewhere is caught: a copy of everything is whole in itself."""
    from autotrader.records.store import Store

    looks = Store.verify

    def deaf(store: Store, _told: Sequence[Any] = ()) -> object:
        return looks(store)

    monkeypatch.setattr(Store, "verify", deaf)
    assert missed("old copy of everything put back") == ["not found: old copy of everything put back"]


def test_without_the_tables_a_changed_table_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier of the chain alone is caught: orders, settings and definitions are not looked at."""
    monkeypatch.setattr("autotrader.records.store.cross_check", lambda *_: ())
    assert len(missed("orders.price altered", "fills.fee altered", "trigger added")) == 3


def test_without_hashes_a_changed_act_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that believes the rows is caught."""
    from autotrader.records.chain import Chain, ChainReport

    def believing(chain: Chain, *_: object) -> ChainReport:
        return ChainReport(rows=1, first_ms=1, last_ms=1, head=chain.head(), problems=())

    monkeypatch.setattr(Chain, "verify", believing)
    assert len(missed("chain.time_ms altered", "chain.prev altered")) == 2


@pytest.mark.parametrize(("seed", "case"), [(1, 1581), (1, 8360), (1, 8924), (7, 6778), (7, 9377)])
def test_a_damaged_file_whose_very_error_cannot_be_read_is_refused_in_words(seed: int, case: int) -> None:
    """SQLite's message quotes rubbish that is no UTF-8, or a column has lost its name: found by thousands of cases."""
    assert prove_tamper(1, seed, case).breaches == ()
