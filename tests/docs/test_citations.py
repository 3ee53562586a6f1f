"""What a docstring or a page cites is there: the page, the section, the promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, documents

SECTION = r"(?:§\d+(?:\.\d+)*|P\d+\b)"
CITATION = re.compile(rf"((?=docs/)[\w/.-]+\.md)((?:[\s,]+(?:and\s+|to\s+)?{SECTION})*)")
LINK = re.compile(rf"(?<=\]\()([\w/.-]+\.md)\)((?:[\s,]+(?:and\s+|to\s+)?{SECTION})*)")
# Names of pages that no reader has, or of our pages without their folder.
DANGLING = re.compile(r"(?<![\w/])(exchange-facts|rule-language|order-safety|design)(?=\s+(?:§|P\d))")


def sources() -> list[Path]:
    """Every text that may cite: code, tests, benchmarks, documents."""
    code = [path for folder in ("autotrader", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    return [*sorted(code), *documents()]


def has(page: str, section: str) -> bool:
    """Whether a page has a heading of that number, or a promise of that name in a table."""
    if section.startswith("P"):
        return re.search(rf"(?m)^\| {section} \|", page) is not None
    return re.search(rf"(?m)^#+ {re.escape(section[1:])}\.?(?: |$)", page) is not None


def wrong_in(text: str, page: Path | None = None) -> list[str]:
    """What a text cites that is not there. A page's links begin in its folder, its bare sections are its own."""
    found = [f"{match[0]}: that page is not here" for match in DANGLING.finditer(text)]
    ways = [(CITATION, ROOT), *([(LINK, page.parent)] if page else [])]
    cites = [(match, base / match[1]) for pattern, base in ways for match in pattern.finditer(text)]
    for match, path in cites:
        if not path.is_file():
            found.append(f"{match[1]}: no such page")
            continue
        there = path.read_text(encoding="utf-8")
        found += [f"{match[1]} {one}: no such section" for one in re.findall(SECTION, match[2]) if not has(there, one)]
    cited = {place for match, _ in cites for place in range(match.start(), match.end())}
    bare = [match for match in re.finditer(r"§\d+(?:\.\d+)*", text) if match.start() not in cited]
    return found + [f"{match[0]}: a section of no page" for match in bare if page is None or not has(text, match[0])]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("as docs/order-safety.md\n    §1.2 says", 0),
        ("(docs/venue.md §2.3, §2.4 and §2.5)", 0),
        ("docs/order-safety.md P8", 0),
        ("docs/order-safety.md §99", 1),
        ("docs/order-safety.md P99", 1),
        ("docs/nowhere.md", 1),
        ("see §2.5", 1),
        ("(exchange" + "-facts §2)", 2),
    ],
)
def test_a_dangling_citation_is_found(text: str, wrong: int) -> None:
    """A page, section or promise that is not there, and a section of no page."""
    assert len(wrong_in(text)) == wrong


def test_every_citation_is_there() -> None:
    """In code, tests and documents nobody is sent to a page that is not in the repository."""
    others = [path for path in sources() if path != Path(__file__)]
    wrong = {
        path: wrong_in(path.read_text(encoding="utf-8"), path if path.suffix == ".md" else None) for path in others
    }
    assert [f"{path.relative_to(ROOT)}: {what}" for path, found in wrong.items() for what in found] == []
