"""`autotrader eval`: the value of any expression now, or at the close of every candle of a file.

How a user tries a condition out before trusting it with money.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import base_url_option, config_option, formats, state_option
from autotrader.cli._output import emit_json, note, say, table
from autotrader.engine.rows import value_column, verdict_column
from autotrader.errors import ConfigError, RulesInvalid, UsageError
from autotrader.language.expression import Scope
from autotrader.language.meant import OFFLINE, guessed
from autotrader.language.render import as_text
from autotrader.language.tryout import Tried, measured, over_candles, tried, without_candles
from autotrader.market.candles import Candles
from autotrader.market.kline_text import read_klines
from autotrader.market.sources import LowerBound, Missing
from autotrader.market.timeframe import TIMEFRAMES, aggregated
from autotrader.money import plain
from autotrader.text import printable
from autotrader.views.now import evaluate_now

MAX_BYTES = 512 * 1024 * 1024
_SHOWN = 20  # rows of the text form


@click.command("eval")
@click.argument("expression")
@click.option("--symbol", required=True, metavar="S", help="The symbol that words without a prefix mean, e.g. BTCJPY.")
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="FILE", help="A file of candles (kline columns, header)."
)
@click.option("--interval", type=click.Choice(TIMEFRAMES), help="The file's timeframe; else read from its times.")
@click.option("--from-birth", is_flag=True, help="The file holds the symbol's whole life: no warm-up is waited for.")
@formats("text", "csv", "json")
@base_url_option
@config_option
@state_option
def eval_(  # noqa: PLR0913 - one argument per flag
    *,
    expression: str,
    symbol: str,
    data: Path | None,
    interval: str | None,
    from_birth: bool,
    output: str,
    base_url: str | None,
    config: Path | None,
    state: Path | None,
) -> int:
    """Say what EXPRESSION is worth: now, or with --data at the close of every candle of a file.

    Examples: autotrader eval 'rsi(14, 1h) < 30' --symbol BTCJPY --data BTCJPY-1h.csv

    autotrader eval 'change_24h' --symbol BTCJPY
    """
    parsed = parsed_or_refused(expression, symbol)
    if data is None:
        if interval or from_birth:
            raise UsageError("--interval and --from-birth belong to --data", hint="add --data FILE, or leave them out")

        place = folders(state).state
        return show_now(parsed, evaluate_now(expression, symbol, base_url=base_url, config=config, state=place), output)
    candles = read_candles(data, symbol, interval or "", from_birth=from_birth)
    return show_column(parsed, candles, output)


command = eval_


def scope_of(symbol: str) -> Scope:
    """What an expression may refer to here: the dated table of symbols, or one read from its name."""
    instruments = dict(OFFLINE)
    if symbol not in instruments:
        found = guessed(symbol)
        if found is None:
            hint = f"write `{symbol.upper()}`" if symbol.upper() in instruments else "such as BTCJPY"
            raise UsageError(f"`{printable(symbol)}` is not a symbol", hint=hint)
        instruments[symbol] = found
    return Scope(symbol=symbol, instruments=instruments)


def parsed_or_refused(expression: str, symbol: str) -> Tried:
    """The expression, checked; problems are shown with their place. Raises RulesInvalid."""
    parsed = tried(expression, scope_of(symbol))
    if parsed.problems:
        note(as_text(parsed.problems, {"expression": expression}), end="")
    if parsed.node is None:
        count = sum(problem.severity == "error" for problem in parsed.problems)
        raise RulesInvalid(f"{count} mistake{'' if count == 1 else 's'} in the expression")
    return parsed


def read_candles(path: Path, symbol: str, interval: str, *, from_birth: bool) -> Candles:
    """The candles of a file. Raises ConfigError where it cannot be read or is no file of candles."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_BYTES // 2**20} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
    return read_klines(text, str(path), symbol, interval, from_birth=from_birth)


