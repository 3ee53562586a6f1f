"""A typed tree back to text: as one would write it (`written`), and as an English sentence (`in_words`).

What `written` gives can be parsed again into the same tree; the sentences come from each word's entry in the
vocabulary, so that what a user reads back is what the engine will do and not what the user typed.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from autotrader.language.algebra import CALLED, OPERATIONS
from autotrader.language.expression.arguments import literal_text
from autotrader.language.relations import RELATIONS
from autotrader.language.tree import (
    AtLeast,
    Condition,
    Cross,
    Flag,
    For,
    Kind,
    Literal,
    Named,
    Not,
    OfLast,
    Operation,
    Plain,
    Relation,
    Term,
    Value,
    Window,
)
from autotrader.language.vocabulary import VOCABULARY
from autotrader.money import grouped, plain
from autotrader.times import EVERY_DAY, days_text, minute_text, span_text, zone_text

_DIRECTION = {"up": "crosses above", "down": "crosses below", "either": "crosses"}


# ---------------------------------------------------------------------------------------------------- as written
def written(node: Value, symbol: str = "") -> str:
    """A value in the language's own form; words of `symbol` stand without prefix."""
    match node:
        case Literal():
            return node.text
        case Term():
            return _term(node, symbol)
        case Operation() if _is_ticks(node):
            return _ticks(node)
        case Operation():
            return OPERATIONS[node.op].written.format(*_sides(node, symbol, written))


def _term(term: Term, symbol: str) -> str:
    args = [_argument(arg) for arg in term.args]
    if term.series is not None:
        args.append(_term(term.series, term.symbol))
    elif term.timeframe:
        args.append(term.timeframe)
    prefix = f"{term.symbol}." if term.symbol not in ("", symbol) and not term.word.startswith("order.") else ""
    text = f"{prefix}{term.word}" + (f"({', '.join(args)})" if args else "")
    if term.shift:
        text += f" {term.shift} candle{'s' if term.shift > 1 else ''} ago"
    return text


def _argument(arg: Decimal | str | Literal) -> str:
    if isinstance(arg, Literal):
        return literal_text(arg.value, arg.unit)
    return plain(arg) if isinstance(arg, Decimal) else arg


def _sides(node: Operation, symbol: str, said: Callable[[Value, str], str]) -> tuple[str, str]:
    """Both sides of an operation; in parentheses where they bind less than it does."""
    level = OPERATIONS[node.op].level
    if level == CALLED:
        return said(node.left, symbol), said(node.right, symbol)
    left, right = said(node.left, symbol), said(node.right, symbol)
    return (
        f"({left})" if _level(node.left) < level else left,
        f"({right})" if _level(node.right) <= level else right,
    )


def _level(node: Value) -> int:
    return CALLED if not isinstance(node, Operation) or _is_ticks(node) else OPERATIONS[node.op].level


def _ticks(node: Operation) -> str:
    count = written(node.left)
    return f"{count} tick{'' if count == '1' else 's'}"


def _is_ticks(node: Operation) -> bool:
    return isinstance(node.right, Term) and node.right.word == "tick" and isinstance(node.left, Literal)


def written_condition(node: Condition, symbol: str = "") -> str:
    """A condition in the language's own form. Combinators, which are structure, stand as `all(a; b)` for reading."""
    match node:
        case For():
            return f"{written_condition(node.part, symbol)} for {span_text(node.span_ms)}"
        case OfLast():
            how = "within" if node.form == "within" else f"{node.least} of"
            return f"{written_condition(node.part, symbol)} {how} last {_counted(node.count, node.timeframe)}"
        case Named():
            return f"signal({node.name})"
        case Not():
            return f"not({written_condition(node.part, symbol)})"
        case AtLeast():
            name = f"at_least({node.count})" if node.form == "at_least" else node.form
            return f"{name}({'; '.join(written_condition(part, symbol) for part in node.parts)})"
        case _:
            return _plain(node, symbol)


def _counted(count: int, timeframe: str) -> str:
    noun = "candle" if timeframe else "check"
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _plain(node: Plain, symbol: str) -> str:
    match node:
        case Relation():
            return RELATIONS[node.name].written.format(*(written(side, symbol) for side in node.sides))
        case Cross():
            zone = f" by {written(node.dead_zone, symbol)}" if node.dead_zone is not None else ""
            return f"{written(node.left, symbol)} {_DIRECTION[node.direction]} {written(node.right, symbol)}{zone}"
        case Flag():
            return node.term.word if node.term is not None else "time in " + ", ".join(map(window_text, node.windows))


