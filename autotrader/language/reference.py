"""The reference of the rule language, as Markdown: its words from the vocabulary, its keys from the forms themselves.

`docs/rule-reference.md` is this text; a test fails when the two differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from autotrader.language.account_file import keys_of
from autotrader.language.actions import ACTIONS
from autotrader.language.expression.check import UNSUPPORTED
from autotrader.language.reading import choices, fields_of
from autotrader.language.relations import RELATIONS, RelationEntry
from autotrader.language.rule_file import WrittenFile, WrittenOrderFilter, WrittenParam, WrittenRule
from autotrader.language.settings import ExchangeSettings, Limits, Settings, Witness
from autotrader.language.vocabulary import GROUPS
from autotrader.language.vocabulary.limits import ACCOUNT_MS, BOOK_MS, TICKER_MS
from autotrader.language.vocabulary.warmup import SEED_WEIGHT
from autotrader.language.vocabulary.word import Param, Word
from autotrader.market.timeframe import TIMEFRAMES
from autotrader.money import plain
from autotrader.times import span_text

_TITLES = {
    "ticker": "Ticker (24 hours)",
    "trading day": "Trading day",
    "book": "Order book",
    "window": "Window of minutes",
    "candle": "Closed candles",
    "balances": "Balances of the whole account",
    "own record": "autotrader's own record",
    "one order": "One order",
    "health": "Data and connection",
}
_UNITS = {
    "price": "price (quote per base)",
    "base": "amount of base",
    "quote": "amount of quote",
    "asset": "amount of that asset",
    "percent": "percent",
    "number": "number",
    "count": "count",
    "duration": "duration",
    "text": "text (notifications only)",
    "series": "as the series (price by default)",
    "flag": "condition",
}
_FORMS = (
    ("A rule file", WrittenFile), ("A parameter, below `params`", WrittenParam), ("A rule, below `rules`", WrittenRule),
    ("`for_each_order`", WrittenOrderFilter),
)  # fmt: skip
_SECTIONS = (("", Settings), ("`exchange`", ExchangeSettings), ("`limits`", Limits), ("`witness`", Witness))
_HEAD = f"""# Reference

<!-- Written by the program from its vocabulary, its actions and its settings; edits belong there. -->

