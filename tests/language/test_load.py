"""Texts to a plan: what rules mean once they are loaded."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from autotrader.language.actions.cancel_orders import CancelOrders
from autotrader.language.actions.notify import Notify
from autotrader.language.actions.place import PlaceOrder
from autotrader.language.actions.sizing import MarketPrice
from autotrader.language.load import load, sources_of
from autotrader.language.meant import OFFLINE
from autotrader.language.plan import At, CompiledRule, Every, MaxRuns, OnClose, Plan
from autotrader.language.settings import Limits, Settings
from autotrader.language.tree import AtLeast, For, Literal, Named, Not, Relation
from autotrader.market.needs import BalancesNeed, CandleNeed, OpenOrdersNeed, TickerNeed
from autotrader.orders import Side, TimeInForce

HEAD = "version: 1\nrules:\n  r:\n    symbol: BTCJPY\n"
THEN = "    then: [notify: x]\n"


def plan_of(text: str, **more: Any) -> Plan:
    """The plan of one file that must load."""
    plan, problems = load({"f.yaml": text}, **more)
    assert plan is not None, [each.message for each in problems]
    return plan


def rule_of(text: str, **more: Any) -> CompiledRule:
    """The single rule of a body."""
    return plan_of(HEAD + text, **more).rules[0]


def codes_of(*texts: str, **more: Any) -> list[str]:
    """Codes and lines of all problems of some files."""
    found = load({f"{number}.yaml": text for number, text in enumerate(texts)}, **more)[1]
    return [f"{each.code} {each.place.file} {each.place.line}" for each in found]


@pytest.mark.parametrize(("written", "trigger"), [
    ("", Every(60_000)),
    ("    every: 30s\n", Every(30_000)),
    ("    on_close: 4h\n", OnClose("4h")),
])  # fmt: skip
def test_a_rule_looks_when_it_says(written: str, trigger: object) -> None:
    """`every` and `on_close` are the trigger; without one a rule looks every minute."""
    assert trigger == rule_of(written + THEN + "    when: last < 5\n").trigger


@pytest.mark.parametrize(("text", "minute", "days", "month_day", "zone"), [
    ("daily 09:00", 540, range(7), 0, "Asia/Tokyo"),
    ("mon,thu 09:05 UTC", 545, (0, 3), 0, "UTC"),
    ("fri-mon 00:00 Europe/Berlin", 0, (4, 5, 6, 0), 0, "Europe/Berlin"),
    ("monthly 31 23:59 JST", 1439, (), 31, "Asia/Tokyo"),
])  # fmt: skip
def test_set_times(text: str, minute: int, days: Any, month_day: int, zone: str) -> None:
    """`at` names days, a time and a zone; without a zone the account's."""
    trigger = rule_of(f"    at: {text}\n" + THEN).trigger
    assert isinstance(trigger, At)
    assert (minute, frozenset(days), month_day, zone) == (
        trigger.times[0].minute, trigger.times[0].days, trigger.times[0].month_day, trigger.times[0].zone,
    )  # fmt: skip


def test_at_takes_a_list_and_catches_up() -> None:
    """Several times may be given; a missed one is made up within the given span; such a rule retries ten minutes."""
    rule = rule_of("    at: [mon 09:00, tue 10:00]\n    catch_up: once within 6h\n" + THEN)
    assert isinstance(rule.trigger, At)
    assert (len(rule.trigger.times), rule.trigger.catch_up_ms, rule.retry_for_ms) == (2, 21_600_000, 600_000)


def test_structure_becomes_the_tree() -> None:
    """A list means all; combinators nest; every leaf has its path as key."""
    rule = rule_of(THEN + (
        "    when:\n      - last < 5\n      - any:\n          - not: last > 3\n"
        "          - at_least: {n: 1, of: [bid < 2, ask < 2]}\n"
    ))  # fmt: skip
    when = rule.when
    assert isinstance(when, AtLeast)
    assert (when.form, when.count) == ("all", 2)
    assert isinstance(when.parts[0], Relation)
    assert when.parts[0].key == "when[0]"
    inner = when.parts[1]
    assert isinstance(inner, AtLeast)
    assert (inner.form, inner.count) == ("any", 1)
    assert isinstance(inner.parts[0], Not)
    assert isinstance(inner.parts[1], AtLeast)
    assert inner.parts[1].parts[1].key == "when[1].any[1].at_least.of[1]"


