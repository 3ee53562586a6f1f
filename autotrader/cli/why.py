"""``autotrader why RULE``: why a rule fired, or did not. Reads the records only: no network, no lock."""

from __future__ import annotations

from pathlib import Path

import click

from autotrader.cli._options import format_option, state_option
from autotrader.cli._output import emit_json, say, styled
from autotrader.cli._stores import at_ms, open_for_reading, store_now_ms
from autotrader.cli._story import story_text
from autotrader.errors import UsageError
from autotrader.text import printable
from autotrader.views.day import Day
from autotrader.views.why import Explainer, Explanation


@click.command("why")
@click.argument("rule")
@click.option("--at", metavar="TIME", help="Then, not now: 09:00, 2026-11-22T09:00, or a span back such as 6h.")
@click.option("--symbol", metavar="S", help="Of a rule over several symbols, only this one.")
@format_option
@state_option
def command(*, rule: str, at: str | None, symbol: str | None, output: str, state: Path | None) -> int:
    """Say why RULE fired or did not: every condition with its value, how far it was off, and what else blocks.

    The last evaluation counts, or with --at the last one up to that time.
    """
    with open_for_reading(state) as store:
        teller = Explainer(store)
        teller.known(rule)
        plan = teller.newest_plan()
        zone = plan.settings.timezone if plan is not None else "Asia/Tokyo"
        now_ms = store_now_ms(store)
        moment = None if at is None else at_ms(at, now_ms, zone)
        told = teller.explain(rule, moment, symbol)
        if not told:
            return _nothing(teller, rule, symbol, at, output)
        answers = [
            (one, teller.day(rule, one.decision.symbol, one.time_ms if moment is None else moment)) for one in told
        ]
    if output == "json":
        return emit_json({"rule": rule, "decisions": [one.as_json(day) for one, day in answers]})
    _show(answers, past=at is not None)
    return 0


def _show(answers: list[tuple[Explanation, Day]], *, past: bool) -> None:
    for index, (told, day) in enumerate(answers):
        if index:
            say()
        last = index == len(answers) - 1 or answers[index + 1][0].decision.symbol != told.decision.symbol
        for line in story_text(told, day if last else None, past=past):
            shown = list(line)
            while shown and not shown[-1][0].strip():
                shown.pop()
            if shown:
                shown[-1] = (shown[-1][0].rstrip(), shown[-1][1])
            say("".join(styled(text, style) if style else text for text, style in shown))


def _nothing(teller: Explainer, rule: str, symbol: str | None, at: str | None, output: str) -> int:
    """The rule is known, and there is no evaluation of it."""
    plan = teller.newest_plan()
    mine = [] if plan is None else [one for one in plan.rules if one.id == rule and symbol in (None, one.symbol)]
    if symbol is not None and plan is not None and not mine:
        symbols = ", ".join(sorted({one.symbol for one in plan.rules if one.id == rule}))
        if symbols:
            raise UsageError(f"{rule} does not run on {symbol}", hint=f"it runs on {symbols}")
        reason = "it is no rule of the plan any more, and there is no record of that symbol"
    elif any(one.for_each_order is not None for one in mine):
        reason = "it looks at each open order of its kind, and there was none to look at"
    elif any(not one.enabled for one in mine):
        reason = "it is not enabled"
    else:
        reason = "it has not been evaluated" + (" by that time (evaluations are kept for 30 days)" if at else " yet")
    if output == "json":
        return emit_json({"rule": rule, "decisions": [], "reason": reason})

    say(printable(f"{rule}: no decision: {reason}"))
    return 0
