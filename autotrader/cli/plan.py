"""``autotrader plan``: what would happen now, with reasons. Reads the market, sends nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import click

from autotrader.cli._folders import folders
from autotrader.cli._options import base_url_option, config_option, format_option, state_option
from autotrader.cli._output import emit_json, note, say, styled
from autotrader.cli._story import yen
from autotrader.cli._worlds import project_of
from autotrader.engine.explain import Story, retold, unknowns
from autotrader.engine.limits import Approved
from autotrader.engine.outcome import Decision
from autotrader.engine.requests import Denied
from autotrader.engine.shown import value_text
from autotrader.engine.state import StateKey
from autotrader.engine.verdict import Verdict
from autotrader.language.plan import CompiledRule
from autotrader.language.requests import CancelOrder, HaltRequest, NotifyRequest, PauseRequest, PlaceRequest
from autotrader.money import ZERO, grouped, money_text, plain, price_text
from autotrader.records.orders import gone_texts
from autotrader.text import fitted, printable, width
from autotrader.times import age_text, iso_utc, time_text
from autotrader.views.plan import PlanView, look
from autotrader.views.why import blamed

PENDING = 3
_STYLES = {"+": "green", "-": "red", "»": "cyan", "⏸": "yellow", "✗": "", "?": "yellow", "=": ""}


class Entry(NamedTuple):
    """One line of the plan: its mark, whose it is, what, why, and the machine's form."""

    mark: str
    rule: str
    symbol: str
    text: str
    because: str
    facts: dict[str, Any]


@click.command("plan")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 where orders or cancels are pending.")
@format_option
@base_url_option
@config_option
@state_option
def command(
    *,
    detailed_exitcode: bool,
    format: str,  # noqa: A002
    base_url: str | None,
    config: Path | None,
    state: Path | None,
) -> int:
    """Evaluate every enabled rule as if it were due now, and list orders and cancels with reasons. Sends nothing.

    Account and orders are those of dry-run; no key is read. Works beside a running service.
    """

    looked = look(project_of(config, base_url), folders(state).state)
    entries = [entry for decision in _ordered(looked) for entry in _entries(looked, decision)] + list(_timers(looked))
    pending = sum(entry.mark in "+-" for entry in entries)
    code = PENDING if detailed_exitcode and pending else 0
    if format == "json":
        return emit_json(_data(looked, entries), code)
    _show(looked, entries)
    return code


def _ordered(looked: PlanView) -> list[Decision]:
    """In the order of the files."""
    place = {(rule.id, rule.symbol): rule.order for rule in looked.plan.rules}
    return sorted(looked.outcome.decisions, key=lambda one: place.get((one.rule, one.symbol), 0))


# ------------------------------------------------------------------------------------------------------ the entries
def _entries(looked: PlanView, decision: Decision) -> Iterator[Entry]:
    """What one decision comes to: a line per request where it fired, else one line that says why not."""

    story = _story(looked, decision)
    if decision.fired:
        yield from _fired(looked, decision, story)
        return
    if decision.blocked:
        mark, text = "⏸", f"blocked: {decision.blocked}"
    elif decision.holds is True:
        mark, text = "=", "holds, but has fired for this episode already"
    elif decision.holds is None:
        mark, text = "?", f"unknown: {_unknown(story)}"
    else:
        mark, text = "✗", f"not met: {_unmet(story)}"
    order = f"{decision.order}: " if decision.order else ""
    facts = {"kind": _kind(mark), "order": decision.order or None, "reason": text}
    yield Entry(mark, decision.rule, decision.symbol, printable(order + text), "", facts)


def _kind(mark: str) -> str:
    return {"⏸": "blocked", "=": "fired already", "?": "unknown", "✗": "not met"}[mark]


def _story(looked: PlanView, decision: Decision) -> Story:

    values = looked.outcome.values
    seen = looked.outcome.order_values.get((decision.rule, decision.order))
    key = StateKey(decision.rule, decision.symbol, decision.order)
    values = values if seen is None else values.also(seen)
    return retold(_rule(looked, decision), decision, values, looked.states.get(key))


def _rule(looked: PlanView, decision: Decision) -> CompiledRule:
    return next(r for r in looked.plan.rules if (r.id, r.symbol) == (decision.rule, decision.symbol))


