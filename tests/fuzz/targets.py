"""What is fuzzed: three doors through which text of strangers comes in. Bytes in, nothing out, or an exception.

`loader` reads bytes as a rule file and as an account file, `expression` as one line of rule text, `reply` as a body of
the exchange. An exception that is not a documented answer is a finding, and so is an answer that breaks its promise:
a problem without a place in the file, a value that reads back as another one, a text that no record can hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

from autotrader.exchanges.binance import account_replies as own
from autotrader.exchanges.binance import errors
from autotrader.exchanges.binance import market_replies as public
from autotrader.exchanges.messages import Reply
from autotrader.exchanges.reading import BadJson, BadReply, parse
from autotrader.language.account_file import load_settings
from autotrader.language.expression import (
    Origin,
    SignalUse,
    parse_condition,
    parse_duration_ms,
    parse_literal,
    parse_template,
    parse_value,
    parse_windows,
)
from autotrader.language.load import load, sources_of
from autotrader.language.problems import Problem
from autotrader.language.readback import in_words, value_in_words, written, written_condition
from autotrader.language.render import as_text
from autotrader.language.tree import Kind
from autotrader.language.yaml_text import MAX_BYTES
from tests.language.scopes import ORIGIN, SCOPE, bare

FILE = "f.yaml"


class Broken(AssertionError):
    """An answer that breaks a promise."""


def need(kept: bool, *said: object) -> None:
    """A promise. Raises Broken."""
    if not kept:
        raise Broken(*said)


# -------------------------------------------------------------------------------------------------------- rule files
def loader(data: bytes) -> None:
    """Rule files and account files: a plan or errors, each error inside the file with something to say about it."""
    plan, problems = load({FILE: data})
    _answered(plan, problems, data)
    settings, found = load_settings(FILE, data)
    _answered(settings, found, data)
    if plan is not None:
        need(load({FILE: data})[0] == plan, "a second load gives another plan")


def _answered(found: object, problems: tuple[Problem, ...], data: bytes) -> None:
    failed = [each for each in problems if each.severity == "error"]
    need((found is None) == bool(failed), "neither errors nor a result, or both")
    if len(data) > MAX_BYTES:
        return
    rows = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    for each in problems:
        line, column = each.place.line, each.place.column
        need(1 <= line <= len(rows), "a line outside of the file", each)
        need(1 <= column <= len(rows[line - 1]) + 1, "a column outside of its line", each)
        need(bool(each.message), "nothing is said", each)
        need(bool(each.hint) or each.severity != "error", "an error without a fix", each)
    shown = as_text(problems, sources_of({FILE: data}))
    need(all(sign == "\n" or sign.isprintable() for sign in shown), "what is shown holds a control character")


# ------------------------------------------------------------------------------------------------------- expressions
def expression(data: bytes) -> None:
    """One line of rule text, read as each of the kinds that a rule has; what was understood reads back as the same."""
    text = data.decode("utf-8", "replace")
    condition, problems = parse_condition(text, ORIGIN, "k", SCOPE)
    _placed(condition, problems, text)
    if condition is not None and not isinstance(condition, SignalUse):
        again = parse_condition(written_condition(condition, "BTCJPY"), Origin("f", 1, 1), "k", SCOPE)[0]
        need(again is not None and bare(again) == bare(condition), "read back as another condition")
        need(bool(in_words(condition, "BTCJPY")), "no words for a condition")
    value, problems = parse_value(text, ORIGIN, SCOPE)
    _placed(value, problems, text)
    if value is not None:
        need(parse_value(written(value, "BTCJPY"), ORIGIN, SCOPE)[0] == value, "read back as another value")
        need(bool(value_in_words(value, "BTCJPY")), "no words for a value")
    _placed(*parse_literal(text, ORIGIN, frozenset(Kind), SCOPE), text)
    _placed(*parse_template(text, ORIGIN, SCOPE), text)
    _placed(*parse_duration_ms(text, ORIGIN), text)
    _placed(*parse_windows(text, ORIGIN, "UTC"), text)


def _placed(found: object, problems: tuple[Problem, ...], text: str) -> None:
    need((found is None) == any(each.severity == "error" for each in problems), "neither errors nor a result, or both")
    last = ORIGIN.column + max(len(text), 1)
    for each in problems:
        need(ORIGIN.column <= each.place.column < last, "a column outside of the text", each)
        need(bool(each.message), "nothing is said", each)


# ----------------------------------------------------------------------------------------------------------- replies
def _fills(data: Any) -> Any:
    return own.order_fills(data, own.ORDER.read(data))


def _book(data: Any) -> Any:
    return public.BOOK.read(data, symbol="BTCJPY", asked_levels=100, asked_ms=1)


READERS: Mapping[str, Callable[[Any], Any]] = {
    "ticker": partial(public.TICKER.read, asked_ms=1), "price": public.LAST_PRICE.read, "book": _book,
    "best": partial(public.BEST.read, asked_ms=1), "klines": public.klines, "agg_trades": public.PUBLIC_TRADE.rows,
    "average": public.AVERAGE_PRICE.read, "server_time": public.SERVER_TIME.read,
    "system_status": partial(public.SYSTEM_STATUS.read, asked_ms=1), "exchange_info": public.EXCHANGE_INFO.read,
    "order": own.ORDER.read, "cancelled": own.CANCELLED.read, "orders": own.ORDER.rows, "fills": _fills,
    "my_trades": own.MY_TRADE.rows, "account": own.ACCOUNT.read, "user_assets": own.WALLET_ASSET.rows,
    "commission": own.COMMISSION.read, "tested": own.ORDER_TEST.read, "restrictions": own.KEY_PERMISSIONS.read,
    "order_counts": own.ORDER_COUNT.rows,
}  # fmt: skip


def reply(data: bytes) -> None:
    """A body of the exchange, given to every reader: a value whose parts a record can hold, or one that is refused."""
    read = errors.failure(Reply(400, {}, data))
    need(read.text.isprintable() and len(read.text) <= 200, "a refusal that cannot be shown")
    for status in (200, 400, 503):
        found = dataclasses.replace(read, status=status)
        errors.submit_outcome(found)
        errors.cancel_outcome(found)
        errors.exception(found, "call")
    try:
        body = parse(data)
    except BadJson as refused:
        need(str(refused).isprintable(), "a refusal that cannot be shown")
        return
    for name, reader in READERS.items():
        with suppress(BadReply):
            for part in _parts(reader(body)):
                _holds(part, name)


def _parts(found: Any) -> Iterator[Any]:
    """All numbers and texts in a typed value."""
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        for each in dataclasses.fields(found):
            yield from _parts(getattr(found, each.name))
    elif isinstance(found, Mapping):
        for key, value in found.items():
            yield from (*_parts(key), *_parts(value))
    elif isinstance(found, list | tuple | frozenset | set):
        for each in found:
            yield from _parts(each)
    else:
        yield found


def _holds(part: Any, reader: str) -> None:
    match part:
        case bool() | None | Enum():
            pass
        case Decimal():
            need(part.is_finite(), reader, "a number that is none")
        case int():
            need(-(2**63) <= part < 2**63, reader, "a number that no record can hold")
        case str():
            need(not any("\ud800" <= sign <= "\udfff" for sign in part), reader, "a text that no record can hold")
        case _:
            raise Broken(reader, f"an untyped part: {type(part).__name__}")


TARGETS: Mapping[str, Callable[[bytes], None]] = {"loader": loader, "expression": expression, "reply": reply}


def signature(error: BaseException) -> str:
    """What tells findings apart: the kind of exception, what a broken promise says, and the innermost place of ours."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "/autotrader/" in code.co_filename or "targets" in code.co_filename:
            place = f"{code.co_filename.rpartition('/')[2]}:{code.co_name}"
        trace = trace.tb_next
    said = [getattr(arg, "code", "") or str(arg)[:60] for arg in error.args] if isinstance(error, Broken) else []
    return f"{type(error).__name__} {', '.join(said)} {place}"
