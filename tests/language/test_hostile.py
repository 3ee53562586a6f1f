"""Bad rule files: each is refused with the right code at the right place."""

from __future__ import annotations

import io
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrader.language.codes import CODES
from autotrader.language.load import load
from autotrader.language.yaml_text import MAX_BYTES
from tests.worlds.work import cost

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
    rows = text.split("\n")
    for each in problems:
        assert each.place.file == "f.yaml"
        assert each.message
        assert each.hint or each.severity != "error"
        assert 1 <= each.place.column <= len(rows[each.place.line - 1]) + 1


def test_the_corpus_is_wide() -> None:
    """At least two hundred bad files are kept, each with another name."""
    names = [name for name, _, _ in corpus()]
    assert len(names) >= 200
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
    ("line separator ends a comment", "version: 1\n# fine\u2028ruin: x\n".encode(), "AT004", 2, 7),
    ("paragraph separator", "version: 1\u2029\n".encode(), "AT004", 1, 11),
    ("next line", "version: 1\u0085rules: {}\n".encode(), "AT004", 1, 11),
    ("escape sequence of a terminal", b"version: 1 # \x1b[2J\n", "AT004", 1, 14),
    ("delete", b"version: 1\x7f\n", "AT004", 1, 11),
    ("tag characters", "version: 1 # \U000e0041\n".encode(), "AT004", 1, 14),
    ("no character", "version: 1 # \uffff\n".encode(), "AT004", 1, 14),
    ("isolate", "version: 1 # \u2066\n".encode(), "AT004", 1, 14),
    ("UTF-16 without mark", "version: 1\n".encode("utf-16-le"), "AT013", 1, 1),
    ("UTF-32", "version: 1\n".encode("utf-32"), "AT003", 1, 1),
    ("overlong slash", b"version: 1 # \xc0\xaf\n", "AT003", 1, 14),
    ("half of a pair", b"version: 1 # \xed\xa0\x80\n", "AT003", 1, 14),
    ("cut character", "version: 1 # 買".encode()[:-1], "AT003", 1, 14),
    ("beyond Unicode", b"version: 1 # \xf4\x90\x80\x80\n", "AT003", 1, 14),
    ("compressed", b"\x1f\x8b\x08\x00\x00\x00", "AT003", 1, 2),
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
    assert cost(lambda: load({"f.yaml": data})) < 30
    plan, problems = load({"f.yaml": data})
    assert plan is None
    assert code == problems[0].code
    assert all(each.hint for each in problems if each.severity == "error")
    assert (line, column) == (problems[0].place.line, problems[0].place.column) or name == "too many nodes"


LIST_BOMB = b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(8))
MERGE_BOMB = b"".join(
    b"%c: &%c {<<: [%s]}\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(8)
)  # 9 × 9 levels