def test_signals_are_shared_by_files_and_use_their_own_parameters() -> None:
    """A signal of another file is compiled for the symbol of the rule, with the parameters of its own file."""
    signals = "version: 1\nparams: {n: {default: 20}}\nsignals: {up: 'close(1d) > sma($n, 1d)'}\n"
    plan, _ = load({"a.yaml": HEAD.replace("BTC", "ETH") + THEN + "    when: signal(up)\n", "b.yaml": signals})
    assert plan is not None
    named = plan.rules[0].when
    assert isinstance(named, Named)
    assert isinstance(named.part, Relation)
    assert {"ETHJPY"} == {term.symbol for term in plan.rules[0].terms}
    assert named.part.key == "when.up"


def test_each_symbol_has_its_own_rule() -> None:
    """A rule over several symbols becomes one per symbol, with that symbol's needs."""
    plan = plan_of("version: 1\nrules: {r: {symbols: [BTCJPY, ETHJPY], when: last < 5, then: [notify: x]}}")
    assert [(rule.symbol, rule.order) for rule in plan.rules] == [("BTCJPY", 0), ("ETHJPY", 0)]
    assert {TickerNeed("BTCJPY"), TickerNeed("ETHJPY")} == plan.needs
    assert plan.rules[0].hash != plan.rules[1].hash


def test_a_buy_with_all_its_keys() -> None:
    """Amounts, price, caps, time in force, timer and tag reach the order."""
    rule = rule_of(
        "    cooldown: 1h\n    when: last < 5\n    then:\n"
        "      - buy: {spend: 20% of free(JPY), max_spend: 30_000 JPY, price: bid - 0.2%, tif: fok,\n"
        "              cancel_after: 30m, tag: dip}\n"
    )
    order = rule.branches[0].actions[0]
    assert isinstance(order, PlaceOrder)
    assert (order.side, order.tif, order.cancel_after_ms, order.tag) == (Side.BUY, TimeInForce.FOK, 1_800_000, "dip")
    assert isinstance(order.max_spend, Literal)
    assert Decimal(30_000) == order.max_spend.value
    assert BalancesNeed() in rule.action_needs


def test_a_market_price_is_a_capped_limit() -> None:
    """`price: market` is immediate or cancel, with the account's slippage or the rule's own."""
    text = "    when: last < 5\n    then:\n      - sell: {size: 0.001 BTC, price: market%s}\n"
    own, account = (
        rule_of(text % ", max_slippage: 0.1%"),
        rule_of(text % "", settings=Settings(file="a", max_slippage=Decimal(1))),
    )
    orders = [rule.branches[0].actions[0] for rule in (own, account)]
    for order, slippage in zip(orders, (Decimal("0.1"), Decimal(1)), strict=True):
        assert isinstance(order, PlaceOrder)
        assert (order.price, order.tif) == (MarketPrice(slippage), TimeInForce.IOC)


def test_blocks_and_shapes() -> None:
    """Cooldown, runs, repeat, windows and `for` are exact."""
    rule = rule_of(THEN + (
        "    when: last < 5 for 2m30s\n    cooldown: 1h30m\n    max_runs: 2 per day\n    repeat: every 4h while true\n"
        "    between: [09:00-12:00 JST mon-fri, 22:00-02:00 UTC]\n    retry_for: 5m\n    priority: -3\n"
        "    enabled: false\n"
    ))  # fmt: skip
    assert isinstance(rule.when, For)
    assert (150_000, 5_400_000, MaxRuns(2, "day"), 14_400_000, 300_000, -3, False) == (
        rule.when.span_ms, rule.cooldown_ms, rule.max_runs, rule.repeat_ms, rule.retry_for_ms, rule.priority,
        rule.enabled,
    )  # fmt: skip
    assert len(rule.between) == 2


