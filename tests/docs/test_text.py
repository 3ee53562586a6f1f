"""What the documents mention exists, and what exists is mentioned."""

import re
from pathlib import Path

import pytest

from autotrader.cli._table import COMMANDS
from tests.docs.blocks import ROOT, documents
from tests.docs.errors_page import PAGE, page

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"(?ms)^```.*?^```$")


def anchors(file: Path) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    heads = re.findall(r"(?m)^#+ (.+)$", _FENCE.sub("", file.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("file", documents(), ids=lambda file: file.name)
def test_links_resolve(file: Path) -> None:
    """Every link inside the project leads to a file, and to a heading of it where it names one."""
    broken = []
    for target in _LINK.findall(_FENCE.sub("", file.read_text(encoding="utf-8"))):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        place = (file.parent / path).resolve() if path else file
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    """A user finds each command in a document."""
    assert any(re.search(rf"autotrader {command}\b", file.read_text(encoding="utf-8")) for file in documents())


def test_readme_names_both_doors() -> None:
    """The README names the two commands with which everybody begins, and never the foreign package."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "python3 dev.py demo" in text
    assert "python3 dev.py test" in text
    for file in documents():
        assert not re.search(r"pip3? install autotrader(?!-jp)", file.read_text(encoding="utf-8"))


def test_the_page_of_codes_is_current() -> None:
    """docs/errors.md is what the catalogue of problem codes says; `python -m tests.docs.errors_page` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_exit_codes_are_those_of_the_program() -> None:
    """The table of exit codes names every code that an error of ours carries, and the signals'."""
    from autotrader import errors
    from autotrader.cli import _errors

    text = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    listed = {int(code) for code in re.findall(r"(?m)^\| (\d+) \|", text)}
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    ours = {each.exit_code for each in kinds if issubclass(each, errors.AutotraderError)}
    assert listed == ours | {0, 3, _errors.INTERNAL, _errors.INTERRUPTED, _errors.TERMINATED, _errors.PIPE}


def test_environment_variables_are_documented() -> None:
    """Each variable of the environment that the program reads by name stands in a document."""
    named = set()
    for file in (ROOT / "autotrader").rglob("*.py"):
        named |= set(re.findall(r'"(AUTOTRADER_[A-Z_]*[A-Z])"', file.read_text(encoding="utf-8")))
    texts = "\n".join(file.read_text(encoding="utf-8") for file in documents())
    assert {name for name in named if name not in texts} == {"AUTOTRADER_CRASH_AT"}  # for tests of the program alone


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the package's own plug-ins
def test_addresses_of_services_are_of_kinds_that_apprise_knows() -> None:
    """Each address in docs/notify.md begins as the apprise package wants it for that service."""
    import apprise

    shown = re.findall(r"\| `([a-z]+)://", (ROOT / "docs" / "notify.md").read_text(encoding="utf-8"))
    known = set()
    for service in apprise.Apprise().details()["schemas"]:
        known |= {*(service["protocols"] or ()), *(service["secure_protocols"] or ())}
    assert len(shown) >= 6
    assert set(shown) <= known