def _fired(looked: PlanView, decision: Decision, story: Story) -> Iterator[Entry]:
    """A firing's requests, judged; and where it asked for none, what it would do instead."""
    run = (decision.rule, decision.symbol, decision.order, decision.slot_ms)
    because = "because " + " and ".join(_true(story)) if _true(story) else ""
    entries = [
        *(_place(request, verdict, because) for request, verdict in looked.verdicts if request.run == run),
        *(_cancel(looked, request, because) for request in looked.cancels if request.run == run),
        *_others(looked, decision, run, because),
    ]
    yield from entries
    if not entries:
        reason = _ended(looked, run)
        yield Entry("⏸", decision.rule, decision.symbol, f"fires, and {reason}", because, {"kind": "nothing to do"})


def _ended(looked: PlanView, run: tuple[str, str, str, int]) -> str:
    found = next((one for one in looked.outcome.runs if one.key == run), None)
    return found.reason if found is not None and found.reason else "does nothing that can be listed"


def _place(request: PlaceRequest, verdict: object, because: str) -> Entry:

    order = request.order
    tif = "post-only" if order.type == "LIMIT_MAKER" else ""
    terms = ", ".join(part for part in (str(order.tif), tif) if part)
    at = price_text(order.price, request.quote)
    what = (
        f"LIMIT {order.side} {grouped(order.quantity.normalize())} {request.base} @ {at}"
        f" = {money_text(order.notional, request.quote)}"
    )
    facts = {
        "kind": "place", "side": order.side, "quantity": plain(order.quantity), "price": plain(order.price),
        "notional": plain(order.notional), "type": order.type, "time_in_force": order.tif,
        "client_order_id": request.id, "cancel_after_ms": request.cancel_after_ms, "because": because,
    }  # fmt: skip
    if isinstance(verdict, Denied):
        text = printable(f"denied: {yen(verdict.reason)}: {what}")
        denied = {**facts, "kind": "denied", "reason": verdict.reason}
        return Entry("⏸", request.key.rule, order.symbol, text, because, denied)
    return Entry("+", request.key.rule, order.symbol, f"{what}  {terms}   id {_short(request.id)}", because, facts)


def _short(name: str) -> str:
    """An id's beginning; an id that would be made at another moment is another."""
    return f"{name[:12]}…"


def _cancel(looked: PlanView, request: CancelOrder, because: str) -> Entry:

    asked = request.request
    row = next((one for one in looked.sources.record.orders if one.client_order_id == asked.client_order_id), None)
    rule = "(timer)" if request.run is None else request.run[0]
    facts = {"kind": "cancel", "order_id": asked.order_id, "client_order_id": asked.client_order_id}
    facts["reason"] = request.reason
    number = f"#{asked.order_id}" if asked.order_id is not None else asked.client_order_id
    if row is None:
        return Entry("-", rule, asked.symbol, printable(f"cancel {number}: {request.reason}"), because, facts)
    quote = "JPY" if asked.symbol.endswith("JPY") else ""
    opened = age_text(max(0, looked.now_ms - row.placed_ms))
    text = f"cancel {number} {row.side} @ {price_text(row.price, quote).strip()} (open {opened})"
    text += f": {request.reason}" if request.run is None else ""
    return Entry("-", rule, asked.symbol, printable(text), because, facts)


def _timers(looked: PlanView) -> Iterator[Entry]:
    """Orders whose own timer has run out, and steps of runs that are under way."""
    fired = {(d.rule, d.symbol, d.order, d.slot_ms) for d in looked.outcome.decisions if d.fired}
    for cancel in looked.cancels:
        if cancel.run is None or cancel.run not in fired:
            yield _cancel(looked, cancel, "")
    for request, verdict in looked.verdicts:
        if request.run is None or request.run not in fired:
            yield _place(request, verdict, "because its firing is under way")


def _others(looked: PlanView, decision: Decision, run: tuple[str, str, str, int], because: str) -> Iterator[Entry]:

    for request in looked.outcome.requests:
        if getattr(request, "run", None) != run:
            continue
        match request:
            case NotifyRequest(to=to, text=text):
                said, kind = f"notify {to}: {text}", "notify"
            case PauseRequest(resume=again, rules=rules, labels=labels):
                names = ", ".join((*rules, *(f"label {label}" for label in labels)))
                said, kind = f"{'resume' if again else 'pause'} {names}", "resume" if again else "pause"
            case HaltRequest(reason=reason):
                said, kind = f"halt: {reason}", "halt"
            case _:
                continue
        yield Entry("»", decision.rule, decision.symbol, printable(said), because, {"kind": kind, "text": said})


# ------------------------------------------------------------------------------------------------------ the reasons
def _leaves(verdict: Verdict) -> Iterator[Verdict]:
    if not verdict.parts:
        yield verdict
    for part in verdict.parts:
        yield from _leaves(part)


