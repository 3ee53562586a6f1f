"""``adopt`` and ``ignore``: two words, one way. Without ORDER they list what waits.

Exit codes: 0 done (or nothing waits), 1 something waits and no order was named, or the service is not armed after the
word, 2 no such order, 5 the service has not answered.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import format_option, state_option
from autotrader.cli._output import Column, emit_json, listed, say
from autotrader.cli._stores import folder_now_ms
from autotrader.money import grouped
from autotrader.service.control import Settled, settle, waiting_in
from autotrader.text import printable
from autotrader.trading.agree import Difference, Word

_MEANS = {
    "adopt": "it is ours now: rules and timers may touch it",
    "ignore": "no rule touches it; while it is open it counts in every limit",
}


_COLUMNS: tuple[Column[Difference], ...] = (
    Column("order", lambda one: one.client_order_id),
    Column("number", lambda one: "" if one.order_id is None else str(one.order_id)),
    Column("symbol", lambda one: one.symbol),
    Column("side", lambda one: one.side),
    Column("quantity", lambda one: _figure(one.quantity), right=True),
    Column("price", lambda one: _figure(one.price), right=True),
    Column("executed", lambda one: _figure(one.executed), right=True),
    Column("state", lambda one: one.state),
)


def settling(word: Word, text: str) -> click.Command:
    """The command of one word, with its help."""

    @click.command(word, help=text)
    @click.argument("order", required=False)
    @format_option
    @state_option
    def command(*, order: str | None, output: str, state: Path | None) -> int:
        place = folders(state).state
        return _list(place, word, output) if order is None else _say(place, order, word, output)

    return command


def _list(place: Path, word: Word, output: str) -> int:
    found = waiting_in(place)
    code = 1 if found else 0
    if output == "json":
        rows = [{"store": folder.name, **_data(one)} for folder, ones in found.items() for one in ones]
        return emit_json({"waiting": rows}, code)
    if not found:
        say("nothing waits for a word: journal and exchange agreed when they were compared last")
        return 0
    for folder, ones in found.items():
        if len(found) > 1:
            say(folder.name)
        say(listed(_COLUMNS, ones))
        for one in ones:
            say(f"  {printable(one.text)}")
    say(f"nothing is placed until each has a word: `autotrader {word} ORDER`")
    return code


def _say(place: Path, order: str, word: Word, output: str) -> int:
    done = settle(place, order, word, folder_now_ms)
    code = 1 if done.armed is False else 0
    if output == "json":
        facts = {"store": done.folder.name, "word": done.word, "order": _data(done.difference), "armed": done.armed}
        return emit_json({**facts, "reasons": list(done.reasons), "waiting": list(done.left)}, code)
    one = done.difference
    said = "adopted" if word == "adopt" else "ignored"
    what = (
        f": {one.side} {_figure(one.quantity)} {one.symbol} at {_figure(one.price)}, {one.state}" if one.symbol else ""
    )
    say(f"{said}  {one.client_order_id}{what}")
    say(f"  {_MEANS[word]}" if one.is_open else "  it has ended; what it traded stands in the records")
    say(f"  {_then(done)}")
    return code


def _then(done: Settled) -> str:
    if done.left:
        count = len(done.left)
        return f"{count} order{'s' * (count > 1)} still wait{'s' * (count == 1)} for a word: {', '.join(done.left)}"
    if done.armed is None:
        return "no service runs; the next `autotrader run` compares once more before it trades"
    if done.armed:
        return "the service has compared once more: journal and exchange agree, it goes on"
    return "the service is not armed yet and will ask again: " + printable("; ".join(done.reasons))


def _figure(value: object) -> str:
    return grouped(value) if isinstance(value, Decimal) else ""


def _data(one: Difference) -> dict[str, Any]:
    return {
        "client_order_id": one.client_order_id, "order_id": one.order_id, "symbol": one.symbol, "side": one.side,
        "quantity": one.quantity, "price": one.price, "executed": one.executed, "state": one.state,
        "open": one.is_open, "difference": one.text,
    }  # fmt: skip


adopt = settling(
    "adopt",
    "Make an order ours that start-up could not explain: it counts, rules and timers may touch it.\n\n"
    "ORDER is a client order id, the exchange's order number, or the beginning of one. Without it, list what waits. "
    "A running service compares once more and goes on.",
)
ignore = settling(
    "ignore",
    "Leave an order alone that start-up could not explain: no rule touches it, and it counts in limits while open.\n\n"
    "ORDER is a client order id, the exchange's order number, or the beginning of one. Without it, list what waits. "
    "A running service compares once more and goes on.",
)
