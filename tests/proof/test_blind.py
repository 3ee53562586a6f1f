"""Less knowledge never trades more, and a proof that would notice if it did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autotrader.engine import conditions, lifecycle, observe
from autotrader.language import open_orders, shapes
from autotrader.language.actions import cancel_orders
from autotrader.language.algebra import Truth
from autotrader.language.load import load
from autotrader.language.vocabulary import balances, health, limits
from autotrader.market.sources import Missing
from autotrader.money import ZERO
from tests.proof.blind import prove_blind
from tests.proof.wild_sources import START_MS, instruments, settings

EVERYDAY, DEEP = 20, 6_000
FEW_RULES = """
version: 1
rules:
  not_wide:
    symbol: BTCJPY
    every: 30s
    when:
      not: spread > 50%
    then: [{buy: {spend: 5_000 JPY, price: bid}}]
  cheap:
    symbol: BTCJPY
    every: 30s
    when: last < 90_000
    then: [{buy: {spend: 5_000 JPY, price: bid - 0.1%}}]
  without_the_market:
    symbol: BTCJPY
    every: 30s
    when: open_sells < 9
    then: [{sell: {size: 0.01 BTC, price: 102_000 JPY}}]
  held:
    symbol: BTCJPY
    every: 30s
    when: change_24h > -2% for 90s
    then: [{notify: "held"}]
  instead:
    symbol: BTCJPY
    every: 30s
    when: free(JPY) >= 0 JPY
    then:
      - cancel_orders: {side: buy}
      - buy: {spend: 5_000 JPY, price: bid - 0.2%}
"""


def test_blindness_never_trades() -> None:
    """Whatever is taken, aged or corrupted: no order, no resumption, no cancel and no loosened latch appears."""
    proof = prove_blind(EVERYDAY, seed=20)
    assert proof.holds, proof.breaches[0]
    assert proof.figures["orders kept although blinded"]
    assert proof.figures["orders that went away"]
    assert len(proof.injected) >= 11


@pytest.mark.deep
def test_blindness_never_trades_at_length() -> None:
    """The same over thousands of rule sets."""
    proof = prove_blind(DEEP, seed=4)
    assert proof.holds, proof.breaches[:3]


def test_a_case_is_the_same_again() -> None:
    """A seed and a number of cases name the same run."""
    assert prove_blind(3, seed=8).as_json() == prove_blind(3, seed=8).as_json()


Patch = Callable[[pytest.MonkeyPatch], None]


def _answering(answer: Truth) -> Patch:
    """Leaves whose values are unknown answer this instead."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        known, table = conditions.relation_truth, conditions._from_table

        def plain(*args: Any) -> tuple[Truth, str]:
            found, why = known(*args)
            return (answer, "") if found is None else (found, why)

        def from_table(key: str) -> Any:
            ask = table(key)
            return lambda *args: answer if (found := ask(*args)) is None else found

        monkeypatch.setattr(conditions, "relation_truth", plain)
        monkeypatch.setattr(conditions, "_from_table", from_table)

    return patch


def _no_ages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (limits, balances, health):
        monkeypatch.setattr(module, "stale", lambda *_: None)


def _missing_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (observe,):
        real = module.value_of

        def read(term: Any, sources: Any, real: Any = real) -> Any:
            found = real(term, sources)
            return ZERO if isinstance(found, Missing) else found

        monkeypatch.setattr(module, "value_of", read)


def _maintenance_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(sources: Any) -> Missing | None:
        status = sources.snapshot.status()
        return None if isinstance(status, str) or status.normal else Missing("maintenance")

    for module in (limits, open_orders):
        monkeypatch.setattr(module, "abnormal", careless)


def _unknown_arms(monkeypatch: pytest.MonkeyPatch) -> None:
    real = lifecycle.heard

    def heard(rule: Any, state: Any, holds: Truth, *more: Any) -> Any:
        return real(rule, state, bool(holds), *more)

    monkeypatch.setattr(lifecycle, "heard", heard)


def _unclear_orders_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancel_orders, "unclear_order", lambda *_: "")


def _unseen_orders_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_orders, "listed_orders", lambda *_: ())


def _unknown_timers_run(monkeypatch: pytest.MonkeyPatch) -> None:
    real = shapes.held

    def held(kept: Any, part: Truth, *more: Any) -> Any:
        return real(kept, True if part is None and kept.since_ms is not None else part, *more)

    monkeypatch.setattr(shapes, "held", held)


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(_answering(False), id="unknown is false"), pytest.param(_answering(True), id="unknown is true"),
        pytest.param(_no_ages, id="no age is checked"), pytest.param(_missing_is_zero, id="missing is zero"),
        pytest.param(_maintenance_forgotten, id="an unknown status is normal"),
        pytest.param(_unknown_arms, id="unknown arms"), pytest.param(_unknown_timers_run, id="a timer runs on unseen"),
        pytest.param(_unclear_orders_pass, id="an unclear order counts as gone"),
        pytest.param(_unseen_orders_are_none, id="an unseen list is empty"),
    ],
)  # fmt: skip
def test_broken_engines_are_caught(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way of taking the unknown for something known makes the proof fail."""
    mutant(monkeypatch)
    plan, problems = load({"few.yaml": FEW_RULES}, settings(), instruments(START_MS))
    assert plan is not None, problems
    assert not prove_blind(40, seed=1, rules=plan, most=1).holds