def test_rules_per_order_need_the_open_orders() -> None:
    """`for_each_order` looks at the symbol's open orders."""
    rule = rule_of(
        "    for_each_order: {side: buy}\n    when: order.age > 30m\n    then: [cancel, notify: '{order.id}']\n"
    )
    assert OpenOrdersNeed("BTCJPY") in rule.needs
    assert rule.for_each_order is not None
    assert (rule.for_each_order.owner, rule.for_each_order.side) == ("autotrader", Side.BUY)


def test_candle_needs_are_merged() -> None:
    """The plan asks for the longest series once."""
    plan = plan_of(HEAD + THEN + "    when:\n      - close(1h) > sma(20, 1h)\n      - close(1h) < sma(50, 1h)\n")
    assert [need.count for need in plan.needs if isinstance(need, CandleNeed)] == [50]


def test_branches() -> None:
    """`choose` keeps its branches in order; the last may have no condition."""
    rule = rule_of(
        "    choose:\n      - {if: last < 5, then: [notify: a]}\n      - else: [cancel_orders: {older_than: 1h}]\n"
    )
    assert [branch.key for branch in rule.branches] == ["choose[0]", "choose[1]"]
    assert rule.branches[1].condition is None
    assert isinstance(rule.branches[1].actions[0], CancelOrders)


# ------------------------------------------------------------------------------------------------ hashes
BODY = "    when: last < 5_000_000 for 5m\n    then: [notify: x]\n"


@pytest.mark.parametrize("same", [
    "# a comment\n" + HEAD + BODY,
    HEAD + BODY.replace("5m", "300s"),
    HEAD + BODY.replace("5_000_000", "5000000 JPY"),
    HEAD + BODY.replace("last <", "last   <"),
])  # fmt: skip
def test_what_means_the_same_has_the_same_hash(same: str) -> None:
    """Comments, blanks and other spellings of a number change no hash."""
    assert plan_of(HEAD + BODY).hash == plan_of(same).hash


def test_a_hash_covers_what_a_rule_means() -> None:
    """Conditions, parameters, signals and actions change the rule's hash; only conditions change the condition's."""
    with_param = (
        "version: 1\nparams: {p: {default: %s}}\nrules:\n  r:\n    symbol: BTCJPY\n"
        "    when: last < $p\n    then: [notify: %s]\n"
    )
    one, two, three = (plan_of(with_param % each).rules[0] for each in (("5", "x"), ("6", "x"), ("5", "y")))
    assert len({one.hash, two.hash, three.hash}) == 3
    assert one.when_hash == three.when_hash != two.when_hash


def test_ids_are_unique_over_files() -> None:
    """The same rule in two files is refused in the second, which names the first."""
    text = HEAD + "    when: last < 5\n" + THEN
    assert codes_of(text, text) == ["AT208 1.yaml 3"]


def test_all_errors_of_all_files_come_together() -> None:
    """A mistake in one file hides none in another."""
    assert codes_of(HEAD + "    when: spreed < 1%\n" + THEN, "rulez: {}\n") == [
        "AT113 0.yaml 5",
        "AT201 1.yaml 1",
        "AT202 1.yaml 1",
    ]


def test_settings_bind_the_rules() -> None:
    """With an account file, symbols and channels must be its own."""
    settings = Settings(file="a", symbols=("ETHJPY",))
    assert codes_of(HEAD + "    when: last < 5\n    then: [notify: {to: phone, text: x}]\n", settings=settings) == [
        "AT222 0.yaml 4",
        "AT221 0.yaml 6",
    ]


def test_filters_refuse_what_can_never_pass() -> None:
    """An amount below the venue's minimum is an error once filters are known, and only then."""
    text = HEAD + "    cooldown: 1h\n    when: last < 5\n    then:\n      - buy: {spend: 80 JPY, price: bid}\n"
    known = {"BTCJPY": replace(OFFLINE["BTCJPY"], min_notional=Decimal(100), fetched_ms=1)}
    assert codes_of(text) == []
    assert codes_of(text, instruments=known) == ["AT214 0.yaml 8"]


def test_unknown_symbols_are_a_note_offline_and_an_error_with_the_exchange_known() -> None:
    """Offline an unlisted pair is noted; when the exchange's list is known it is refused."""
    text = HEAD.replace("BTCJPY", "NEWJPY") + "    when: last < 5\n" + THEN
    assert codes_of(text) == ["AT310 0.yaml 4"]
    assert codes_of(text, instruments=dict(OFFLINE)) == ["AT209 0.yaml 4"]


