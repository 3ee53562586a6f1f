"""`autotrader show`: the rules as they were understood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from autotrader.cli._options import config_option, formats
from autotrader.cli._output import emit_json, note, say, styled
from autotrader.cli._rules import checked_rules, shown
from autotrader.language.plan import CompiledRule, plan_data, rule_data
from autotrader.language.readback import in_words
from autotrader.language.tree import AtLeast, Condition


@click.command("show")
@click.argument("paths", nargs=-1, metavar="PATH...")
@config_option
@formats("text", "json")
def command(paths: tuple[str, ...], *, config: Path | None, output: str) -> int:
    """Show the loaded rules: in words, or as JSON with exact amounts and their units."""
    checked = checked_rules(paths, config)
    if checked.plan is None:
        return shown(checked, output, 1)

    if output == "json":
        return emit_json(plan_data(checked.plan))
    for rule in checked.plan.rules:
        _show_rule(rule, rule_data(rule))
    if checked.problems:
        note(f"{checked.warnings} warnings: see `autotrader validate`")
    return 0


def _show_rule(rule: CompiledRule, data: dict[str, Any]) -> None:
    say(f"{styled(data['id'], 'bold')} {data['symbol']}" + ("" if data["enabled"] else "  (off)"))
    if "about" in data:
        say(f"  {data['about']}")
    say(f"  looks  {_trigger(data['trigger'])}")
    for window in data.get("between", ()):
        say(f"  only   {window}")
    if "for_each_order" in data:
        say(f"  each   {_orders(data['for_each_order'])}")
    _show_condition("when", rule.when, rule.symbol)
    _show_condition("armed again when", rule.rearm_when, rule.symbol)
    if rule.on_unknown != "skip":
        say(f"  when that is unknown   {_UNKNOWN[rule.on_unknown]}")
    for name in ("cooldown", "max_runs", "repeat", "retry_for"):
        if name in data:
            say(f"  {name.replace('_', ' ')}  {data[name]}")
    _show_branches(data["branches"])
    say()


_UNKNOWN = {"fire": "it fires all the same", "alert": "that is told"}


def _show_condition(title: str, condition: Condition | None, symbol: str) -> None:
    """A line for each part that must hold: a sentence of ten conditions is read by nobody."""
    if condition is None:
        return
    parts = condition.parts if isinstance(condition, AtLeast) and condition.form == "all" else (condition,)
    for number, part in enumerate(parts):
        say(f"  {'and' if number else title:<{len(title)}}   {in_words(part, symbol)}")


def _show_branches(branches: list[dict[str, Any]]) -> None:
    for branch in branches:
        if branch["if_in_words"] is not None:
            say(f"  if     {branch['if_in_words']}")
        elif len(branches) > 1:
            say("  else")
        for action in branch["then"]:
            say(f"  then   {action['in_words']}")


def _orders(wanted: dict[str, Any]) -> str:
    """`open sell order of autotrader, tagged out`."""
    owners = {"this_rule": "this rule", "autotrader": "autotrader", "anyone": "anyone"}
    side = f"{wanted['side']} " if wanted["side"] else ""
    tag = f", tagged {wanted['tag']}" if wanted["tag"] else ""
    label = f", labelled {wanted['label']}" if wanted["label"] else ""
    return f"open {side}order of {owners[wanted['owner']]}{tag}{label}"


def _trigger(trigger: dict[str, Any]) -> str:
    if "every" in trigger:
        return f"every {trigger['every']}"
    if "on_close" in trigger:
        return f"when a {trigger['on_close']} candle closes"
    times = trigger["at"]
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    shown = []
    for each in times:
        days = "daily" if len(each["days"]) == 7 else ",".join(names[day] for day in each["days"])
        shown.append(f"{days or 'monthly ' + str(each['month_day'])} {each['time']} {each['zone']}")
    return "at " + "; ".join(shown)