def window_text(window: Window) -> str:
    """A time window as it is written: `09:00-18:00 JST mon-fri`."""
    end = window.end_minute or 24 * 60  # the end of a day, not its beginning
    text = f"{minute_text(window.start_minute)}-{minute_text(end)} {zone_text(window.zone)}"
    return text if window.days == EVERY_DAY else f"{text} {days_text(window.days)}"


# ---------------------------------------------------------------------------------------------------- in words
def value_in_words(node: Value, symbol: str = "") -> str:
    """A value as an English phrase."""
    match node:
        case Literal():
            return _literal_in_words(node)
        case Term():
            return _term_in_words(node, symbol)
        case Operation() if _is_ticks(node):
            return _ticks(node)
        case Operation():
            return OPERATIONS[node.op].english.format(*_sides(node, symbol, value_in_words))


def _literal_in_words(literal: Literal) -> str:
    value = literal.value
    shown = grouped(value)
    if literal.unit.kind is Kind.DURATION:
        shown = span_text(int(value))
    elif literal.unit.kind is Kind.PERCENT:
        shown += "%"
    elif literal.unit.asset:
        shown += f" {literal.unit.asset}"
    return f"{shown} (${literal.param})" if literal.param else shown


def _argument_in_words(arg: Decimal | str | Literal) -> str:
    if isinstance(arg, Literal):
        return f"{grouped(arg.value)} levels" if arg.unit.kind is Kind.COUNT else _literal_in_words(arg)
    return f"this {arg}" if arg in ("day", "week", "month") else _argument(arg)


def _term_in_words(term: Term, symbol: str) -> str:
    word = VOCABULARY[term.word]
    args = [_argument_in_words(arg) for arg in term.args]
    phrase = word.english
    if term.series is not None:
        series = _term(term.series, term.symbol)
        whole = f"{{tf}} candles of {series}"
        phrase = phrase.replace("{tf} candles", whole) if "{tf} candles" in phrase else f"{phrase} (of {series})"
    for index, arg in enumerate(args):
        phrase = phrase.replace(f"{{{index}}}", arg)
    phrase = phrase.replace("{tf}", term.timeframe)
    if term.symbol not in ("", symbol):
        phrase += f" of {term.symbol}"
    return f"{phrase}, {term.shift} candle{'s' if term.shift > 1 else ''} ago" if term.shift else phrase


def in_words(node: Condition, symbol: str = "") -> str:
    """A condition as an English sentence without its full stop."""
    match node:
        case For():
            return f"{in_words(node.part, symbol)} for at least {span_text(node.span_ms)}"
        case OfLast():
            least = "one" if node.form == "within" else node.least
            return f"at {least} of the last {_counted(node.count, node.timeframe)} {in_words(node.part, symbol)}"
        case Named():
            return f"the signal {node.name} holds ({in_words(node.part, symbol)})"
        case Not():
            return f"it is not so that {in_words(node.part, symbol)}"
        case AtLeast(form="all"):
            return " and ".join(_grouped_words(part, symbol) for part in node.parts)
        case AtLeast(form="any"):
            return "either " + " or ".join(_grouped_words(part, symbol) for part in node.parts)
        case AtLeast():
            return f"at least {node.count} of these hold: " + "; ".join(in_words(part, symbol) for part in node.parts)
        case _:
            return _plain_in_words(node, symbol)


def _grouped_words(node: Condition, symbol: str) -> str:
    text = in_words(node, symbol)
    return f"({text})" if isinstance(node, AtLeast) else text


def _plain_in_words(node: Plain, symbol: str) -> str:
    match node:
        case Relation():
            return RELATIONS[node.name].english.format(*(value_in_words(side, symbol) for side in node.sides))
        case Cross():
            zone = f", by more than {value_in_words(node.dead_zone, symbol)}" if node.dead_zone is not None else ""
            right = value_in_words(node.right, symbol)
            return f"{value_in_words(node.left, symbol)} {_DIRECTION[node.direction]} {right}{zone}"
        case Flag():
            if node.term is not None:
                return VOCABULARY[node.term.word].english
            return "the time is in " + " or ".join(map(window_text, node.windows))
