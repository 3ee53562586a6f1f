"""Classes of input: any text, any soup of tokens, any tree."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from autotrader.language.expression import (
    Origin,
    Scope,
    SignalUse,
    parse_condition,
    parse_template,
    parse_value,
    parse_windows,
)
from autotrader.language.expression.parser import KEYWORDS
from autotrader.language.readback import in_words, value_in_words, written, written_condition
from autotrader.language.tree import Literal, Unit
from autotrader.language.vocabulary import VOCABULARY, needs_of, needs_of_condition
from autotrader.language.vocabulary.word import Param, Word
from autotrader.language.walk import tree_terms
from autotrader.money import plain
from tests.language.scopes import ORIGIN, SCOPE, bare

WRITABLE = [word for word in VOCABULARY.values() if not word.hidden and word.measure != "flag"]
PIECES = [
    *sorted(KEYWORDS), *(word.name for word in WRITABLE),
    *(word.example for word in WRITABLE[::3] if word.params),
    "<", "<=", ">", ">=", "==", "+", "-", "*", "/", "(", ")", ",", ".", "%",
    "$dip", "$x", "5", "10_000", "0.5%",
    "5m", "1h",
    "JPY", "BTC", "ETHJPY", "last", "3", "time", "exchange", "normal", "signal", "min(", "max(", "09:00", "JST",
    "18:00", "mon", "tick", "levels", "forming", "my", "order", "rule", "{", "}", "円",
]  # fmt: skip


def _all_inside(text: str, problems: tuple[object, ...]) -> bool:
    last = ORIGIN.column + max(len(text), 1)
    return all(
        ORIGIN.column <= problem.place.column < last  # type: ignore[attr-defined]
        and problem.place.column + problem.place.length <= max(last, ORIGIN.column + 1)  # type: ignore[attr-defined]
        for problem in problems
    )


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_no_text_is_ever_an_exception(text: str) -> None:
    """Any text gives a tree or problems, and every problem's column lies inside the text."""
    for found, problems in (
        parse_condition(text, ORIGIN, "k", SCOPE),
        parse_value(text, ORIGIN, SCOPE),
        parse_template(text, ORIGIN, SCOPE),
        parse_windows(text, ORIGIN, "UTC"),
    ):
        errors = [problem for problem in problems if problem.severity == "error"]
        assert (found is None) == bool(errors)
        assert _all_inside(text, problems)


def test_depth_is_bounded() -> None:
    """Thousands of parentheses or signs are a problem, not an exhausted stack."""
    for text in ("(" * 1500 + "last", "-" * 1500 + "5 > last", "sma(5," * 300 + "1h" + ")" * 300):
        found, problems = parse_value(text, ORIGIN, SCOPE)
        assert found is None
        assert problems


# ---------------------------------------------------------------------------------------------------- random trees
def _argument(param: Param) -> st.SearchStrategy[str]:
    numbers = st.integers(max(1, int(param.low) + 1), max(2, min(int(param.high) - 1, 60))).map(str)
    match param.kind:
        case "integer":
            return st.integers(int(param.low), min(int(param.high), 300)).map(str)
        case "number":
            return st.just(plain(param.low))
        case "percent":
            return numbers.map(lambda number: f"{min(int(number), 50)}%")
        case "distance":
            return st.sampled_from(["0.5%", "1.25%", "5 levels", "100 levels"])
        case "asset":
            return st.sampled_from(["JPY", "BTC", "ETH"])
        case "choice":
            return st.sampled_from(param.choices)
        case "duration":
            return st.sampled_from(["1m", "90m", "4h", "1d"])
        case "window":
            return st.sampled_from(["day", "week", "month", "12h"])
        case "amount":
            return st.sampled_from(["50_000 JPY", "1_000.5 JPY"])


@st.composite
def calls(draw: st.DrawFn, words: tuple[Word, ...], depth: int = 2) -> str:
    """A word as written, with arguments in range, perhaps another symbol's, shifted, or over a series."""
    word = draw(st.sampled_from(words))
    args = [draw(_argument(param)) for param in word.params]
    if word.order_of is not None:
        args[0], args[1] = "12", "26"
    if word.is_candle:
        nested = word.takes_series and depth > 0 and draw(st.booleans())
        args.append(draw(calls(CANDLES, depth - 1)) if nested else draw(st.sampled_from(["1m", "4h", "1d", "1M"])))
    text = word.name + (f"({', '.join(args)})" if args else "")
    if word.per == "symbol" and depth == 2 and draw(st.booleans()):
        text = f"ETHJPY.{text}"
    return text + (" 3 candles ago" if word.is_candle and draw(st.booleans()) else "")


