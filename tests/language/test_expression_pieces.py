"""Values, literals, durations, windows and templates: the other ways into the grammar."""

from __future__ import annotations

from decimal import Decimal

import pytest

from autotrader.language.expression import (
    Scope,
    parse_duration_ms,
    parse_literal,
    parse_template,
    parse_value,
    parse_windows,
)
from autotrader.language.facts import Fact
from autotrader.language.tree import Kind, Literal, Operation, Term, Unit, Window
from tests.language.scopes import INSTRUMENTS, ORIGIN, SCOPE, marked

ALL = frozenset(Kind)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("10_000 JPY", Kind.AMOUNT, "10000"),
        ("-5%", Kind.PERCENT, "-5"),
        ("0.01 BTC", Kind.AMOUNT, "0.01"),
        ("5m", Kind.DURATION, "300000"),
        ("14", Kind.NUMBER, "14"),
        ("010", Kind.NUMBER, "10"),
        ("-0.5", Kind.NUMBER, "-0.5"),
        ("$dip", Kind.PERCENT, "-5"),
    ],
)
def test_literals(text: str, kind: Kind, value: str) -> None:
    """A written number with its unit."""
    found, problems = parse_literal(text, ORIGIN, ALL, SCOPE)
    assert found is not None, problems
    assert (kind, Decimal(value)) == (found.unit.kind, found.value)


def test_a_literal_where_a_price_is_wanted_takes_the_quote() -> None:
    """Bare or with its currency, a price is a price."""
    for text in ("8_000_000", "8_000_000 JPY"):
        found, _ = parse_literal(text, ORIGIN, frozenset({Kind.PRICE}), SCOPE)
        assert found is not None
        assert Unit(Kind.PRICE, "JPY") == found.unit


@pytest.mark.parametrize(
    ("text", "wanted", "message"),
    [
        ("1000", Kind.AMOUNT, "currency"),
        ("5", Kind.PERCENT, "sign"),
        ("5", Kind.DURATION, "unit"),
        ("5%", Kind.AMOUNT, "expected"),
        ("last", Kind.PRICE, "fixed number"),
    ],
)
def test_a_literal_of_another_kind_is_refused(text: str, wanted: Kind, message: str) -> None:
    """What is wanted is said."""
    found, problems = parse_literal(text, ORIGIN, frozenset({wanted}), SCOPE)
    assert found is None
    assert message in problems[0].message


def test_a_literal_needs_no_symbol() -> None:
    """Parameters of a file are read before any symbol is known."""
    found, problems = parse_literal("10_000 JPY", ORIGIN, ALL, Scope(symbol=""))
    assert (found is not None, ()) == (True, problems)


@pytest.mark.parametrize("text", ["bid - 0.2%", "ask - 1 tick", "ask", "8_000_000", "max(bid, 8_000_000 JPY)"])
def test_prices(text: str) -> None:
    """A price expression is a price in the symbol's quote."""
    found, problems = parse_value(text, ORIGIN, SCOPE, frozenset({Kind.PRICE}))
    assert found is not None, problems
    assert Unit(Kind.PRICE, "JPY") == found.unit


@pytest.mark.parametrize(
    ("text", "asset"), [("20% of free(JPY)", "JPY"), ("100% of holding(BTC)", "BTC"), ("0.1 BTC", "BTC")]
)
def test_amounts(text: str, asset: str) -> None:
    """An amount of the asset that is wanted."""
    found, problems = parse_value(text, ORIGIN, SCOPE, frozenset({Kind.AMOUNT}), asset)
    assert found is not None, problems
    assert Unit(Kind.AMOUNT, asset) == found.unit


@pytest.mark.parametrize(
    ("text", "asset"), [("0.1 BTC", "JPY"), ("20%", "JPY"), ("last", "JPY"), ("1000", "JPY"), ("5m", "BTC")]
)
def test_another_amount_is_refused(text: str, asset: str) -> None:
    """A wrong currency, a bare number or another kind is no amount."""
    found, problems = parse_value(text, ORIGIN, SCOPE, frozenset({Kind.AMOUNT}), asset)
    assert found is None
    assert asset in problems[0].message + problems[0].hint


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("5m", 300_000), ("1h30m", 5_400_000), ("90s", 90_000), ("7d", 604_800_000), ("250ms", 250), ("1.5s", 1500)],
)
def test_durations(text: str, milliseconds: int) -> None:
    """Durations are whole milliseconds."""
    assert (milliseconds, ()) == parse_duration_ms(text, ORIGIN)


@pytest.mark.parametrize("text", ["5", "m", "", "5m 3s", "1M", "30m1h", "0.1ms", "4000d", "-5m", "5 m"])
def test_what_is_no_duration(text: str) -> None:
    """Anything else is one problem."""
    found, problems = parse_duration_ms(text, ORIGIN)
    assert (found, len(problems)) == (None, 1)


def test_windows_in_named_zones() -> None:
    """JST, UTC and IANA names; the account's zone where none is named; 24:00 is midnight."""
    found, problems = parse_windows(
        "09:00-24:00, 10:00-11:00 UTC sat-mon, 1:00-2:00 Europe/Berlin mon,thu", ORIGIN, "Asia/Tokyo"
    )
    assert problems == ()
    every = frozenset(range(7))
    assert found == (
        Window(540, 0, every, "Asia/Tokyo"),
        Window(600, 660, frozenset({5, 6, 0}), "UTC"),
        Window(60, 120, frozenset({0, 3}), "Europe/Berlin"),
    )


def test_templates() -> None:
    """Text, facts and values in order; doubled braces are braces."""
    found, problems = parse_template("{symbol} {{x}} {change_24h}: bid {order.price}", ORIGIN, SCOPE)
    assert problems == ()
    assert found is not None
    assert (Fact("symbol"), " {x} ") == found[:2]
    assert Term("change_24h", "BTCJPY", Unit(Kind.PERCENT)) == found[2]
    assert Term("order.price", "BTCJPY", Unit(Kind.PRICE, "JPY")) == found[4]


@pytest.mark.parametrize(
    ("text", "part"),
    [("a {lst} b", "lst"), ("a {last", "{"), ("a } b", "}"), ("a {} b", "}"), ("{pnl}", "pnl"), ("{last > 3}", ">")],
)
def test_a_wrong_placeholder_is_marked_inside_the_text(text: str, part: str) -> None:
    """The caret stands under the placeholder's own word."""
    found, problems = parse_template(text, ORIGIN, SCOPE)
    assert found is None
    assert part == marked(text, problems[0])


def test_order_words_need_an_order() -> None:
    """Outside `for_each_order` there is no order to speak of."""
    found, problems = parse_value("order.age", ORIGIN, Scope(symbol="BTCJPY", instruments=INSTRUMENTS))
    assert found is None
    assert "for_each_order" in problems[0].hint


def test_a_negated_value_is_a_product() -> None:
    """`-mom(10, 1h)` is -1 times it."""
    found, _ = parse_value("-mom(10, 1h)", ORIGIN, SCOPE)
    assert isinstance(found, Operation)
    assert isinstance(found.left, Literal)
    assert Decimal(-1) == found.left.value
