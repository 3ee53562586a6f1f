"""Mistakes: each at its own column, with what is allowed and the likely fix."""

from __future__ import annotations

import pytest

from autotrader.language.expression import parse_condition
from tests.language.scopes import ORIGIN, SCOPE, marked, mistake

UNITS = [
    ("change_24h <= -5", "-5", "`-5%`"),
    ("spread < 0.5", "0.5", "`0.5%`"),
    ("free(JPY) > 1000", "1000", "`1000 JPY`"),
    ("free(JPY) > 0.1 BTC", "0.1 BTC", "counted in JPY"),
    ("last < 5 BTC", "5 BTC", "counted in JPY"),
    ("age(book) > 20", "20", "`20s`"),
    ("last > 5m", "5m", ""),
    ("rsi(14, 1h) < 30%", "30%", "`30`"),
    ("last > 5%", "5%", "`X - 5%`"),
    ("last + rsi(14, 1h) > 5", "rsi(14, 1h)", ""),
    ("5% + last > 5", "5%", "stands first"),
    ("last * bid > 5", "last * bid", ""),
    ("last / 0 > 5", "0", ""),
    ("5 of last > 3", "5", "`5%`"),
    ("order.side > 3", "order.side", "notifications"),
    ("last near 5 within -1%", "-1%", "`1%`"),
]
WORDS = [
    ("spreed < 1%", "spreed", "`spread`"),
    ("ETHJPY.lst > 3", "lst", "`last`"),
    ("rsi(14) > 30", "rsi(14)", "timeframe is missing"),
    ("rsi(1h, 14) > 30", "1h", "timeframe stands last"),
    ("rsi(1, 1h) < 30", "1", ""),
    ("rsi(14.5, 1h) < 30", "14.5", ""),
    ("rsi(14, 5M) < 30", "5M", "`1m` a minute"),
    ("rsi(14, 60m) < 30", "60m", "`1h`"),
    ("rsi(14, 1H) < 30", "1H", "`1h`"),
    ("rsi(14, 10m) < 30", "10m", "1m 3m 5m"),
    ("macd(26, 12, 9, 1h) > 0", "26", "swap"),
    ("atr(14, volume(1h)) > 3", "volume(1h)", "timeframe"),
    ("sma(5, last) > 3", "last", "volume(5m)"),
    ("last(1) > 3", "last(1)", "`last`"),
    ("rsi < 30", "rsi", "rsi(14, 1h)"),
    ("age(tick) > 3s", "tick", "`ticker`"),
    ("free(jpy) > 3 JPY", "jpy", "`JPY`"),
    ("free(BTCJPY) > 3 JPY", "BTCJPY", "`BTC`"),
    ("free(BTX) > 3 JPY", "BTX", "`BTC`"),
    ("BTCJPYY.last > 3", "BTCJPYY", "`BTCJPY`"),
    ("btcjpy.last > 3", "btcjpy", "`BTCJPY.last`"),
    ("BTCJPY > 3", "BTCJPY", "`BTCJPY.last`"),
    ("BTCJPY.free(JPY) > 3 JPY", "BTCJPY.free(JPY)", "without"),
    ("$dpi > 3%", "$dpi", "`$dip`"),
    ("slippage(bye, 5 JPY) < 1%", "bye", "`buy`"),
    ("slippage(buy, 5) < 1%", "5", "`5 JPY`"),
    ("depth_bid(0.5) > 3 JPY", "0.5", "`0.5%`"),
    ("depth_bid(0.5 levels) > 3 JPY", "0.5 levels", ""),
    ("change(90s) > 1%", "90s", ""),
    ("last 1 candle ago > 3", "last 1 candle ago", "close(1h)"),
]
FORMS = [
    ("last > 5 and bid > 3", "and", "`all:`"),
    ("last > 5 or bid > 3", "or", "`any:`"),
    ("not last > 5", "not", "`not:`"),
    ("last > 5 && bid > 3", "&&", "`all:`"),
    ("exchange is not normal", "not", "not: exchange is normal"),
    ("last == 5", "==", "near"),
    ("last != 5", "!=", "not:"),
    ("last => 5", "=>", "`>=`"),
    ("last < 10,000", "10,000", "10_000"),
    ("last < 10_00", "10_00", "10_000"),
    ("last > 1e3", "1e3", "10_000"),
    ("last > 10000JPY", "10000JPY", "`10000 JPY`"),
    ("last > .5", ".5", "0.5"),
    ("1 < last < 3", "<", "between"),
    ("last is above 3", "is", ""),
    ("last above 3", "above", "`>`"),
    ("last", "last", "`< <= > >=`"),
    ("last <", "<", ""),
    ("", "", "a value"),
    ("(last > 3", ">", ""),
    ("last ＞ 3", "＞", "`>`"),
    ("last > 3 €", "€", ""),
    ("last > {x}", "{", "braces"),
    ("5 < 3", "5 < 3", "a word"),
    ("last > last", "last > last", ""),
    ("last between 9 and 8", "9 and 8", "between 8 and 9"),
    ("last near 5", "5", "within"),
    ("last > 5 for 3", "3", "for 5m"),
    ("last > 5 within last 3 candles", "within last 3 candles", "checks"),
    ("last > 5 6 of last 5 checks", "6", "1 to 5"),
    ("last > 5 within last 0 checks", "0", "1 to 1000"),
    ("time in 9:00-25:00", "25:00", "24:00"),
    ("time in 09:00-18:00 JTS", "JTS", "JST"),
    ("time in 09:00", "0", "09:00-18:00"),
    ("last > 1h30", "1h30", ""),
    ("age(book) > 5m1h", "5m1h", "1h30m"),
    ("age(book) > 1M", "1M", "`1m`"),
]
SENSE = [
    ("rsi(14, 1h) > 120", "rsi(14, 1h) > 120", "between 0 and 100"),
    ("rsi(14, 1h) < 0", "rsi(14, 1h) < 0", "between 0 and 100"),
    ("rsi(14, 1h) crosses above 100", "rsi(14, 1h) crosses above 100", "between 0 and 100"),
    ("rsi(14, 1h) between 110 and 120", "rsi(14, 1h) between 110 and 120", "between 0 and 100"),
    ("sma(5, rsi(14, 1h)) > 100", "sma(5, rsi(14, 1h)) > 100", ""),
    ("willr(14, 1h) > 1", "willr(14, 1h) > 1", "between -100 and 0"),
    ("order.filled > 100%", "order.filled > 100%", ""),
    ("free(JPY) < 0 JPY", "free(JPY) < 0 JPY", "never below 0"),
    ("change_24h < -100%", "change_24h < -100%", "never below -100"),
    ("obv(1h) > 100 BTC", "obv(1h) > 100 BTC", "sma(20, obv(1h))"),
    ("obv(1h) > volume(1h)", "obv(1h) > volume(1h)", "itself"),
    ("obv(1h) > obv(4h)", "obv(1h) > obv(4h)", "itself"),
]
UNSUPPORTED = [
    ("close(1h forming) > 5", "forming"),
    ("close(1h) rising 3 in a row", "rising"),
    ("my.avg_entry > 5", "my."),
    ("rule(dip).pnl > 5%", "rule"),
    ("rule(dip) fired within 2h", "rule"),
    ("guard(thin) active", "guard"),
    ("pnl > 2%", "pnl"),
    ("equity > 5 JPY", "equity"),
    ("value(BTC, JPY) > 5 JPY", "value"),
    ("share(BTC, JPY) > 5%", "share"),
    ("position > 5 BTC", "position"),
    ("realised(day) < 5 JPY", "realised"),
    ("refused_in_a_row > 3", "refused_in_a_row"),
    ("losses(7d) > 3", "losses"),
    ("last < avg_entry", "avg_entry"),
    ("last < entry", "entry"),
]


