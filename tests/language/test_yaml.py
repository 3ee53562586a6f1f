"""The strict reading of YAML: what is said of each forbidden form, and every place in what is read."""

from __future__ import annotations

import pytest

from autotrader.language.nodes import Map, Scalar, Seq
from autotrader.language.problems import Problem
from autotrader.language.tree import Place
from autotrader.language.yaml_text import MAX_BYTES, MAX_DEPTH, MAX_NODES, read_document

VALUE = "write the value itself; a text that begins with `!` or `&` needs quotes"
EMPTY = ("AT013", 1, 1, 1, "the file is empty", "a rule file begins with `version: 1`")
FOREIGN = ("AT003", 1, 1, 1, "the file is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8")
UNFIT = "begin with `version: 1`, then `rules:`"
DIRECTIVE = ("AT007", 1, 1, 1, "YAML directives (`%YAML`, `%TAG`) are not read", "remove the line")
SECOND = ("AT007", 2, 1, 3, "a second document begins here; a file holds one", "remove the `---`, or split the file")
JOINS = "YAML joins this line to line 1: together they are one text"
COMMAS, BREAK = "`1,000`: commas do not group digits", "a line break stands inside this value"
APART = "begin it with `- ` if it is an item of its own, or put a long text in quotes"
CLOSE = ("AT006", 2, 4, 1, "what begins here is never closed", "close the quote, `]` or `}`")
FORMS: dict[str, tuple[bytes, list[tuple[str, int, int, int, str, str]]]] = {
    "a byte too many": (b"#" * (MAX_BYTES + 1), [(
        "AT002", 1, 1, 1, "the file has more than 262,144 bytes, which is the most that is read",
        "split it into several files")]),
    "as many bytes as are read": (b"#" * MAX_BYTES, [EMPTY]),
    "UTF-16 little": (b"\xff\xfea\x00", [FOREIGN]),
    "UTF-16 big": (b"\xfe\xff\x00a", [FOREIGN]),
    "UTF-32 big": (b"\x00\x00\xfe\xffabc", [FOREIGN]),
    "a byte that is not UTF-8, behind letters of several bytes": ("a: 買\nbö: ".encode() + b"\xc3x", [
        ("AT003", 2, 5, 1, "byte 0xc3 is not UTF-8", "save the file as UTF-8")]),
    "such a byte in the first line": (b"ab\xe9", [
        ("AT003", 1, 3, 1, "byte 0xe9 is not UTF-8", "save the file as UTF-8")]),
    "a byte of few digits": (b"a\x81", [("AT003", 1, 2, 1, "byte 0x81 is not UTF-8", "save the file as UTF-8")]),
    "nothing": (b"", [EMPTY]),
    "a comment": (b"# x\n", [EMPTY]),
    "an empty document": (b"---\n", [EMPTY]),
    "a list": (b"- a\n", [("AT013", 1, 1, 1, "the file must be a mapping of keys, and is a list", UNFIT)]),
    "a text": (b"  hello\n", [("AT013", 1, 3, 1, "the file must be a mapping of keys, and is a text", UNFIT)]),
    "a version": (b"%YAML 1.1\n---\na: 1\n", [DIRECTIVE]),
    "a tag's short name": (b"%TAG ! tag:x,2000:\n---\na: 1\n", [DIRECTIVE]),
    "two documents": (b"a: 1\n---\nb: 2\n", [SECOND]),
    "three documents": (b"a: 1\n---\nb: [\n---\nc: 3\n", [SECOND]),
    "an anchor": (b"a: &x 1\n", [("AT007", 1, 4, 4, "an anchor (`&x`) is not allowed", VALUE)]),
    "a tag": (b"a: !b 1\nb: 2\n", [("AT007", 1, 4, 4, "a tag (`!b`) is not allowed", VALUE)]),
    "both": (b"a: &x !b 1\n", [("AT007", 1, 4, 7, "an anchor (`&x`) is not allowed", VALUE)]),
    "an anchor over lines": (b"a: &x 'b\n  c'\n", [("AT007", 1, 4, 1, "an anchor (`&x`) is not allowed", VALUE)]),
    "an alias": (b"a: [*x]\n", [(
        "AT007", 1, 5, 2, "an alias (`*x`) is not allowed",
        "write the value itself; a text that begins with `*` needs quotes")]),
    "a key twice": (b'a: 1\nb: 2\n"\\x61": 3\na: 4\n', [
        ("AT008", line, 1, length, f"the key `a` stands twice: lines 1 and {line}",
         "YAML would silently keep the last one; remove or rename one of them") for line, length in ((3, 6), (4, 1))]),
    "a merge": (b"a: {<<: {b: 1}, c: 2}\n", [
        ("AT007", 1, 5, 2, "merge keys (`<<`) are not allowed",
         "write the keys out, or use `params:` and `signals:`")]),
    "an empty key": (b"'': 1\nb: 2\n", [("AT014", 1, 1, 2, "a key is empty", "write `name: value`")]),
    "a list as a key": (b"? [a, b]\n: 1\nc: 2\n", [
        ("AT014", 1, 3, 1, "a key must be a text", "write `name: value`")]),
    "a mapping as a key": (b"b: 1\n? {a: 1}\n: 1\n", [
        ("AT014", 2, 3, 1, "a key must be a text", "write `name: value`")]),
    "a line that is joined": (b"a: one\n  two\nb: 3\n", [("AT009", 2, 3, 3, JOINS, APART)]),
    "a line that is joined over an empty one": (b"a: one\n\n    two  \nb: 3\n", [("AT009", 3, 5, 3, JOINS, APART)]),
    "a comment behind a free text": (b"about: buy  #1  \n", [
        ("AT012", 1, 13, 2, "the text ends here: what follows ` #` is a comment to YAML",
         "put the whole text in quotes, or the comment on its own line")]),
    "a comment behind a condition": (b"when: buy #1\n", []),
    "a comment behind a quoted text": (b"about: 'buy' # 1\n", []),
    "a comment behind no text": (b"about: # 1\n", []),
    "one that is joined by a single letter": (b"a: one  \n   \n   c\n", [("AT009", 3, 4, 1, JOINS, APART)]),
    "commas in a value": (b"a: 1,000\n", [("AT011", 1, 4, 5, COMMAS, "write `1_000`")]),
    "commas in a list": (b"a: [1,000]\n", [("AT011", 1, 5, 5, COMMAS, "write `1_000`")]),
    "commas in a mapping": (b"a: {b: 1,000}\n", [("AT011", 1, 8, 5, COMMAS, "write `1_000`")]),
    "an escape that cannot be seen": (b'a: "x\\ty"\n', [
        ("AT004", 1, 4, 6, "the text holds the character U+0009", "remove the escape sequence")]),
    "an escaped line break": (b'a: "x\\ny"\n', [("AT009", 1, 4, 6, BREAK, "write the value on one line")]),
    "a block where a value belongs": (b"a: |\n  x\n  y\n", [
        ("AT009", 1, 4, 1, BREAK, "write the value on one line")]),
    "a comment behind a free text in a list": (b"about:\n  - buy #1\n", [
        ("AT012", 2, 9, 2, "the text ends here: what follows ` #` is a comment to YAML",
         "put the whole text in quotes, or the comment on its own line")]),
    "a quote without its end": (b"b: 3\na: 'x\n", [CLOSE]),
    "a bracket without its end": (b"a: [1, 2\nb: 3\n", [(
        "AT006", 2, 2, 1, "a bracket is not closed, or a comma is missing", "close `]` or `}` on its line")]),
    "two mistakes that can be mended": (b"a: b: c\nd: e: f\n", [
        ("AT015", 1, 5, 1, "`: ` inside a text without quotes", 'put it in quotes: "b: c"'),
        ("AT015", 2, 5, 1, "`: ` inside a text without quotes", 'put it in quotes: "e: f"')]),
    "a mistake behind one that can be mended": (b"a: b: c\nd: 'x\n", [
        ("AT015", 1, 5, 1, "`: ` inside a text without quotes", 'put it in quotes: "b: c"'), CLOSE]),
    "a carriage return alone": (b"a: 1\rb: 2\n", [
        ("AT004", 1, 5, 1, "the character U+000D is not allowed",
         "it cannot be seen and may change what the line means; remove it")]),
    "a node too many": (b"a: [" + b"b," * (MAX_NODES - 2) + b"]", [
        ("AT002", 1, 5 + 2 * (MAX_NODES - 3), 1, "the file has more than 20,000 nodes", "")]),
    "as many nodes as are read": (b"a: [" + b"b," * (MAX_NODES - 3) + b"]", []),
    "as deep as is read": (b"a: " + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1), []),
    "a level too deep": (b"a: " + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, [
        ("AT002", 1, 3 + MAX_DEPTH, 1, "the file is nested more than 32 deep", "")]),
    "deep again and again": (b"a:\n" + b"- [[[[[[[[[[[]]]]]]]]]]]\n" * 30, []),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_what_is_said_of_a_form(name: str) -> None:
    """Code, place, length, what was found and what helps: all that a person sees of a forbidden form."""
    data, wanted = FORMS[name]
    _, problems = read_document("f.yaml", data)
    assert list(problems) == [
        Problem(code=code, place=Place("f.yaml", line, column, length), message=message, hint=hint)
        for code, line, column, length, message, hint in wanted
    ]