The [words](#ticker-24-hours) of expressions, the [keys of a rule file](#keys-of-a-rule-file) with the
[actions](#actions), and the [keys of the account file](#keys-of-the-account-file).

A word stands where a value stands: `rsi(14, 1h) < 30`, `last > sma(200, 1d)`. Words without a prefix speak of the
rule's symbol; `ETHJPY.last` is another symbol's. Timeframes (`tf`) are {", ".join(f"`{each}`" for each in TIMEFRAMES)}:
`1m` is a minute and `1M` a month. Candles are UTC and closed; `close(1h) 1 candle ago` is the one before the last.

**Ages.** Ticker words are unknown when the ticker is older than {span_text(TICKER_MS)}, book words after
{span_text(BOOK_MS)}, balances after {span_text(ACCOUNT_MS)}. Candle words are unknown while the latest expected
candle is missing, and while a candle is missing inside the word's own period. Unknown is neither true nor false.

**Seeding and warm-up.** Candle words follow TA-Lib. Where an average is smoothed exponentially (EMA, and Wilder's in
RSI, ATR, ADX) it is seeded with the simple average of its first values: EMA of n candles begins at candle n, RSI and
ATR at candle n + 1 (the first candle has no previous close), ADX at candle 2n; both averages of MACD are seeded so
that they begin together, at the slow period. Other libraries seed differently; after some hundred candles all agree.
A value is known once its seed weighs at most {SEED_WEIGHT:g} (the column “candles needed”), or at once where the
symbol's whole life is loaded. 0 ÷ 0, as in a market that never moved, is unknown.
"""


_CONDITIONS = """
## Conditions

A condition says one thing of a value; the sides carry units as values do.

"""
_CROSSINGS = """\
- `value crosses above threshold`, `crosses below`, `crosses`, perhaps `by d`: the value changes its side.

Behind a condition may stand `for 5m`, `within last 3 candles`, `2 of last 5 candles` (or `checks`).

**Exactness.** Values that the exchange sends as text compare exactly. Where a word of candles takes part, both sides
are compared after rounding to 12 significant digits of the largest number that went into the comparison: the
difference of two equal averages is 0, and `roc(5, 1m) <= -10%` holds at exactly -10 %. A division by zero is unknown.
"""


def rendered() -> str:
    """The whole page."""
    parts = [_HEAD, _CONDITIONS, *(_relation(entry) for entry in RELATIONS.values()), _CROSSINGS]
    for group in GROUPS:
        words = [word for word in group if not word.hidden]
        parts.append(f"\n## {_TITLES[words[0].group]}\n")
        parts += [_entry(word) for word in words]
    parts += _keys()
    unsupported = ", ".join(f"`{name}`" for name in sorted(UNSUPPORTED))
    parts.append(f"\n## Not yet supported\n\n{unsupported}, and the prefixes `my.` and `rule(id).`\n")
    return "".join(parts)


def _relation(entry: RelationEntry) -> str:
    sides = ["distance" if side == "within" else side for side in entry.sides]
    return f"- `{entry.written.format(*sides)}`: {entry.english.format(*sides)}.\n"


def _entry(word: Word) -> str:
    lines = [
        f"\n### `{word.name}`\n",
        f"`{word.signature}` — {_UNITS[word.measure]}{_range(word)}. {_sentence(word)}\n",
    ]
    if word.params:
        lines.append("\n".join(f"- `{param.name}`: {_param(param)}" for param in word.params) + "\n")
    if word.takes_series:
        lines.append(f"A candle series may stand in place of `tf`: `{_series_example(word)}`.\n")
    if word.warmup is not None:
        lines.append(f"Candles needed: {_needed(word)}.\n")
    if word.note:
        lines.append(f"{word.note}\n")
    return "\n".join(lines)


def _sentence(word: Word) -> str:
    names = [param.name for param in word.params]
    english, japanese = word.english, word.japanese
    for index, name in enumerate(names):
        english, japanese = english.replace(f"{{{index}}}", name), japanese.replace(f"{{{index}}}", name)
    return f"{english[0].upper()}{english[1:]}. / {japanese}。".replace("{tf}", "tf")


def _range(word: Word) -> str:
    low, high = word.lowest, word.highest
    if low is not None and high is not None:
        return f", {plain(low)} to {plain(high)}"
    return f", {plain(low)} or more" if low is not None else ""


def _param(param: Param) -> str:
    if param.choices:
        return "one of " + ", ".join(f"`{choice}`" for choice in param.choices)
    kinds = {
        "asset": "an asset, such as `JPY`",
        "amount": "an amount of quote, such as `50_000 JPY`",
        "window": f"`day`, `week`, `month`, or a duration up to {span_text(int(param.high))}",
        "duration": f"a duration from {span_text(int(param.low))} to {span_text(int(param.high))}",
        "percent": f"a percentage from {_bound(param.low)}% to {_bound(param.high)}%",
        "distance": f"a percentage from {_bound(param.low)}% to {_bound(param.high)}%, or levels (`5 levels`)",
        "integer": f"a whole number from {_bound(param.low)} to {_bound(param.high)}",
        "number": f"a number from {_bound(param.low)} to {_bound(param.high)}",
    }
    return kinds[param.kind]


def _bound(value: Decimal) -> str:
    return plain(value)


def _series_example(word: Word) -> str:
    return word.example.replace("1h", "volume(1h)")


def _needed(word: Word) -> str:
    """How many candles, for the usual arguments."""
    usual = word.example
    inside = usual[usual.index("(") + 1 : -1].split(", ")[:-1]
    numbers = tuple(Decimal(each) for each in inside)
    count = word.warmup(numbers) if word.warmup is not None else 0
    return f"{count:,} for `{usual}`" if numbers else f"{count:,}"


# ------------------------------------------------------------------------------------------------ keys
def _keys() -> Iterator[str]:
    yield "\n## Keys of a rule file\n"
    for title, form in _FORMS:
        yield f"\n### {title}\n\n{_keys_of_form(form)}"
    yield "\n### Actions\n\nOne action an item of `then`.\n"
    for kind in ACTIONS:
        title = ", ".join(f"`{key}`" for key, _, _ in kind.written)
        _, form, about = kind.written[0]
        said = about or (form.__doc__ or "").strip().partition("\n")[0]
        below = _keys_of_form(form) if isinstance(form, type) else ""
        yield f"\n#### {title}\n\n{said[0].upper()}{said[1:].rstrip('.')}.\n" + (f"\n{below}" if below else "")
    yield "\n## Keys of the account file\n"
    for title, section in _SECTIONS:
        yield (f"\n### {title}\n" if title else "") + "\n"
        yield "".join(f"- `{name}`{': ' if key.about else ''}{key.about}\n" for name, _, key in keys_of(section))


def _keys_of_form(form: Any) -> str:
    """A line for each key: what it is, and which words it takes."""
    lines = []
    for name, (annotation, about) in fields_of(form).items():
        words = [word for each in choices(annotation) if get_origin(each) is Literal for word in get_args(each)]
        said = [about] if about else []
        said += ["one of " + ", ".join(f"`{word}`" for word in words)] if len(words) > 1 else []
        lines.append(f"- `{name}`{': ' if said else ''}{'; '.join(said)}\n")
    return "".join(lines)