CANDLES = tuple(word for word in WRITABLE if word.is_candle and word.name != "obv")
_BY_MEASURE: dict[str, tuple[Word, ...]] = {
    "price": tuple(word for word in WRITABLE if word.measure == "price"),
    "percent": tuple(word for word in WRITABLE if word.measure == "percent"),
    "duration": tuple(word for word in WRITABLE if word.measure == "duration"),
    "count": tuple(word for word in WRITABLE if word.measure == "count"),
}
_LITERALS = {"price": "9_000_000.5", "percent": "-2.5%", "duration": "1h30m", "count": "3"}


@st.composite
def values(draw: st.DrawFn, measure: str, depth: int = 3) -> str:
    """A value of one measure as written."""
    if depth == 0 or draw(st.integers(0, 2)) == 0:
        literal = draw(st.booleans()) and depth < 3
        return _LITERALS[measure] if literal else draw(calls(_BY_MEASURE[measure]))
    left, right = draw(values(measure, depth - 1)), draw(values(measure, depth - 1))
    forms = ["{0} + {1}", "{0} - ({1})", "min({0}, {1})", "max({0}, {1})", "({0}) * 2", "({0} - {1}) / 3", "-({0})"]
    if measure == "price":
        forms += ["({0}) + 0.5%", "{0} - (2%)", "20% of ({0})", "{0} - 2 ticks"]
    return draw(st.sampled_from(forms)).format(left, right)


@st.composite
def conditions(draw: st.DrawFn) -> str:
    """A condition as written."""
    measure = draw(st.sampled_from(sorted(_BY_MEASURE)))
    left, right, third = draw(calls(_BY_MEASURE[measure])), draw(values(measure)), draw(values(measure))
    forms = ["{0} < {1}", "{0} >= {1}", "{0} between {1} and {2}", "{0} near {1} within 1%", "{0} crosses above {1}"]
    forms += ["{0} crosses {1} by 0.2%", "{0} crosses below {1} by ({2})"]
    text = draw(st.sampled_from(forms)).format(left, right, third)
    return text + draw(st.sampled_from(["", " for 90s", " within last 3 checks", " 2 of last 5 checks"]))


@given(st.sampled_from(sorted(_BY_MEASURE)).flatmap(values))
def test_a_value_read_back_is_the_same_value(text: str) -> None:
    """parse(written(tree)) == tree."""
    found, _ = parse_value(text, ORIGIN, SCOPE)
    if found is None:
        return
    again, problems = parse_value(written(found, "BTCJPY"), ORIGIN, SCOPE)
    assert again is not None, (text, written(found, "BTCJPY"), problems)
    assert found == again, (text, written(found, "BTCJPY"))
    assert value_in_words(found, "BTCJPY")


@given(conditions())
def test_a_condition_read_back_is_the_same_condition(text: str) -> None:
    """parse(written(tree)) == tree, apart from the place and the written text."""
    found, _ = parse_condition(text, ORIGIN, "k", SCOPE)
    if found is None or isinstance(found, SignalUse):
        return
    shown = written_condition(found, "BTCJPY")
    again, problems = parse_condition(shown, Origin("f", 1, 1), "k", SCOPE)
    assert again is not None, (text, shown, problems)
    assert bare(found) == bare(again), (text, shown)
    assert in_words(found, "BTCJPY")


@given(st.data())
def test_every_random_word_is_understood(data: st.DataObject) -> None:
    """Any word with arguments in range, of any symbol, shifted or over a series, is a value."""
    measure = data.draw(st.sampled_from(sorted(_BY_MEASURE)))
    left = data.draw(calls(_BY_MEASURE[measure]))
    found, problems = parse_value(left, ORIGIN, SCOPE)
    assert found is not None, (left, problems)


@given(conditions())
def test_needs_cover_every_term(text: str) -> None:
    """A condition's needs are at least those of its terms."""
    found, _ = parse_condition(text, ORIGIN, "k", SCOPE)
    if found is None or isinstance(found, SignalUse):
        return
    kinds = {(type(need), getattr(need, "symbol", "")) for need in needs_of_condition(found)}
    wanted = {(type(need), getattr(need, "symbol", "")) for term in tree_terms(found) for need in needs_of(term)}
    assert wanted <= kinds


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**12, places=8))
def test_numbers_are_exact(number: Decimal) -> None:
    """A written number is exactly that Decimal."""
    text = plain(number)
    found, problems = parse_value(f"{text} JPY", ORIGIN, Scope(symbol="BTCJPY"))
    assert isinstance(found, Literal), problems
    assert Decimal(text) == found.value
    assert isinstance(found.unit, Unit)
