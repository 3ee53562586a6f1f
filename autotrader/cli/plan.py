"""``autotrader plan``: what would happen now, with reasons. Reads the market, sends nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import base_url_option, config_option, format_option, state_option
from autotrader.cli._output import emit_json, note, say, styled
from autotrader.cli._worlds import project_of
from autotrader.money import money_text, price_text
from autotrader.records.orders import gone_texts
from autotrader.text import fitted, printable, width
from autotrader.times import age_text, time_text
from autotrader.views.now import plan_now
from autotrader.views.plan import PlanEntry, PlanView

PENDING = 3
_STYLES = {"+": "green", "-": "red", "»": "cyan", "⏸": "yellow", "✗": "", "?": "yellow", "=": ""}


@click.command("plan")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 where orders or cancels are pending.")
@format_option
@base_url_option
@config_option
@state_option
def command(
    *,
    detailed_exitcode: bool,
    output: str,
    base_url: str | None,
    config: Path | None,
    state: Path | None,
) -> int:
    """Evaluate every enabled rule as if it were due now, and list orders and cancels with reasons. Sends nothing.

    Account and orders are those of dry-run; no key is read. Works beside a running service.
    """
    looked = plan_now(project_of(config, base_url), folders(state).state)
    entries = looked.entries()
    pending = sum(entry.mark in "+-" for entry in entries)
    code = PENDING if detailed_exitcode and pending else 0
    if output == "json":
        return emit_json(looked.as_json(), code)
    _show(looked, entries)
    return code


# --------------------------------------------------------------------------------------------------------- the page
def _show(looked: PlanView, entries: Sequence[PlanEntry]) -> None:
    say(_market(looked))
    if looked.halt is not None:
        say(styled(f"  {printable(looked.halt.text)}; `autotrader resume` lifts it", "yellow"))
    for text in gone_texts(looked.gone):
        say(styled(f"  {printable(text)}; `autotrader orders` lists them", "yellow"))
    several = len({rule.symbol for rule in looked.plan.rules}) > 1
    names = [entry.rule + (f" {entry.symbol}" if several else "") for entry in entries]
    columns = min(28, max(map(width, names), default=0))
    for name, entry in zip(names, entries, strict=True):
        mark = styled(entry.mark, _STYLES[entry.mark]) if _STYLES[entry.mark] else entry.mark
        say(f"  {mark} {fitted(name, columns)}  {entry.text}")
        if entry.because:
            say(f"    {' ' * columns}  {styled(entry.because, 'grey')}")
    idle = [rule.id for rule in looked.plan.rules if not rule.enabled]
    if idle:
        say(f"  not enabled: {', '.join(dict.fromkeys(idle))}")
    unlooked = sorted({r.id for r in looked.plan.rules if r.enabled} - {entry.rule for entry in entries})
    if unlooked:
        say(f"  no order to look at: {', '.join(unlooked)}")
    say(_sums(looked, entries))
    if looked.plan.settings.mode == "live":
        note("balances and orders are those of dry-run: plan loads no key")
    for problem in looked.problems:
        if problem.severity == "warning":
            note(f"warning[{problem.code}]: {problem.message} ({problem.place.file}:{problem.place.line})")


def _market(looked: PlanView) -> str:
    """`Market 2026-11-22 09:00:02 JST   BTCJPY ¥15,204,500 (400ms old)   DRY-RUN`."""
    seen = []
    for symbol in sorted({rule.symbol for rule in looked.plan.rules}):
        found = _last(looked, symbol)
        if found is not None:
            quote = looked.sources.instruments[symbol].quote if symbol in looked.sources.instruments else ""
            old = f"{age_text(max(0, looked.sources.now_ms - found[1]))} old"
            seen.append(f"{symbol} {price_text(found[0], quote)} ({old})")
    market = "   ".join(seen[:4]) + (f"   and {len(seen) - 4} more" if len(seen) > 4 else "")
    when = time_text(looked.now_ms, looked.plan.settings.timezone)
    return f"Market {when}   {market or 'not seen'}   {styled('DRY-RUN', 'grey')}"


def _last(looked: PlanView, symbol: str) -> tuple[Decimal, int] | None:
    snapshot = looked.sources.snapshot
    ticker, book = snapshot.ticker(symbol), snapshot.book(symbol)
    if not isinstance(ticker, str):
        return ticker.last, ticker.asked_ms
    if not isinstance(book, str) and book.bids:
        return book.bids[0][0], book.asked_ms
    return None


def _sums(looked: PlanView, entries: Sequence[PlanEntry]) -> str:
    counts = {mark: sum(entry.mark == mark for entry in entries) for mark in "+-⏸?"}
    words = {"+": "to place", "-": "to cancel", "⏸": "blocked", "?": "unknown"}
    shown = ", ".join(f"{count} {words[mark]}" for mark, count in counts.items() if count) or "nothing to do"
    cash = " ".join(_cash(looked))
    return f"{shown}.{' ' + cash if cash else ''}"


def _cash(looked: PlanView) -> Iterator[str]:
    """`Cash after: ¥45,140 of ¥50,000.` for each quote asset."""
    for asset, free, after in looked.cash():
        yield f"Cash after: {money_text(after, asset)} of {money_text(free, asset)}."
