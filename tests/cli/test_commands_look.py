"""Commands that look: why, status, plan, balances, eval, budget. None of them writes or needs a lock."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from autotrader import cli
from autotrader.money import yen
from tests.cli.project import RULES, Project, made, without_settings
from tests.worlds.project import simulator
from tests.worlds.work import calls


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Three hours of the recorded day in dry-run: the dip is bought, the crash rule just misses."""
    with simulator(100_000) as sim:
        found = made(tmp_path_factory.mktemp("look"), sim)
        assert found.run("run", "--for", "3h", "--stepped") == 0
        yield found


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    without_settings(monkeypatch)


def test_why_tells_what_a_rule_that_missed_was_short_of(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The tree has the value that was seen, how far it was off, and the day has the nearest miss."""
    said = project.text(capsys, "why", "crash_buy")
    assert "✗ change_24h <= -3.5%" in said
    assert "points short" in said
    assert "did not fire (0 of 1 true)" in said
    assert "nearest 02:07:00 JST (-3.47%" in said


def test_why_at_a_past_time_tells_why_a_rule_fired(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With --at the evaluation of that time is retold, with the values of that time and the order that followed."""
    told = project.data(capsys, "why", "buy_the_dip", "--at", "02:05")["decisions"][0]
    assert told["fired"] is True
    assert told["time"] == "2018-01-24T17:05:00.000Z"
    (order,) = told["orders"]
    assert order["side"] == "BUY"
    (when,) = [part["verdict"] for part in told["conditions"] if part["name"] == "when"]
    assert [part["holds"] for part in when["parts"]] == [True] * 4
    assert told["data"]["book BTCJPY"]["age_ms"] >= 0


def test_why_counts_a_day_of_evaluations(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Every evaluation of the day is counted once: fired, blocked, spent, or held back by a condition."""
    day = project.data(capsys, "why", "crash_buy")["decisions"][0]["day"]
    assert day["evaluations"] == day["held_back_by"]["change_24h <= -3.5%"]
    assert day["evaluations"] > 170
    assert day["fired"] == 0


def test_why_of_an_unknown_rule_names_the_nearest(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped rule is a usage error with the name that was meant."""
    assert project.run("why", "crash_by") == 2
    assert "did you mean `crash_buy`?" in capsys.readouterr().err


def test_why_answers_after_the_rules_were_edited(
    project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The verdict comes from the kept text of that time, not from today's files: there is no file at all here."""
    del tmp_path
    rules = project.folder / "rules" / "day.yaml"
    rules.unlink()
    try:
        assert "rules/day.yaml" in project.text(capsys, "why", "buy_the_dip")
    finally:
        rules.write_text(RULES, encoding="utf-8")


def test_why_and_status_answer_without_the_exchange(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Both read the records alone: the simulator hears nothing of them."""
    before = project.sim.requests()
    project.text(capsys, "why", "buy_the_dip")
    project.text(capsys, "status")
    assert project.sim.requests() == before


def test_status_says_how_every_rule_stands(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """One row a rule, with its state, its last firing and what it is short of."""
    (store,) = project.data(capsys, "status")["stores"]
    rules = {rule["rule"]: rule for rule in store["rules"]}
    assert rules["buy_the_dip"]["last_fired"] == "2018-01-24T17:05:00.000Z"
    assert rules["buy_the_dip"]["state"] == "cooling"
    assert rules["crash_buy"]["nearest"]["condition"] == "change_24h <= -3.5%"
    assert store["running"] is False
    assert "missed slots 0" in project.text(capsys, "status")


def test_plan_lists_every_rule_and_leaves_the_store_as_it_was(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each enabled rule has its line, and not a byte of the records is another afterwards."""
    before = _bytes(project)
    said = project.text(capsys, "plan")
    assert _bytes(project) == before
    assert "crash_buy" in said
    assert "needs <= -3.5%" in said
    assert "buy_the_dip" in said


def _bytes(project: Project) -> dict[str, str]:
    kept = ("records.db", "heads.jsonl", "inbox.db")
    return {name: sha256((project.store / name).read_bytes()).hexdigest() for name in kept}


def test_plan_exits_3_where_an_order_is_pending(
    project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """--detailed-exitcode tells apart what would act from what would not; what a limit denies is not pending."""
    rules = RULES.replace("change_24h <= -3.5%", "last > 1 JPY")
    eager = made(tmp_path / "eager", project.sim, rules=rules)
    plan = eager.data(capsys, "plan", "--detailed-exitcode")
    assert plan["exit_code"] == 3
    (order,) = [entry for entry in plan["entries"] if entry["kind"] == "place"]
    assert order["rule"] == "crash_buy"
    assert plan["cash"][0]["free"] == "100000"
    greedy = made(tmp_path / "greedy", project.sim, rules=rules.replace("20_000 JPY", "200_000 JPY"))
    plan = greedy.data(capsys, "plan", "--detailed-exitcode")
    assert plan["exit_code"] == 0
    assert [entry["rule"] for entry in plan["entries"] if entry["kind"] == "denied"] == ["crash_buy"]
    assert not (tmp_path / "eager" / "state").exists()


def test_plan_sends_nothing_that_places_or_cancels(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Counted at the exchange: no order request arrives."""
    project.text(capsys, "plan")
    assert project.sim.orders() == []


def test_balances_of_the_paper_account_add_up(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What was bought is there beside what is left of the yen, each with its worth."""
    found = project.data(capsys, "balances")
    assert found["mode"] == "dry-run"
    assert [row["asset"] for row in found["balances"]] == ["JPY", "BTC"]
    assert 99_000 < float(found["total_jpy"]) < 101_500


def test_eval_without_a_file_asks_the_exchange(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A value, a condition, and a balance of the dry-run account, now."""
    assert project.data(capsys, "eval", "last > 1 JPY", "--symbol", "BTCJPY")["value"] == "true"
    assert float(project.data(capsys, "eval", "bid * 2", "--symbol", "BTCJPY")["value"]) > 2_000_000
    free = project.data(capsys, "eval", "free(JPY)", "--symbol", "BTCJPY")["value"]
    assert float(free) < 91_000


def test_budget_works_without_any_exchange(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The table of weights is ours; the rules need what their words need, and rules that need too much are told."""
    before = project.sim.requests()
    config = ["--config", str(project.folder / "autotrader.yaml")]
    assert cli.main(["budget", *config]) == 0
    assert "24h ticker BTCJPY" in capsys.readouterr().out
    assert project.sim.requests() == before


def test_looking_commands_name_a_missing_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there are no records, that is said, with how to get some."""
    for words in (["why", "x"], ["status"]):
        assert cli.main([*words, "--state", str(tmp_path / "none")]) == 1
        assert "there are no records" in capsys.readouterr().err


def test_why_over_a_day_is_quick(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Of hundreds of rows each takes a few hundred calls: nothing is read or compiled anew for each."""
    rows = project.data(capsys, "why", "buy_the_dip")["decisions"][0]["day"]["evaluations"]
    assert rows > 170
    assert calls(lambda: project.text(capsys, "why", "buy_the_dip")) < rows * 2_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("9,500,000.25 JPY", "¥9,500,000"),
        ("last > 1_000_000 JPY", "last > ¥1,000,000"),
        ("-12.5 JPY", "-¥12.5"),
        ("350.123 JPY against 0.1 BTC", "¥350.123 against 0.1 BTC"),
        ("BTCJPY", "BTCJPY"),
    ],
)
def test_yen_amounts_are_shown_with_their_sign(text: str, shown: str) -> None:
    """Amounts in yen are written as people here write them; nothing else is touched."""
    assert yen(text) == shown