@pytest.mark.parametrize(("text", "codes"), [
    ("    when: [last < 5, last > 6]\n" + THEN, ["AT302 0.yaml 5"]),
    ("    when: [last < 5, last >= 5]\n" + THEN, ["AT302 0.yaml 5"]),
    ("    when: [last < 5, last > 4]\n" + THEN, []),
    ("    when: {any: [last < 5, last > 6]}\n" + THEN, []),
    ("    when: last < 5\n    then: [{buy: {spend: 1_000 JPY, price: bid}}]\n", ["AT303 0.yaml 3"]),
    ("    when: last < 5\n    cooldown: 1h\n    then: [{buy: {spend: 1_000 JPY, price: bid}}]\n", []),
    (THEN, ["AT304 0.yaml 3"]),
    ("    at: daily 09:00\n" + THEN, []),
])  # fmt: skip
def test_warnings(text: str, codes: list[str]) -> None:
    """What is almost surely not meant is warned of, and nothing else."""
    assert codes == codes_of(HEAD + text)


def test_unused_names_are_warned_of() -> None:
    """A parameter or signal that nothing uses does nothing."""
    text = "version: 1\nparams: {p: {default: 5%}}\nsignals: {s: last < 5}\n" + HEAD.removeprefix("version: 1\n")
    assert codes_of(text + "    when: last < 5\n" + THEN) == ["AT305 0.yaml 2", "AT306 0.yaml 3"]


def test_an_order_above_the_days_limit_is_warned_of() -> None:
    """One order that spends more than a day may."""
    settings = Settings(file="a", limits=Limits(spend_per_day={"JPY": Decimal(500)}))
    text = HEAD + "    when: last < 5\n    cooldown: 1h\n    then: [{buy: {spend: 1_000 JPY, price: bid}}]\n"
    assert codes_of(text, settings=settings) == ["AT307 0.yaml 7"]


def test_notices_keep_their_parts() -> None:
    """Texts, facts and values stand in order."""
    action = rule_of("    when: last < 5\n    then: [notify: '{symbol} at {last}: {{ok}}']\n").branches[0].actions[0]
    assert isinstance(action, Notify)
    assert [type(part).__name__ for part in action.parts] == ["Fact", "str", "Term", "str"]


# ---------------------------------------------------------------------------------------------------------- the door
GOOD = "version: 1\nrules:\n  r:\n    symbol: BTCJPY\n    then: [notify: x]\n"


def test_a_plan_keeps_its_sources_and_settings() -> None:
    """A plan without an account file has settings of no file; each file's text is in it, as it can be shown."""
    plan, problems = load({"a.yaml": GOOD.replace("\n", "\r\n").encode(), "b.yaml": GOOD.replace("  r:", "  s:")})
    assert plan is not None
    assert not [each for each in problems if each.severity == "error"]
    assert [rule.id for rule in plan.rules] == ["r", "s"]
    assert plan.settings.file == ""


def test_one_bad_file_leaves_no_plan_and_all_its_problems_in_order() -> None:
    """Problems of reading, of structure and of all files come together, by file and line; there is no half plan."""
    bad = "version: 1\nrules:\n  r:\n    symbol: BTCJPY\n    symbol: BTCJPY\n    then: [notfy: x]\n"
    plan, problems = load({"b.yaml": bad, "a.yaml": GOOD.replace("1", "2", 1)})
    assert plan is None
    errors = [(each.place.file, each.place.line) for each in problems if each.severity == "error"]
    assert errors == sorted(errors)
    assert {file for file, _ in errors} == {"a.yaml", "b.yaml"}
    assert len([1 for file, _ in errors if file == "b.yaml"]) == 2


def test_the_texts_that_excerpts_are_cut_from() -> None:
    """Without byte-order mark and carriage returns; bytes that are no UTF-8 are shown as such."""
    assert sources_of({"a": b"\xef\xbb\xbfx\r\ny\xe9", "b": "\ufeffz\r\n"}) == {"a": "x\ny\ufffd", "b": "z\n"}