MORE = [
    ("XYZ12.last > 3", "XYZ12", ""),
    ("free(EUR) > 5", "5", "`5 EUR`"),
    ("$n > 3", "$n > 3", "a word"),
    ("order.weight > 3", "order.weight", "`order.side`"),
    ("signal > 3", ">", ""),
    ("true", "true", ""),
    ("tick < 5", "tick", ""),
    ("min(last) > 3", "min(last)", "min(a, b)"),
    ("min(order.tag, order.id) > 3", "min(order.tag, order.id)", ""),
    ("-order.tag > 3", "-order.tag", ""),
    ("order.tag + 3 > 3", "order.tag", ""),
    ("last of bid > 3", "last", "20% of free(JPY)"),
    ("last > 5 BTC / 2 BTC / 0", "0", ""),
    ("5% * 20% > spread", "5% * 20%", "5% of X"),
    ("last / rsi(14, 1h) * bid > 3", "last / rsi(14, 1h) * bid", ""),
    ("age(book) / last > 3", "age(book) / last", ""),
    ("last > close(1h) 2.5 candles ago", "2.5", "1 to 1000"),
    ("last > open_buys", "open_buys", ""),
    ("open_buys > 5 BTC", "5 BTC", "`5`"),
    ("change_24h > 5 BTC", "5 BTC", "`5%`"),
    ("change_24h > 5m", "5m", ""),
    ("rsi(14, $dip) > 3", "$dip", "1m 3m 5m"),
    ("rsi(14, 5) > 3", "5", "1m 3m 5m"),
    ("BTCJPY.sma(5, ETHJPY.close(1h)) > 3", "ETHJPY.close(1h)", "prefix"),
    ("free(5) > 3 JPY", "5", "free(JPY)"),
    ("spent(5) > 3 JPY", "5", "`5m`"),
    ("spent(40d) > 3 JPY", "40d", ""),
    ("slippage(buy, 5 BTC) < 1%", "5 BTC", ""),
    ("last > 5 for $dip", "$dip", "for 5m"),
    ("last > 5 for 500ms", "500ms", "for 30s"),
    ("last near 5 within last 3 checks", "within", ""),
    ("last crosses > 5", ">", ""),
    ("last ! 5", "!", "`not:`"),
    ("exchange normal", "normal", "exchange is normal"),
    ("signal(5)", "5", ""),
    ("last > 09:00", "09:00", "time in"),
    ("last > 5 yen", "yen", "no unit"),
    ("last > 5min", "5min", "`5m`"),
    ("rsi(14 1h) > 3", "1h", ""),
    ("rsi(14,) > 3", ")", ""),
    ("last. > 3", ">", ""),
    ("last > 5 within last 3 days", "days", ""),
    ("last > 5 within last x checks", "x", ""),
    ("sma(20, 1h) > 3 2 of last 5 candles for 5m", "for", ""),
    ("sma(20, 1h) > sma(20, 4h) within last 3 candles", "within last 3 candles", "checks"),
    ("last rising 3 in a row", "rising", ""),
    ("roc(5, obv(1h)) > 3%", "roc(5, obv(1h)) > 3%", "obv"),
    ("sma(20, 1h) crosses sma(20, 1h)", "sma(20, 1h) crosses sma(20, 1h)", ""),
    ("time in 09:00-18:00 JST mon-fry", "fry", "mon tue"),
    ("time in 09:00-18:00 JST mon tuesday", "tuesday", "mon-fri"),
    ("time in nine", "nine", "09:00-18:00"),
    ("time in 09:61-10:00", "09:61", ""),
    ("age(book) > 1_0s", "1_0s", "`5m`"),
]


