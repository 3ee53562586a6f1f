"""One algebra: whoever takes its steps comes to the same answer, exact ties and zero divisors included."""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest

from autotrader.language import source
from autotrader.language.algebra import OPERATIONS, Exact, compute, is_exact, rounded_below, scale_of
from autotrader.language.columns import Columns
from autotrader.language.intervals import Intervals
from autotrader.language.relations import COMPARISONS, RELATIONS, holds, short_of, sides_taken
from autotrader.language.tree import Cross, Operation, Relation, Term
from autotrader.language.walk import term_id, tree_terms
from autotrader.market.sources import LowerBound, Missing
from tests.worlds.values import JPY, NUMBER, PERCENT, PLACE, lit, term

EVERYDAY, DEEP = 400, 20_000  # leaves, each over TABLES tables
TABLES = 10

# What ties and zero divisors are made of: few numbers, among them such as no float holds exactly.
TIES = [Decimal(text) for text in ("0", "1", "-1", "2", "0.1", "0.3", "-10", "100", "180", "200", "0.07", "15005000.5")]
FLOATS = [*map(float, TIES), 0.1 + 0.2, 99.99999999999999, -9.999999999999998]
ONE = lit(1, NUMBER)
CANDLE = tuple(term(word, JPY, timeframe="1h") for word in ("close", "open", "high"))
RSI = term("rsi", NUMBER, timeframe="1h", args=(Decimal(14),))
ROC = term("roc", PERCENT, timeframe="1h", args=(Decimal(3),))
PLAIN = (term("last"), term("bid"), term("change_24h", PERCENT))


class Draw(Random):
    """Random leaves and tables, the same ones for a seed: many more a second than a shrinking strategy would give."""

    def value(self, words: tuple[Term, ...], depth: int = 2) -> Any:
        """A value over some words, of any units."""
        unit = self.choice((JPY, PERCENT, NUMBER))
        if depth == 0 or self.random() < 0.4:
            return self.choice(words) if self.random() < 0.6 else lit(str(self.choice(TIES)), unit)
        left, right = self.value(words, depth - 1), self.value(words, depth - 1)
        return Operation(self.choice(tuple(OPERATIONS)), left, right, unit)

    def relation(self, words: tuple[Term, ...]) -> Relation:
        """A relation, now and then between a value and itself, by another way round."""
        name = self.choice(tuple(RELATIONS))
        sides = [self.value(words) for _ in RELATIONS[name].sides]
        same = sides[0]
        if self.random() < 0.3:
            detour = Operation("+", same, words[0], JPY)
            sides[1] = self.choice([same, Operation("-", detour, words[0], JPY), Operation("*", same, ONE, same.unit)])
        return Relation(key="k", text="leaf", place=PLACE, name=name, sides=tuple(sides))

    def leaf(self, words: tuple[Term, ...]) -> Relation | Cross:
        """A relation or a crossing, the crossing perhaps with a dead zone."""
        if self.random() < 0.7:
            return self.relation(words)
        zone = self.value(words, 0) if self.random() < 0.5 else None
        left, right = self.value(words), self.value(words)
        return Cross(key="k", text="leaf", place=PLACE, left=left, direction="up", right=right, dead_zone=zone)

    def table(self, words: tuple[Term, ...], *, bounds: bool = False) -> dict[str, Any]:
        """Values: candle words are floats, the others decimals; some are missing or only bounded."""
        return {term_id(word): self.seen(word, bounds=bounds) for word in words}

    def seen(self, word: Term, *, bounds: bool) -> Any:
        """What a word is seen to be."""
        if self.random() < 0.15:
            return Missing("not fetched")
        if word.is_candle:
            return self.choice(FLOATS)
        return LowerBound(self.choice(TIES)) if bounds and self.random() < 0.3 else self.choice(TIES)


