"""Words over closed candles. Each is one function over whole columns, on TA-Lib's conventions: in market/indicators
under its name, or TA-Lib's own of one series and a period, which is named here (`column="SMA"`).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from autotrader.language.vocabulary import warmup
from autotrader.language.vocabulary.word import Measure, Param, Word
from autotrader.market.candles import PATH_WINDOW

_ZERO = Decimal(0)
_HUNDRED = Decimal(100)
Args = tuple[Decimal, ...]
Count = Callable[[Args], int]


def _int(name: str, low: int, high: int) -> Param:
    return Param(name, "integer", Decimal(low), Decimal(high))


_WINDOW = _int("period", 1, 1000)
_SMOOTHED = _int("period", 2, 500)
_DEVIATIONS = Param("deviations", "number", Decimal("0.1"), Decimal(10))
_MACD = (_int("fast", 2, 499), _int("slow", 3, 500), _int("signal", 1, 200))
_STOCH_K = (_int("fast_k", 1, 500), _int("slow_k", 1, 100))
_STOCH = (*_STOCH_K, _int("slow_d", 1, 100))
_SAR = (
    Param("acceleration", "number", Decimal("0.001"), Decimal(1)),
    Param("maximum", "number", Decimal("0.001"), Decimal(1)),
)
_TREND = (_int("period", 1, 100), Param("multiplier", "number", Decimal("0.1"), Decimal(20)))
_SEED_AVERAGE = "Seeded with the simple average of the first values, as TA-Lib does."


def _word(  # noqa: PLR0913 - the columns of the table below
    name: str,
    measure: Measure,
    params: tuple[Param, ...],
    phrases: tuple[str, str],
    counts: tuple[Count, Count],
    bounds: tuple[Decimal | None, Decimal | None] = (None, None),
    *,
    series: bool = False,
    order_of: tuple[int, int] | None = None,
    note: str = "",
    column: str = "",
) -> Word:
    return Word(
        name=name,
        group="candle",
        measure=measure,
        params=params,
        english=phrases[0],
        japanese=phrases[1],
        column=column or name,
        warmup=counts[0],
        span=counts[1],
        lowest=bounds[0],
        highest=bounds[1],
        takes_series=series,
        order_of=order_of,
        note=note,
    )


_POSITIVE = (_ZERO, None)
_OSCILLATOR = (_ZERO, _HUNDRED)
_BAR = (warmup.one, warmup.one)
_ROLLING = (warmup.own_period, warmup.own_period)
_BACK = (warmup.one_more, warmup.one_more)

WORDS: tuple[Word, ...] = (
    _word("open", "price", (), ("the open of the last {tf} candle", "直近{tf}足の始値"), _BAR, _POSITIVE),
    _word("high", "price", (), ("the high of the last {tf} candle", "直近{tf}足の高値"), _BAR, _POSITIVE),
    _word("low", "price", (), ("the low of the last {tf} candle", "直近{tf}足の安値"), _BAR, _POSITIVE),
    _word("close", "price", (), ("the close of the last {tf} candle", "直近{tf}足の終値"), _BAR, _POSITIVE),
    _word("volume", "base", (), ("the volume of the last {tf} candle", "直近{tf}足の出来高"), _BAR, _POSITIVE),
    _word(
        "highest",
        "series",
        (_WINDOW,),
        ("the highest of the last {0} {tf} candles", "直近{0}本の{tf}足の最高値"),
        _ROLLING,
        series=True,
        note="Of the highs, or of a series that stands in place of the timeframe.",
    ),
    _word(
        "lowest",
        "series",
        (_WINDOW,),
        ("the lowest of the last {0} {tf} candles", "直近{0}本の{tf}足の最安値"),
        _ROLLING,
        series=True,
        note="Of the lows, or of a series that stands in place of the timeframe.",
    ),
    _word(
        "sma",
        "series",
        (_WINDOW,),
        ("the simple average of {0} {tf} candles", "{tf}足{0}本の単純移動平均"),
        _ROLLING,
        series=True,
        column="SMA",
    ),
    _word(
        "ema",
        "series",
        (_SMOOTHED,),
        ("the exponential average of {0} {tf} candles", "{tf}足{0}本の指数移動平均"),
        (warmup.ema, warmup.own_period),
        series=True,
        note=_SEED_AVERAGE,
        column="EMA",
    ),
    _word(
        "wma",
        "series",
        (_WINDOW,),
        ("the weighted average of {0} {tf} candles", "{tf}足{0}本の加重移動平均"),
        _ROLLING,
        series=True,
        note="Linear weights, the newest highest.",
        column="WMA",
    ),
    _word(
        "rsi",
        "number",
        (_SMOOTHED,),
        ("the RSI of {0} {tf} candles", "{tf}足{0}期間のRSI"),
        (warmup.wilder, warmup.one_more),
        _OSCILLATOR,
        series=True,
        note="Wilder smoothing, seeded with the simple average of the first `period` changes. "
        "Unknown while nothing has moved at all (0 ÷ 0; TA-Lib says 0).",
    ),
    _word(
        "atr",
        "price",
        (_SMOOTHED,),
        ("the average true range of {0} {tf} candles", "{tf}足{0}期間のATR"),
        (warmup.wilder, warmup.one_more),
        _POSITIVE,
        note="Wilder smoothing; the first value is the simple average "
        "of the true ranges of candles 2 to `period` + 1 (other libraries start one earlier).",
    ),
    _word(
        "natr",
        "percent",
        (_SMOOTHED,),
        ("the average true range of {0} {tf} candles, in percent of the close", "{tf}足{0}期間のATR(終値比%)"),
        (warmup.wilder, warmup.one_more),
        _POSITIVE,
        note="As `atr`.",
    ),
    _word(
        "macd",
        "series",
        _MACD,
        ("the MACD line ({0}, {1}) of {tf} candles", "{tf}足のMACD({0}, {1})"),
        (warmup.macd, warmup.slow),
        series=True,
        order_of=(0, 1),
        note="Both averages are seeded so that they begin together, at the slow period (TA-Lib).",
    ),
    _word(
        "macd_signal",
        "series",
        _MACD,
        ("the MACD signal ({0}, {1}, {2}) of {tf} candles", "{tf}足のMACDシグナル({0}, {1}, {2})"),
        (warmup.macd_signal, warmup.slow_and_signal),
        series=True,
        order_of=(0, 1),
    ),
    _word(
        "macd_hist",
        "series",
        _MACD,
        ("the MACD histogram ({0}, {1}, {2}) of {tf} candles", "{tf}足のMACDヒストグラム({0}, {1}, {2})"),
        (warmup.macd_signal, warmup.slow_and_signal),
        series=True,
        order_of=(0, 1),
    ),
    _word(
        "bb_upper",
        "series",
        (_WINDOW, _DEVIATIONS),
        ("the upper Bollinger band ({0}, {1}) of {tf} candles", "{tf}足のボリンジャー上限({0}, {1}σ)"),
        _ROLLING,
        series=True,
        note="Population deviation.",
    ),
    _word(
        "bb_mid",
        "series",
        (_WINDOW, _DEVIATIONS),
        ("the middle Bollinger band ({0}, {1}) of {tf} candles", "{tf}足のボリンジャー中央({0}, {1}σ)"),
        _ROLLING,
        series=True,
    ),
    _word(
        "bb_lower",
        "series",
        (_WINDOW, _DEVIATIONS),
        ("the lower Bollinger band ({0}, {1}) of {tf} candles", "{tf}足のボリンジャー下限({0}, {1}σ)"),
        _ROLLING,
        series=True,
    ),
    _word(
        "bb_width",
        "percent",
        (_WINDOW, _DEVIATIONS),
        (
            "the width of the Bollinger bands ({0}, {1}) of {tf} candles, in percent of the middle",
            "{tf}足のボリンジャーバンド幅({0}, {1}σ、%)",
        ),
        _ROLLING,
        _POSITIVE,
        series=True,
    ),
    _word(
        "stoch_k",
        "number",
        _STOCH,
        ("the slow stochastic %K ({0}, {1}, {2}) of {tf} candles", "{tf}足のストキャスティクス%K({0}, {1}, {2})"),
        (warmup.stoch_k, warmup.stoch_k),
        _OSCILLATOR,
        note="Smoothed by simple averages. Unknown where the whole window has one price (0 ÷ 0).",
    ),
    _word(
        "stoch_d",
        "number",
        _STOCH,
        ("the slow stochastic %D ({0}, {1}, {2}) of {tf} candles", "{tf}足のストキャスティクス%D({0}, {1}, {2})"),
        (warmup.stoch_d, warmup.stoch_d),
        _OSCILLATOR,
        note="As `stoch_k`.",
    ),
    _word(
        "adx",
        "number",
        (_SMOOTHED,),
        ("the ADX of {0} {tf} candles", "{tf}足{0}期間のADX"),
        (warmup.directional, warmup.one_more),
        _OSCILLATOR,
        note="Wilder smoothing as TA-Lib seeds it: sums over `period` - 1 values, "
        "then the average of the first `period` DX.",
    ),
    _word(
        "plus_di",
        "number",
        (_SMOOTHED,),
        ("the +DI of {0} {tf} candles", "{tf}足{0}期間の+DI"),
        (warmup.wilder, warmup.one_more),
        _OSCILLATOR,
    ),
    _word(
        "minus_di",
        "number",
        (_SMOOTHED,),
        ("the -DI of {0} {tf} candles", "{tf}足{0}期間の-DI"),
        (warmup.wilder, warmup.one_more),
        _OSCILLATOR,
    ),
    _word(
        "cci",
        "number",
        (_int("period", 2, 1000),),
        ("the CCI of {0} {tf} candles", "{tf}足{0}期間のCCI"),
        _ROLLING,
        note="Unknown where the window has one price (0 ÷ 0).",
    ),
    _word(
        "mfi",
        "number",
        (_int("period", 2, 1000),),
        ("the money flow index of {0} {tf} candles", "{tf}足{0}期間のMFI"),
        _BACK,
        _OSCILLATOR,
        note="Unknown where no money flowed (0 ÷ 0).",
    ),
    _word(
        "obv",
        "base",
        (),
        ("the on-balance volume of {tf} candles", "{tf}足のOBV"),
        _BAR,
        note="Counted from the first candle that is loaded, so only differences "
        "mean something: it may be compared only with itself "
        "`n candles ago` or with its averages.",
    ),
    _word(
        "roc",
        "percent",
        (_WINDOW,),
        ("the change over {0} {tf} candles", "{tf}足{0}本前からの変化率"),
        _BACK,
        series=True,
    ),
    _word(
        "mom",
        "series",
        (_WINDOW,),
        ("the difference to {0} {tf} candles ago", "{tf}足{0}本前との差"),
        _BACK,
        series=True,
    ),
    _word(
        "willr",
        "number",
        (_int("period", 2, 1000),),
        ("the Williams %R of {0} {tf} candles", "{tf}足{0}期間のウィリアムズ%R"),
        _ROLLING,
        (Decimal(-100), _ZERO),
        note="Unknown where the window has one price (0 ÷ 0).",
    ),
    _word(
        "stdev",
        "series",
        (_int("period", 2, 1000),),
        ("the standard deviation of {0} {tf} candles", "{tf}足{0}本の標準偏差"),
        _ROLLING,
        series=True,
        note="Of the population (divided by n).",
    ),
    _word(
        "vwap",
        "price",
        (_WINDOW,),
        ("the volume-weighted price of the last {0} {tf} candles", "直近{0}本の{tf}足の出来高加重平均価格"),
        _ROLLING,
        _POSITIVE,
        note="Σ (high + low + close) ÷ 3 × volume ÷ Σ volume over the last `period` candles; unknown without volume.",
    ),
    _word(
        "zscore",
        "number",
        (_int("period", 2, 1000),),
        ("how many standard deviations the last {tf} candle is from the average of {0}", "{tf}足{0}本のZスコア"),
        _ROLLING,
        series=True,
        note="(value - sma) ÷ population deviation; unknown where nothing moved (0 ÷ 0).",
    ),
    _word(
        "supertrend",
        "price",
        _TREND,
        ("the supertrend ({0}, {1}) of {tf} candles", "{tf}足のスーパートレンド({0}, {1})"),
        (warmup.trend, warmup.one_more),
        note=f"Bands at (high + low) ÷ 2 ± multiplier × atr; the line that holds. "
        f"Never settles: computed from the last {PATH_WINDOW} candles, "
        "or from the symbol's whole life where that is loaded.",
    ),
    _word(
        "sar",
        "price",
        _SAR,
        ("the parabolic SAR ({0}, {1}) of {tf} candles", "{tf}足のパラボリックSAR({0}, {1})"),
        (warmup.path, warmup.two),
        note=f"Never settles: computed from the last {PATH_WINDOW} candles, "
        "or from the symbol's whole life where that is loaded.",
    ),
)