@pytest.mark.parametrize(("text", "part", "hint"), UNITS + WORDS + FORMS + SENSE + MORE)
def test_a_mistake_is_marked_exactly_and_has_its_hint(text: str, part: str, hint: str) -> None:
    """The caret covers the wrong part, and the help line names the likely fix."""
    problem = mistake(text)
    assert part == marked(text, problem) or not text
    assert hint in problem.hint
    assert (problem.place.file, problem.place.line, problem.path) == ("rules/dip.yaml", 7, "rules.dip.when")


@pytest.mark.parametrize(("text", "part"), UNSUPPORTED)
def test_what_is_not_yet_supported_says_so_at_its_word(text: str, part: str) -> None:
    """A form of the language that this version lacks is refused, never ignored."""
    problem = mistake(text)
    assert problem.code.startswith("AT4")
    assert "not yet supported" in problem.message
    assert part == marked(text, problem)


def test_both_sides_of_a_condition_are_checked() -> None:
    """Two wrong words in one condition are two problems."""
    found, problems = parse_condition("spreed < aks", ORIGIN, "when", SCOPE)
    assert found is None
    assert [problem.place.column for problem in problems] == [11, 20]


@pytest.mark.parametrize(("text", "said"), [
    ("last near 9_000_000 min 3", "expected `within` and a distance behind `near`, found `min`"),
    ("last between 3 to 4", "expected `and` between the two ends of `between`, found `to`"),
])  # fmt: skip
def test_a_missing_word_of_a_relation_is_said_once(text: str, said: str) -> None:
    """What a relation's grammar lacks is named in one plain sentence."""
    assert mistake(text).message == said