BOMBS: dict[str, bytes] = {
    "lists of lists": b"a: &a [x,x]\n" + LIST_BOMB,
    "merges of merges": b"a: &a {x: 1}\n" + MERGE_BOMB,
    "two thousand merges": b"a: &a {x: 1}\n" + b"".join(b"b%d: {<<: *a}\n" % n for n in range(2000)),
    "an alias to itself": b"a: &a [*a]\n",
    "two thousand aliases": b"".join(b"- *a%d\n" % n for n in range(2000)),
    "two hundred thousand aliases": b"a: &a 1\nb: [" + b"*a," * 60_000 + b"]",
    "deep in brackets": b"a: " + b"[" * 250_000,
    "deep in braces": b"a: " + b"{a: " * 60_000,
    "deep in questions": b"? " * 100_000,
    "deep in dashes": b"- " * 100_000,
    "deep in blocks": "".join(f"{' ' * n}a:\n" for n in range(700)).encode(),
    "a number of digits": b"version: " + b"9" * 250_000,
    "a long key": b"k" * 250_000 + b": 1\n",
    "a long quoted text": b"a: '" + b"\n" * 250_000,
    "a long block": b"a: |\n" + b"  x\n" * 60_000,
    "a long comment": b"#" * 262_144,
    "escapes": b'a: "' + b"\\x41" * 60_000 + b'"',
    "tabs": b"\t" * 262_000,
    "colons": b": " * 130_000,
    "documents": b"---\n" * 65_000,
    "directives": b"%A\n" * 80_000,
    "tags": b"!a " * 80_000,
    "anchors": b"&a " * 80_000,
    "the same key": b"version: 1\n" * 20_000,
    "conditions": (HEADS["W"] + "    when: [" + "x < 1, " * 9_000 + "]\n").encode(),
    "unknown keys": (HEADS["W"] + "".join(f"    key{number}: 1\n" for number in range(9_000))).encode(),
    "commas": (HEADS["W"] + "    when: f(" + "1,000 " * 40_000 + ")\n").encode(),
    "parentheses": (HEADS["W"] + "    when: " + "(" * 250_000 + "\n").encode(),
    "minus signs": (HEADS["W"] + "    when: " + "-" * 250_000 + "5 < last\n").encode(),
    "mended lines": (HEADS["W"] + "    about: {a} b\n" * 9_000).encode(),
    "braces of placeholders": (HEADS["R"] + '    then: [notify: "' + "{last}" * 40_000 + '"]\n').encode(),
    "rules": (
        "version: 1\nrules:\n" + "".join(f"  r{n}: {{symbol: BTCJPY, then: [notify: x]}}\n" for n in range(3_000))
    ).encode(),
    "signals that double": (
        "version: 1\nsignals:\n"
        + "".join(f"  s{n}: [signal(s{n + 1}), signal(s{n + 1})]\n" for n in range(40))
        + "  s40: last < 5\n"
    ).encode(),
    "fifty megabytes": b"about: '" + b"x" * 50_000_000 + b"'",
}
# What a bomb's time is measured by: a file of a thousand honest rules, loaded in the same run.
HONEST = (
    "version: 1\nrules:\n"
    + "".join(
        f"  r{n}:\n    symbol: BTCJPY\n    every: 1m\n    when: change_24h <= -{n % 50 + 1}% and rsi(14, 1h) < 30\n"
        f"    then: [notify: x]\n"
        for n in range(1_000)
    ).replace(" and ", "\n    rearm_when: ")
).encode()
MOST_HONEST_FILES, MOST_BYTES_HELD = 6.0, 64 * 1024 * 1024
MEASURED = """
import os, pickle, resource, sys, time
from autotrader.language.load import load
load({"warm.yaml": b"version: 1"})
bombs = pickle.load(sys.stdin.buffer)
for name, data in bombs.items():
    out, into = os.pipe()
    if not (child := os.fork()):
        resource.setrlimit(resource.RLIMIT_CPU, (200, 200))
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        plan, problems = load({"f.yaml": data})
        spent, held = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        os.write(into, pickle.dumps((spent, held * 1024, plan is None, len(problems))))
        os._exit(0)
    os.close(into)
    os.waitpid(child, 0)
    with os.fdopen(out, "rb") as file:
        told = file.read()
    sys.stdout.buffer.write(pickle.dumps((name, pickle.loads(told) if told else None)))
"""


def test_no_bomb_takes_much_time_or_memory() -> None:
    """Each in a process of its own: no more of it than six honest files take, 64 MiB, and an answer."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], input=pickle.dumps({"honest": HONEST, **BOMBS}),
        capture_output=True, check=True, timeout=550, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    found, told = io.BytesIO(done.stdout), {}
    while found.tell() < len(done.stdout):
        name, measured = pickle.load(found)  # noqa: S301 - our own child
        told[name] = measured
    assert list(told) == ["honest", *BOMBS]
    honest = told.pop("honest")
    assert honest is not None
    assert not honest[2], "the honest file has mistakes"
    most = honest[0] * MOST_HONEST_FILES
    died = [name for name, measured in told.items() if measured is None]
    assert died == []
    assert {name: one for name, one in told.items() if one[0] > most or one[1] > MOST_BYTES_HELD} == {}
    assert [name for name, one in told.items() if not one[3] and name != "rules"] == []


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