class Table:
    """A value table as the compiled path reads it."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.table, self.floats = table, dict[str, float]()

    def read(self, word: Term) -> Any:
        return self.table[term_id(word)]


def explained(leaf: Any, table: Table) -> Any:
    """The answer of the explaining algebra."""
    spans = Intervals(table.read, exact=is_exact(leaf))
    return holds(leaf, spans) if isinstance(leaf, Relation) else sides_taken(leaf, spans)


ALL = (*CANDLE, RSI, ROC, *PLAIN)
OVER_CANDLES = (*CANDLE, RSI, ROC)


def _compiled_agrees(leaf: Any, table: dict[str, Any]) -> None:
    seen, found = Table(table), explained(leaf, Table(table))
    if isinstance(leaf, Relation):
        assert source.relation(leaf, lambda _: "asked")(seen) in (found, "asked"), (leaf, table)
        return
    side = "up" if found[0] else "down" if found[1] else ""
    assert source.side(leaf, lambda _: "asked")(seen) in (side, "asked"), (leaf, table)


def _all_compiled_agree(leaves: int) -> None:
    draw = Draw(f"compiled {leaves}")
    for _ in range(leaves):
        leaf = draw.leaf(ALL)
        for _ in range(TABLES):
            _compiled_agrees(leaf, draw.table(ALL, bounds=True))


def test_compiled_and_explained_answers_agree() -> None:
    """What the live path answers by itself is what the explaining algebra answers; the rest it asks there."""
    _all_compiled_agree(EVERYDAY)


@pytest.mark.deep
def test_compiled_and_explained_answers_agree_at_length() -> None:
    """The same over thousands of leaves."""
    _all_compiled_agree(DEEP)


def test_the_live_path_answers_by_itself_where_all_is_plain() -> None:
    """Two plain sides are never asked of the explaining algebra, ties included; what is missing always is."""
    draw = Draw("plain")
    for _ in range(EVERYDAY):
        words = draw.choice((PLAIN, CANDLE))
        leaf, table = draw.relation(words), draw.table(words)
        known = not any(isinstance(table[term_id(word)], Missing) for word in tree_terms(leaf))
        answer = source.relation(leaf, lambda _: "asked")(Table(table))
        if not known:
            assert answer == "asked", (leaf, table)
        elif not any(isinstance(side, Operation) for side in leaf.sides) and leaf.name != "near":
            assert answer == explained(leaf, Table(table)), (leaf, table)


def _columns_agree(leaf: Any, rows: list[dict[str, Any]]) -> None:
    columns = {
        key: np.array([np.nan if isinstance(row[key], Missing) else float(row[key]) for row in rows])
        for key in rows[0]
    }  # fmt: skip
    over = Columns(lambda word: columns[term_id(word)], len(rows))
    with np.errstate(all="ignore"):
        found = (holds(leaf, over),) if isinstance(leaf, Relation) else sides_taken(leaf, over)
    for number, row in enumerate(rows):
        expected = explained(leaf, Table(row))
        told = tuple(None if column[number] < 0 else bool(column[number]) for column in found)
        assert told == (expected if isinstance(leaf, Cross) else (expected,)), (leaf, row)


def _all_columns_agree(leaves: int) -> None:
    draw = Draw(f"columns {leaves}")
    for _ in range(leaves):
        leaf = draw.leaf(OVER_CANDLES)
        if not is_exact(leaf):  # only where a word of candles takes part a series compares as one row of it does
            _columns_agree(leaf, [draw.table(OVER_CANDLES) for _ in range(TABLES)])


def test_columns_and_single_rows_agree() -> None:
    """A whole series is compared row by row as one value table is: same answers, same unknown."""
    _all_columns_agree(EVERYDAY)


@pytest.mark.deep
def test_columns_and_single_rows_agree_at_length() -> None:
    """The same over thousands of leaves."""
    _all_columns_agree(DEEP)


def test_amounts_and_comparisons_work_out_the_same_number() -> None:
    """An amount of an action is the number that a condition would compare: exact, or missing with the same reason."""
    draw = Draw("amounts")
    for _ in range(EVERYDAY):
        node, seen = draw.value(PLAIN), Table(draw.table(PLAIN))
        span = compute(node, Intervals(seen.read, exact=True))
        assert compute(node, Exact(seen.read)) == (span if isinstance(span, Missing) else span.low), (node, seen.table)


def test_a_bound_says_nothing_that_a_number_above_it_denies() -> None:
    """Whatever a value turns out to be at or above its bound, an answer that the bound gave stands."""
    draw = Draw("bounds")
    more = [Decimal(0), Decimal("0.1"), Decimal(1), Decimal(10**6)]
    for _ in range(EVERYDAY * 4):
        leaf, table = draw.relation(PLAIN), draw.table(PLAIN, bounds=True)
        bounded = explained(leaf, Table(table))
        known = {
            key: value.value + draw.choice(more) if isinstance(value, LowerBound) else value
            for key, value in table.items()
        }
        assert bounded is None or explained(leaf, Table(known)) is bounded, (leaf, table, known)


# ---------------------------------------------------------------------------------------------------------- exactness
class TooClose(Exception):
    """Both sides differ, by less than the 12th digit."""


Sized = tuple[Fraction, Fraction]
FAR = 10**30  # beyond every number that is drawn


class Rational:
    """The truth to measure against: the same steps in whole fractions, which never round; with the largest number that
    went in, counted in the unit of the result. `by_zero`: what stands for every quotient by zero, else it raises.
    """

    def __init__(self, table: dict[str, Any], by_zero: int | None = None) -> None:
        self._table, self._by_zero = table, by_zero

    def constant(self, value: Decimal) -> Sized:
        return Fraction(value), abs(Fraction(value))

    def term(self, word: Term) -> Sized:
        return self.constant(Decimal(repr(self._table[term_id(word)])))

    def add(self, a: Sized, b: Sized) -> Sized:
        return a[0] + b[0], max(a[1], b[1])

    def subtract(self, a: Sized, b: Sized) -> Sized:
        return a[0] - b[0], max(a[1], b[1])

    def multiply(self, a: Sized, b: Sized) -> Sized:
        return a[0] * b[0], max(a[1] * abs(b[0]), abs(a[0]) * b[1])

    def divide(self, a: Sized, b: Sized) -> Sized:
        if b[0] == 0 and self._by_zero is not None:
            return Fraction(self._by_zero), Fraction(0)
        if 0 < abs(b[0]) < b[1] * Fraction(2, 10**11):
            raise TooClose
        quotient = a[0] / b[0]
        return quotient, max(a[1], abs(quotient) * b[1]) / abs(b[0])

    def smaller(self, a: Sized, b: Sized) -> Sized:
        return min(a[0], b[0]), max(a[1], b[1])

    def larger(self, a: Sized, b: Sized) -> Sized:
        return max(a[0], b[0]), max(a[1], b[1])

    def size(self, a: Sized) -> Sized:
        return abs(a[0]), a[1]

    def below(self, a: Sized, b: Sized) -> bool:
        if 0 < abs(a[0] - b[0]) < max(a[1], b[1], abs(a[0]), abs(b[0])) * Fraction(2, 10**11):
            raise TooClose
        return a[0] < b[0]

    def negated(self, a: bool) -> bool:
        return not a

    def both(self, a: bool, b: bool) -> bool:
        return a and b


def _floats_hold_exactly(leaves: int) -> None:
    draw, words = Draw(f"exactly {leaves}"), (*CANDLE, ROC)
    for _ in range(leaves):
        leaf = draw.relation(words)
        table = {term_id(word): float(draw.choice(TIES)) for word in words}
        if is_exact(leaf):
            continue
        told = explained(leaf, Table(table))
        with suppress(TooClose):
            try:
                exactly = holds(leaf, Rational(table))
            except ZeroDivisionError:
                # One end of a range may settle what the other leaves open: then it stands whatever the other were.
                whatever = {holds(leaf, Rational(table, far)) for far in (-FAR, FAR)}
                assert told is None or whatever == {told}, (leaf, table)
            else:
                assert told is exactly, (leaf, table)


def test_a_comparison_of_floats_holds_where_it_holds_exactly() -> None:
    """Prices of a few digits compare as their exact decimals do, at every tie: no answer hangs on a last bit."""
    _floats_hold_exactly(EVERYDAY * 4)


@pytest.mark.deep
def test_a_comparison_of_floats_holds_where_it_holds_exactly_at_length() -> None:
    """The same over thousands of relations."""
    _floats_hold_exactly(DEEP * 4)


def relation(text_name: str, *sides: Any) -> Relation:
    """A relation."""
    return Relation(key="k", text="leaf", place=PLACE, name=text_name, sides=sides)


def answer(leaf: Relation, **seen: float) -> Any:
    """The answer where candle words have these values."""
    table = {term_id(word): seen[word.word] for word in tree_terms(leaf)}
    found = explained(leaf, Table(table))
    assert source.relation(leaf, lambda _: found)(Table(table)) is found
    return found


def test_twelve_digits_of_the_largest_number_count() -> None:
    """The difference of two equal averages is 0, and a change is what its digits say; the 12th digit still counts."""
    close, opened = CANDLE[:2]
    apart = Operation("-", close, opened, JPY)
    assert answer(relation(">", apart, lit(0)), close=9_000_000.1 + 1e-9, open=9_000_000.1) is False
    assert answer(relation(">", apart, lit(0)), close=9_000_000.1 + 1e-4, open=9_000_000.1) is True
    assert answer(relation("<=", ROC, lit(-10, PERCENT)), roc=-9.999999999999998) is True
    assert answer(relation("<", ROC, lit(-10, PERCENT)), roc=-9.999999999999998) is False
    assert answer(relation("<", ROC, lit(-10, PERCENT)), roc=-10.0000000001) is True
    change = Operation("-", Operation("/", close, opened, NUMBER), lit(1, NUMBER), NUMBER)
    assert answer(relation("<=", change, lit(-10, PERCENT)), close=180.0, open=200.0) is True


def test_a_divisor_that_is_nothing_but_rounding_is_zero() -> None:
    """Dividing by the difference of two equal averages is dividing by zero: unknown, not an enormous number."""
    close, opened = CANDLE[:2]
    ratio = Operation("/", RSI, Operation("-", close, opened, JPY), NUMBER)
    assert answer(relation(">", ratio, lit(1)), rsi=50.0, close=9_000_000.1 + 1e-9, open=9_000_000.1) is None
    assert answer(relation(">", ratio, lit(1)), rsi=50.0, close=9_000_001.0, open=9_000_000.0) is True


def test_texts_of_the_venue_compare_to_the_last_digit() -> None:
    """Where no candle takes part nothing is rounded, however many digits there are."""
    last, bid = PLAIN[:2]
    table = Table({term_id(last): Decimal("1.000000000000000001"), term_id(bid): Decimal(1)})
    assert explained(relation(">", last, bid), table) is True
    assert source.relation(relation(">", last, bid), lambda _: "asked")(table) is True


@pytest.mark.parametrize("size", [0.0, 1e-300, 9.99e-9, 1.0, 9.999999999995, 10.0, 123456.7, 1e22, 1e290])
def test_a_scale_leaves_twelve_digits(size: float) -> None:
    """A number times its scale has twelve digits before the point."""
    scaled = size * scale_of(size)
    assert scaled == 0 or size < 1e-290 or 1e11 <= scaled < 1e12 * (1 + 1e-15)
    assert rounded_below(size, size, size) is False


# ------------------------------------------------------------------------------------------------ what is compiled
def test_nothing_of_a_rule_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a compiled leaf holds numbered names, steps and a few fixed words: no word, literal or symbol."""
    texts: list[str] = []
    real, draw = source._factory, Draw("texts")

    def listening(text: str) -> Any:
        texts.append(text)
        return real(text)

    monkeypatch.setattr(source, "_factory", listening)
    for _ in range(EVERYDAY):
        source.relation(draw.relation(ALL), lambda _: None)
    allowed = {
        "def", "make", "leaf", "explain", "values", "memory", "moment", "following", "None", "floats", "table", "try",
        "return", "except", "KeyError", "ArithmeticError", "first", "if", "else", "not", "and", "abs", "max", "up",
        "down", "rounded_below", "refuse_zero", "exactly_below", "undecided", "e",
    }  # fmt: skip
    words = {word for text in texts for word in re.findall(r"[A-Za-z_]+\d*", text)}
    assert {word for word in words if not re.fullmatch(r"[gv]\d+", word)} <= allowed


def test_leaves_of_one_form_share_one_text() -> None:
    """A thousand comparisons of a word with a number are compiled once."""
    before = source._factory.cache_info().misses
    for number in range(50):
        source.relation(relation("<", term(f"word{number}"), lit(number)), lambda _: None)
    assert source._factory.cache_info().misses <= before + 1


# ---------------------------------------------------------------------------------------------------------- distance
def test_a_false_relation_has_a_distance_and_a_true_one_none() -> None:
    """How far a relation is from true is never negative where it is false, nor positive where it is true."""
    draw = Draw("distance")
    for _ in range(EVERYDAY * 4):
        leaf, seen = draw.relation(ALL), Table(draw.table(ALL))
        short = short_of(leaf, Intervals(seen.read, exact=is_exact(leaf)))
        found = explained(leaf, seen)
        if isinstance(short, Missing) or found is None or leaf.name in COMPARISONS:
            continue
        rounded = short.low if is_exact(leaf) else round(short.low * scale_of(short.size))
        assert rounded >= 0 if found is False else rounded <= 0, (leaf, seen.table)