def column_over(parsed: Tried, candles: Candles) -> list[Any]:
    """The value at the close of every candle: a number, True, False, or None where it is not known.

    Raises UsageError where a word has no meaning in this file.
    """
    node = over_candles(parsed.node, candles.timeframe)
    foreign = without_candles(node)
    if foreign:
        words = "candle words, `last`, `change(…)` and the 24 hour words"
        hint = f"a file answers {words}; leave --data out to ask the exchange"
        raise UsageError(f"`{foreign[0]}` cannot be known from candles of {candles.timeframe}", hint=hint)
    made: dict[str, Candles | str] = {}

    def series(symbol: str, timeframe: str) -> Candles | str:
        if symbol != candles.symbol:
            raise UsageError(f"the file holds {candles.symbol}, and the expression asks for {symbol}")
        if timeframe not in made:
            made[timeframe] = aggregated(candles, timeframe)
        found = made[timeframe]
        if isinstance(found, str) and "cannot be made" in found:
            raise UsageError(found, hint="use a timeframe that the file's candles make up")
        return found

    if parsed.condition is not None:
        answers = verdict_column(node, series, candles).tolist()
        return [None if answer < 0 else bool(answer) for answer in answers]
    numbers = value_column(node, series, candles).tolist()
    return [None if number != number or abs(number) == float("inf") else number for number in numbers]  # noqa: PLR0124


def show_column(parsed: Tried, candles: Candles, output: str) -> int:
    """Print a column in the asked form."""
    values, opens = column_over(parsed, candles), candles.open_ms.tolist()
    if output == "csv":
        rows = (f"{moment},{cell(value)}" for moment, value in zip(opens, values, strict=True))
        say("\n".join(("open_time,value", *rows)))
        return 0
    if output == "json":
        pairs = [{"open_time": moment, "value": value} for moment, value in zip(opens, values, strict=True)]
        kind = "condition" if parsed.condition is not None else "value"
        head = {"expression": parsed.text, "symbol": candles.symbol, "interval": candles.timeframe, "kind": kind}
        return emit_json({**head, "unit": measured(parsed.unit), "rows": pairs})
    _show_text(parsed, candles, values)
    return 0


def cell(value: float | bool | None) -> str:  # noqa: FBT001 - a table's cell
    """One value as text: `true`, `false`, the shortest exact number, or nothing where it is not known."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _show_text(parsed: Tried, candles: Candles, values: Sequence[Any]) -> None:
    unit = measured(parsed.unit)
    rows = []
    for index in range(max(0, len(values) - _SHOWN), len(values)):
        opened = datetime.fromtimestamp(int(candles.open_ms[index]) / 1000, tz=UTC)
        shown = cell(values[index]) or "unknown"
        rows.append([f"{opened:%Y-%m-%d %H:%M}", repr(float(candles.close[index])).removesuffix(".0"), shown])
    say(table(["candle opens (UTC)", "close", f"value {unit}".strip()], rows, right={1, 2}))
    unknown = sum(value is None for value in values)
    if parsed.condition is not None:
        true = sum(value is True for value in values)
        say(f"{len(values):,} candles: true {true:,}, false {len(values) - true - unknown:,}, unknown {unknown:,}")
    else:
        say(f"{len(values):,} candles: known {len(values) - unknown:,}, unknown {unknown:,}")


def show_now(parsed: Tried, answer: Any, output: str) -> int:
    """Print what an expression is worth at this moment; an unknown value says why."""
    reason = answer.reason if isinstance(answer, Missing) else ""
    unit = measured(parsed.unit)
    if isinstance(answer, Missing):
        shown = ""
    elif isinstance(answer, LowerBound):
        shown, reason = "", f"at least {plain(answer.value)}"
    elif isinstance(answer, bool):
        shown = str(answer).lower()
    else:
        shown = repr(answer) if isinstance(answer, float) else plain(answer)
    if output == "json":
        return emit_json({"expression": parsed.text, "value": shown or None, "unit": unit, "reason": reason})
    if output == "csv":
        say(f"value\n{shown}")
    else:
        say(f"{shown} {unit}".strip() if shown else f"unknown: {reason}")
    return 0