def key(text: str, line: int, column: int = 1) -> Scalar:
    return plain(text, line, column)


def plain(text: str, line: int, column: int, length: int = 0) -> Scalar:
    return Scalar(text, line, column, length or max(len(text), 1), "plain", line, column)


WHOLE = """\
\ufeffa: plain text
b: 'quot''d'
help: |

   block
   more
d: [x, "y"]
e: {f: g}
h:
  - 1
  - i: 2
j:
text: >-
   folded
   on
about: 'over
   lines'
"""


def test_every_node_has_its_place() -> None:
    """Texts, lists and mappings of every style: where each begins, how long it is, where its own text begins."""
    document, problems = read_document("f.yaml", WHOLE.replace("\n", "\r\n").encode())
    assert problems == ()
    assert document.text == WHOLE.removeprefix("\ufeff")
    assert document.file == "f.yaml"
    assert document.root == Map(
        (
            (key("a", 1), plain("plain text", 1, 4)),
            (key("b", 2), Scalar("quot'd", 2, 4, 9, "quoted", 2, 5)),
            (key("help", 3), Scalar("\nblock\nmore", 3, 7, 1, "block", 5, 4)),
            (key("d", 7), Seq((plain("x", 7, 5), Scalar("y", 7, 8, 3, "quoted", 7, 9)), 7, 4, flow=True)),
            (key("e", 8), Map(((key("f", 8, 5), plain("g", 8, 8)),), 8, 4, flow=True)),
            (key("h", 9), Seq((plain("1", 10, 5), Map(((key("i", 11, 5), plain("2", 11, 8)),), 11, 5)), 10, 3)),
            (key("j", 12), plain("", 12, 3)),
            (key("text", 13), Scalar("folded on", 13, 7, 2, "block", 14, 4)),
            (key("about", 16), Scalar("over lines", 16, 8, 5, "quoted", 16, 9)),
        ),
        1,
        1,
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: one\n  two\n", plain("one", 1, 4)),
        ("a: one  \n  two\n", plain("one", 1, 4)),
        ("a: 1,000\n", plain("1_000", 1, 4)),
        ("a: plain, text\n", plain("plain, text", 1, 4)),
        ('a: "x\\ty"\n', Scalar("x\ty", 1, 4, 6, "quoted", 1, 5, broken=True)),
        ('a: "x\\ny"\n', Scalar("x\ny", 1, 4, 6, "quoted", 1, 5, broken=True)),
        ("a: |\n\n\n", Scalar("", 1, 4, 1, "block", 1, 4)),
        ("a: b: c\n", Scalar("b: c", 1, 4, 6, "quoted", 1, 5, broken=True)),
        ("a: x\x00y\n", Scalar("x?y", 1, 4, 3, "plain", 1, 4, broken=True)),
        ("a: x?y\n", plain("x?y", 1, 4)),
        ("a: \u201cx\u201d\n", Scalar("\u201cx\u201d", 1, 4, 3, "plain", 1, 4, broken=True)),
        ("a: *x\n", Scalar("*x", 1, 4, broken=True)),
        ("a: |\n", Scalar("", 1, 4, 1, "block", 1, 4)),
        ("a: |\n  b\n\n", Scalar("b", 1, 4, 1, "block", 2, 3)),
        ("a: '?'  # \x00\n", Scalar("?", 1, 4, 3, "quoted", 1, 5, broken=True)),
    ],
)
def test_what_was_reported_is_not_judged_again(text: str, value: Scalar) -> None:
    """A text that was mended or replaced to read on is marked, so that one mistake makes one problem."""
    document, _ = read_document("f.yaml", text)
    assert document.root is not None
    assert document.root.get("a") == value


