"""`show` reads back what was loaded: in words for people, exact for machines; nothing of a rule is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autotrader.cli import main

WHOLE = Path(__file__).parents[1] / "language" / "whole.yaml"

CANCELS = "cancel this rule's open buy orders of BTCJPY tagged old older than 1h further than 2% from the near side"


def text(capsys: pytest.CaptureFixture[str]) -> str:
    """The whole language in words."""
    assert main(["show", str(WHOLE)]) == 0
    return capsys.readouterr().out


def rules(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """The whole language as data, by rule."""
    assert main(["show", str(WHOLE), "--format", "json"]) == 0
    return {rule["id"]: rule for rule in json.loads(capsys.readouterr().out)["rules"]}


@pytest.mark.parametrize(
    "line",
    [
        "looks  at mon 09:00 Asia/Tokyo; daily 08:30 Asia/Tokyo; monthly 31 10:00 UTC",
        "only   09:00-18:00 JST mon-fri",
        "each   open sell order of autotrader, tagged out",
        "armed again when   the order's age is below 1m",
        "then   " + CANCELS,
        "then   pause every_action for 6h",
        "then   resume label first",
        "then   halt: no new order until a person resumes",
        "if     the last traded price is below the simple average of 200 1d candles minus 20%",
        "then   buy BTCJPY 0.001 BTC at the best bid minus 0.2%, post-only",
        "then   notify default (warn): {symbol} {rule} {last}",
    ],
)
def test_every_part_of_a_rule_is_said_in_words(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Triggers, windows, orders looked at, re-arming, branches and each action stand in the text."""
    assert f"  {line}\n" in text(capsys)


BLIND = """\
version: 1
rules:
  blind:
    symbol: BTCJPY
    when:
      - depth_bid(5 levels) > 100_000 JPY
      - (close(1h) - bid) / bid > 1%
      - any: [age(ticker) > 3m, ETHJPY.last < 5]
    on_unknown: fire
    then: [{notify: hello}]
"""


@pytest.mark.parametrize(
    "line",
    [
        "when   the amount bid within 5 levels is above 100,000 JPY",
        "and    (the close of the last 1h candle minus the best bid) divided by the best bid is above 1%",
        "and    either how old the ticker data is is above 3m or the last traded price of ETHJPY is below 5 JPY",
        "when that is unknown   it fires all the same",
    ],
)
def test_a_condition_is_said_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Each part has its line, parentheses and units stay, and what becomes of the unknown is said."""
    path = tmp_path / "blind.yaml"
    path.write_text(BLIND, encoding="utf-8")
    assert main(["show", str(path)]) == 0
    assert f"  {line}\n" in capsys.readouterr().out


def test_actions_are_exact_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    """Amounts, prices, times and limits of an action are exact texts with their units."""
    actions = rules(capsys)["every_action"]["branches"][0]["then"]
    assert [action["action"] for action in actions] == ["cancel_orders", "sell", "notify"]
    assert (actions[0]["older_than"], actions[0]["further_than"], actions[0]["owner"]) == ("1h", "2%", "this_rule")
    assert (actions[1]["max_size"], actions[1]["max_slippage"], actions[1]["tif"]) == ("0.5 BTC", "1%", "ioc")
    assert (actions[2]["level"], actions[2]["throttle"]) == ("warn", "10m")


def test_schedules_are_exact_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    """Each scheduled time with its days and zone, and the windows with their days."""
    rule = rules(capsys)["every_action"]
    assert [entry["time"] for entry in rule["trigger"]["at"]] == ["09:00", "08:30", "10:00"]
    assert (rule["trigger"]["catch_up"], rule["between"]) == ("6h", ["09:00-18:00 JST mon-fri"])
    assert rules(capsys)["guards_by_hand"]["trigger"] == {"on_close": "4h"}
    assert rules(capsys)["guards_by_hand"]["max_runs"] == "3 per 7d"


def test_conditions_keep_their_structure(capsys: pytest.CaptureFixture[str]) -> None:
    """Combinators and signals are shown as they are written, with exact numbers."""
    assert rules(capsys)["every_action"]["when"] == {
        "at_least": {"n": 1, "of": [{"signal": "calm", "is": "spread < 0.3%"}, "last between 1000 JPY and 2000 JPY"]}
    }
    assert rules(capsys)["guards_by_hand"]["when"] == {"not": "close(4h) > sma(20, 4h)"}


def test_branches_of_a_choice_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """The condition of each branch, and none for `else`."""
    branches = rules(capsys)["choice"]["branches"]
    assert [branch["if"] for branch in branches] == ["last < sma(200, 1d) - 20%", None]
    assert (branches[0]["then"][0]["price"], branches[0]["then"][0]["tif"]) == ("min(bid, ask - 1 tick)", "fok")