def _true(story: Story) -> list[str]:
    """The leaves that hold, with what was seen: `rsi(14, 1h) = 28.4 < 30`."""
    names = [f"if {story.decision.branch + 1}"] if story.decision.branch is not None else []
    trees = [verdict for name, verdict in story.parts if name in {"when", *names}]
    return [_with_value(leaf) for tree in trees for leaf in _leaves(tree) if leaf.holds is True]


def _with_value(leaf: Verdict) -> str:
    """A condition with the value in it: `change_24h <= -3%` seen at -3.04 % is `change_24h -3.04% <= -3%`."""

    first = next((side for side in leaf.observed if side.role == "value" and not side.is_literal), None)
    if first is None:
        return printable(leaf.text)
    shown = yen(value_text(first.value, first.unit))
    if leaf.text.startswith(first.text + " "):
        return printable(f"{first.text} {shown}{yen(leaf.text[len(first.text) :])}")
    return printable(f"{leaf.text} ({shown})")


def _unmet(story: Story) -> str:
    """What keeps a condition from holding: `change_24h -2.71% needs <= -3%`."""

    when = next((verdict for name, verdict in story.parts if name == "when"), None)
    guilty = [] if when is None else blamed(when)
    if not guilty:
        return "no branch of its choice applies"
    return "; ".join(_needs(leaf) for leaf in guilty[:3]) + (f"; {len(guilty) - 3} more" if len(guilty) > 3 else "")


def _needs(leaf: Verdict) -> str:

    first = next((side for side in leaf.observed if side.role == "value" and not side.is_literal), None)
    if first is None or not leaf.text.startswith(first.text + " ") or leaf.holds is not False:
        return printable(leaf.text if leaf.holds is not True else f"not {leaf.text}")
    others = [side for side in leaf.observed if side.role != "value" and not side.is_literal]
    seen = "".join(f" ({side.text} = {yen(value_text(side.value, side.unit))})" for side in others)
    value = yen(value_text(first.value, first.unit))
    return printable(f"{first.text} {value} needs{yen(leaf.text[len(first.text) :])}{seen}")


def _unknown(story: Story) -> str:

    found = dict.fromkeys(why for name, part in story.parts if name != "rearm_when" for why in unknowns(part))
    return "; ".join(found) or "what it looks at could not be seen"


# --------------------------------------------------------------------------------------------------------- the page
def _show(looked: PlanView, entries: list[Entry]) -> None:

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


def _sums(looked: PlanView, entries: list[Entry]) -> str:
    counts = {mark: sum(entry.mark == mark for entry in entries) for mark in "+-⏸?"}
    words = {"+": "to place", "-": "to cancel", "⏸": "blocked", "?": "unknown"}
    shown = ", ".join(f"{count} {words[mark]}" for mark, count in counts.items() if count) or "nothing to do"
    cash = " ".join(_cash(looked))
    return f"{shown}.{' ' + cash if cash else ''}"


def _cash(looked: PlanView) -> Iterator[str]:
    """`Cash after: ¥45,140 of ¥50,000.` for each quote asset."""

    for asset, free, after in _cash_figures(looked):
        yield f"Cash after: {money_text(after, asset)} of {money_text(free, asset)}."


def _cash_figures(looked: PlanView) -> Iterator[tuple[str, Decimal, Decimal]]:

    rules = {rule.symbol for rule in looked.plan.rules}
    quotes = {looked.sources.instruments[symbol].quote for symbol in rules if symbol in looked.sources.instruments}
    for asset in sorted(quotes):
        balance = looked.sources.account.balances.get(asset)
        if balance is None:
            continue
        cost = sum(
            (request.order.notional for request, verdict in looked.verdicts
             if isinstance(verdict, Approved) and request.order.side == "BUY" and request.quote == asset), ZERO,
        )  # fmt: skip
        yield asset, balance.free, balance.free - cost


def _data(looked: PlanView, entries: list[Entry]) -> dict[str, Any]:

    marks = {"to_place": "+", "to_cancel": "-", "blocked": "⏸", "unknown": "?"}
    return {
        "time": iso_utc(looked.now_ms),
        "mode": "dry-run",
        "halted": None if looked.halt is None else looked.halt.reason,
        "halt_level": None if looked.halt is None else looked.halt.level,
        "gone": [{"rule": rule, "open_orders": count} for rule, count in looked.gone.items()],
        "entries": [{"rule": one.rule, "symbol": one.symbol, **one.facts} for one in entries],
        "counts": {name: sum(one.mark == mark for one in entries) for name, mark in marks.items()},
        "cash": [
            {"asset": asset, "free": plain(free), "after": plain(after)} for asset, free, after in _cash_figures(looked)
        ],
    }
