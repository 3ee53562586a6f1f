"""Orders that can never be placed are mistakes of the rule file: at their place, as soon as the filters are known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from autotrader.language.load import load
from autotrader.language.problems import Problem
from autotrader.market.instrument import Instrument

BTCJPY = Instrument(
    symbol="BTCJPY",
    base="BTC",
    quote="JPY",
    tick=Decimal(1),
    min_price=Decimal(1_000),
    max_price=Decimal(100_000_000),
    step=Decimal("0.00001"),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(100),
    fetched_ms=1,
)


def problems(action: str, *, filters: bool = True) -> list[Problem]:
    """What is wrong with a rule that holds this one action."""
    rule = f"    symbol: BTCJPY\n    cooldown: 1h\n    when: last < 5_000_000\n    then:\n      - {action}\n"
    text = f"version: 1\nrules:\n  r:\n{rule}"
    _, found = load({"r.yaml": text}, None, {"BTCJPY": BTCJPY} if filters else None)
    return [problem for problem in found if problem.severity == "error"]


@pytest.mark.parametrize(
    ("action", "at", "said"),
    [
        ("buy: {spend: 80 JPY, price: bid}", "80 JPY", "from 100 JPY"),
        ("buy: {spend: 20% of free(JPY), max_spend: 99 JPY, price: bid}", "99 JPY", "from 100 JPY"),
        ("sell: {size: 0.00005 BTC, price: ask}", "0.00005 BTC", "from 0.0001 BTC"),
        ("sell: {size: 0.0001 BTC, price: 900_000}", "0.0001 BTC", "from 100 JPY"),
        ("buy: {spend: 5_000 JPY, price: 900}", "900", "1000"),
        ("buy: {spend: 5_000 JPY, price: 200_000_000}", "200_000_000", "100000000"),
    ],
)
def test_what_the_filters_never_take_is_an_error(action: str, at: str, said: str) -> None:
    """AT214 at the amount or price that is to blame, with what the exchange takes."""
    (problem,) = problems(action)
    assert problem.code == "AT214"
    line = f"      - {action}"
    assert problem.place.column == line.index(at) + 1
    assert said in f"{problem.message} {problem.hint}"


def test_without_filters_nothing_is_claimed() -> None:
    """Offline the filters are not known, and no order is called impossible."""
    assert problems("buy: {spend: 80 JPY, price: bid}", filters=False) == []


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("buy: {spend: 5_000 JPY, price: market, max_slippage: 0%}", "AT211"),
        ("buy: {spend: 5_000 JPY, price: market, max_slippage: 11%}", "AT211"),
        ("buy: {spend: 5_000 JPY, price: 0 JPY}", "AT211"),
    ],
)
def test_numbers_that_make_no_order_are_errors(action: str, code: str) -> None:
    """A slippage of nothing or of everything, a price of zero."""
    assert [problem.code for problem in problems(action)] == [code]