UNUSABLE = [b"a: 1\rb: 2\n", b"", b"- a\n", b"a: 'x\n", b"\xff\xfe", b"a\xe9", b"#" * (MAX_BYTES + 1)]


@pytest.mark.parametrize("data", UNUSABLE)
def test_where_nothing_can_be_used_there_is_no_root(data: bytes) -> None:
    """What cannot be placed, or is no mapping, gives a document without nodes, and at least one problem."""
    document, problems = read_document("f.yaml", data)
    assert document.root is None
    assert problems


def test_reading_goes_on_behind_what_is_forbidden() -> None:
    """A directive, a second document, a merge or an odd key costs itself alone: the rest is read."""
    for data, keys in (
        (b"%YAML 1.1\n---\na: 1\n", ["a"]),
        (b"a: 1\n---\nb: 2\n", ["a"]),
        (b"<<: {x: 1}\na: 1\n'': 2\n? [c]\n: 3\nb: 4\na: 5\n", ["a", "b"]),
        (b"a: &x {c: 1}\nb: !t [1]\n", ["a", "b"]),
    ):
        root = read_document("f.yaml", data)[0].root
        assert root is not None
        assert [each.text for each, _ in root.entries] == keys
    first = read_document("f.yaml", b"a: 1\na: 5\n")[0].root
    assert first is not None
    assert first.get("a") == plain("1", 1, 4)


def test_many_mistakes_are_mended_and_then_it_is_enough() -> None:
    """Up to eight mistakes of a file are shown at once; then reading ends."""
    _, problems = read_document("f.yaml", "".join(f"a{n}: b: c\n" for n in range(12)))
    assert [problem.place.line for problem in problems] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_text_that_is_no_unicode_is_said() -> None:
    """Half of a pair in a text that was given as text is refused like any other character that cannot be seen."""
    document, problems = read_document("f.yaml", "a: x\ud800y\n")
    assert [(each.code, each.place.column) for each in problems] == [("AT004", 5)]
    assert document.text == "a: x\ud800y\n"
