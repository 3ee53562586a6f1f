"""Bad rule files: each is refused with the right code at the right place."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrader.language.codes import CODES
from autotrader.language.load import load
from autotrader.language.yaml_text import MAX_BYTES

HEADS = {
    "R": "version: 1\nrules:\n  r:\n    symbol: BTCJPY\n",
    "W": "version: 1\nrules:\n  r:\n    symbol: BTCJPY\n    then: [notify: x]\n",
    "": "",
}


def corpus() -> list[tuple[str, str, list[str]]]:
    """(name, text, expected problems) of every block of the corpus file."""
    text = (Path(__file__).parent / "hostile.txt").read_text(encoding="utf-8")
    blocks = re.split(r"^=== ", text, flags=re.MULTILINE)[1:]
    result = []
    for block in blocks:
        head, _, body = block.partition("\n")
        name, _, expected = head.rpartition(" | ")
        kind, plain = (name[0], name[2:]) if name[:2] in {"R ", "W "} else ("", name)
        result.append((plain, HEADS[kind] + body, re.findall(r"AT\d{3} \d+:\d+", expected)))
    return result


@pytest.mark.parametrize(("name", "text", "expected"), [pytest.param(*each, id=each[0]) for each in corpus()])
def test_a_bad_file_is_refused_where_it_is_bad(name: str, text: str, expected: list[str]) -> None:
    """Exactly the mistakes that a file has are reported, with code, line and column."""
    plan, problems = load({"f.yaml": text})
    found = [f"{each.code} {each.place.line}:{each.place.column}" for each in problems if each.severity == "error"]
    assert expected == found, "\n".join(f"{each.message} | {each.hint}" for each in problems)
    assert plan is None


def test_the_corpus_is_wide() -> None:
    """At least a hundred bad files are kept, each with another name."""
    names = [name for name, _, _ in corpus()]
    assert len(names) >= 100
    assert len(set(names)) == len(names)


def test_every_code_is_explained() -> None:
    """No code is used that `autotrader rule` cannot explain."""
    folder = Path(__file__).parents[2] / "autotrader"
    used = {code for path in folder.rglob("*.py") for code in re.findall(r"\"(AT\d{3})\"", path.read_text())}
    assert used - set(CODES) == set()


BYTES: list[tuple[str, bytes, str, int, int]] = [
    ("UTF-16", "version: 1\n".encode("utf-16"), "AT003", 1, 1),
    ("Latin-1", b"version: 1\n# caf\xe9\n", "AT003", 2, 6),
    ("NUL", b"version: 1\x00\n", "AT004", 1, 11),
    ("lone carriage return", b"version: 1\rrules: {}\n", "AT004", 1, 11),
    ("too long", b"# " + b"x" * MAX_BYTES, "AT002", 1, 1),
    ("one huge text", b"about: '" + b"x" * 50_000_000 + b"'", "AT002", 1, 1),
    ("too deep", b"a: " + b"[" * 1000, "AT002", 1, 35),
    ("too deep in blocks", "".join(f"{' ' * n}a:\n" for n in range(500)).encode(), "AT002", 33, 33),
    ("too many nodes", b"version: 1\nrules: [" + b"a," * 30_000 + b"]", "AT002", 2, 40_000),
]


@pytest.mark.parametrize(("name", "data", "code", "line", "column"), BYTES)
def test_bytes_that_are_no_rule_file(name: str, data: bytes, code: str, line: int, column: int) -> None:
    """Encodings and sizes are judged before anything is built, quickly."""
    began = time.perf_counter()
    plan, problems = load({"f.yaml": data})
    assert plan is None
    assert code == problems[0].code
    assert (line, column) == (problems[0].place.line, problems[0].place.column) or name == "too many nodes"
    assert time.perf_counter() - began < 2


LIST_BOMB = b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(8))


@pytest.mark.parametrize("bomb", [
    b"a: &a [x,x]\n" + LIST_BOMB,
    b"a: &a {x: 1}\n" + b"".join(b"b%d: {<<: *a}\n" % n for n in range(2000)),
    b"a: &a [*a]\n",
    b"".join(b"- *a%d\n" % n for n in range(2000)),
])  # fmt: skip
def test_bombs_do_not_explode(bomb: bytes) -> None:
    """Aliases are refused as they stand and never expanded."""
    plan, problems = load({"f.yaml": bomb})
    assert plan is None
    assert problems


SLOW = [
    HEADS["W"] + "    when: [" + "x < 1, " * 9_000 + "]\n",
    HEADS["W"] + "".join(f"    key{number}: 1\n" for number in range(9_000)),
    HEADS["W"] + "    when: f(" + "1,000 " * 40_000 + ")\n",
    HEADS["W"] + "    when: " + "(" * 250_000 + "\n",
    HEADS["W"] + "    about: {a} b\n" * 9_000,
    HEADS["W"] + "    " + "k" * 200_000 + ": 1\n",
    "version: 1\nsignals:\n"
    + "".join(f"  s{n}: [signal(s{n + 1}), signal(s{n + 1})]\n" for n in range(40))
    + "  s40: last < 5\n",
    "a: '" + "\n" * 200_000,
    "? " * 100_000,
]


@pytest.mark.parametrize("text", SLOW, ids=range(len(SLOW)))
def test_nothing_hangs(text: str) -> None:
    """Files that are bad in thousands of places, or nest references, are answered; the suite ends a test that hangs."""
    plan, problems = load({"f.yaml": text})
    assert problems
    assert plan is None or not plan.rules


GOOD = HEADS["R"] + "    about: {about}\n    when: last < 5_000_000\n    then: [notify: x]\n"


@pytest.mark.parametrize("data", [
    b"\xef\xbb\xbf" + GOOD.format(about="x").encode(),
    GOOD.format(about="x").replace("\n", "\r\n").encode(),
    GOOD.format(about="ビットコインを少し買う").encode(),
    ("# 買い\n" + GOOD.format(about='"a # b: {c}"')).encode(),
])  # fmt: skip
def test_harmless_forms_load(data: bytes) -> None:
    """A byte-order mark, CRLF, Japanese texts and comments are fine."""
    plan, problems = load({"f.yaml": data})
    assert plan is not None, problems


TOKENS = [
    "version: 1", "rules:", "params:", "signals:", "\n", "\n  ", "\n    ", "\n      - ", "r:", "symbol: BTCJPY",
    "when: ", "all:", "any:", "not:", "at_least: {n: 1, of: [x]}", "last < 5", "rsi(14, 1h) < 30", "then:",
    "notify: x", "buy:", "{spend: 1_000 JPY, price: bid}", "choose:", "if: ", "else: ", "every: 1m",
    "at: daily 09:00", "[", "]", "{", "}", ",", ": ", "- ", "#", "'", "\"", "&a", "*a", "!t", "|", ">", "%", "@",
    "\\", "\u65e5", "\t", "\u0000", "\u202e", "signal(a)", "$a", "10,000 JPY", "1e3", "---", "...", "<<: ", "? ",
    "cancel", "for_each_order: {side: buy}",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from(TOKENS), max_size=40).map(lambda parts: "".join(parts).encode()),
    )
)
def test_any_bytes_give_problems_or_a_plan(data: bytes) -> None:
    """Whatever is loaded, nothing is raised; every problem lies within the file; a second load says the same."""
    plan, problems = load({"f.yaml": data})
    assert (plan is None) == any(each.severity == "error" for each in problems)
    lines = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    for each in problems:
        assert 1 <= each.place.line <= len(lines)
        assert 1 <= each.place.column <= len(lines[each.place.line - 1]) + 1
    assert (plan, problems) == load({"f.yaml": data})
