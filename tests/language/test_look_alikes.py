"""Files that look odd and are good: they load, and every value is exactly what stands there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from autotrader.language.load import load
from autotrader.language.plan import Plan
from autotrader.language.tree import Literal
from tests.language.scopes import value

HEAD = "version: 1\nrules:\n  r:\n    symbol: BTCJPY\n"


def plan_of(text: str) -> Plan:
    """The plan of a file that must load."""
    plan, problems = load({"f.yaml": text})
    assert plan is not None, [f"{each.code} {each.message}" for each in problems]
    return plan


def notice(plan: Plan) -> str:
    """The text of the first rule's notification, as far as it is plain."""
    found: Any = plan.rules[0].branches[0].actions[0]
    return "".join(part for part in found.parts if isinstance(part, str))


TEXTS = {
    '"No 1: it # fell"': "No 1: it # fell",
    "'it''s 010'": "it's 010",
    "yes": "yes",
    "NO": "NO",
    "on": "on",
    "null": "null",
    "~": "~",
    "010": "010",
    "0x1F": "0x1F",
    "2:36:40": "2:36:40",
    "1_000": "1_000",
    "1e3": "1e3",
    "1.0e+400": "1.0e+400",
    ".inf": ".inf",
    ".nan": ".nan",
    "2018-01-01": "2018-01-01",
    "=": "=",
    "a: b": None,
    "買い #1": None,
    '"買い #1"': "買い #1",
    '"\\u8cb7\\u3044"': "買い",
    '"100%"': "100%",
    "100% sure": "100% sure",
    "a - b": "a - b",
    "a, b": None,
    '"{{symbol}}"': "{symbol}",
    '"${HOME}"': None,
    '"<<"': "<<",
    "'&a'": "&a",
    "'*a'": "*a",
    "'!a'": "!a",
    "é": "é",
    "e\u0301": "e\u0301",
    "𝄞": "𝄞",
    "👍": "👍",
}
"""What stands behind `notify:` -> the text that is sent; None: refused, for it would not be that text."""


@pytest.mark.parametrize("written", [one for one, meant in TEXTS.items() if meant is not None])
def test_a_text_is_the_text(written: str) -> None:
    """No word is taken for a number, a date, a boolean or nothing: it is sent as it stands."""
    plan = plan_of(f"{HEAD}    then:\n      - notify: {written}\n")
    assert notice(plan) == TEXTS[written]


NUMBERS = {
    "0.1": "0.1",
    "0.30000000000000004": "0.30000000000000004",
    "0.1000000000000000055511151231257827": "0.1000000000000000055511151231257827",
    "1_000": "1000",
    "10_000_000": "10000000",
    "1000000000000": "1000000000000",
    "0.000_001": None,
    "123456789012345678": "123456789012345678",
    "9007199254740993": "9007199254740993",
    "010": "10",
    "9_999_999_999_999_999.999999999999999999": "9999999999999999.999999999999999999",
    "0": "0",
    "0.0": "0",
    "5.00": "5",
}


@pytest.mark.parametrize("written", list(NUMBERS))
def test_a_number_is_the_number(written: str) -> None:
    """Every digit counts: nothing is rounded to a float, and what could be read in two ways is refused."""
    meant = NUMBERS[written]
    plan, problems = load({"f.yaml": f"{HEAD}    when: last < {written} JPY\n    then: [notify: x]\n"})
    if meant is None:
        assert plan is None
        assert [each.code for each in problems] == ["AT103"]
    else:
        found = value(f"{written} JPY")
        assert isinstance(found, Literal)
        assert found.value == Decimal(meant)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEAD + "    then: [notify: x]\n",
        (HEAD + "    then: [notify: x]\n").replace("\n", "\r\n"),
        HEAD + "    then: [notify: x]",
        "# 買い\n\n" + HEAD + "\n\n    then: [notify: x]   # 終わり\n\n\n",
        "---\n" + HEAD + "    then: [notify: x]\n",
        HEAD + "    then: [notify: x]\n...\n",
        '"version": 1\n"rules": {"r": {"symbol": "BTCJPY", "then": [{"notify": "x"}]}}\n',
        '{"version": 1, "rules": {"r": {"symbol": "BTCJPY", "then": [{"notify": "x"}]}}}',
        "version: 1\nrules: {r: {symbol: BTCJPY, then: [notify: x]}}\n",
        HEAD + "    about: >\n      folded\n      text\n    then: [notify: x]\n",
        HEAD + "    then:\n    - notify: x\n",
        HEAD + "    then:\n      - notify: |\n          x\n",
        "version: 1\nrules:\n  r: {symbol: BTCJPY,\n    then: [notify: x]}\n",
    ],
    ids=range(13),
)
def test_a_form_of_the_same_file_is_the_same_file(text: str) -> None:
    """Marks, line ends, comments, flow and block style, JSON: the rule is the same."""
    rule = plan_of(text).rules[0]
    assert (rule.id, rule.symbol, notice(plan_of(text))) == ("r", "BTCJPY", "x")
