"""Writes docs/errors.md from the catalogue of problem codes: `.venv/bin/python -m tests.docs.errors_page`."""

from __future__ import annotations

from autotrader.language.codes import CODES
from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "errors.md"
HEAD = """\
# Error codes

<!-- Written from the program's catalogue by `python -m tests.docs.errors_page`; edits belong there. -->

`autotrader validate` reports every problem with a code, the place, and a hint. `autotrader rule AT113` explains one on
the terminal, with a wrong and a right line; `autotrader rule` lists them. An *error* means that nothing runs; a
*warning* (AT3..) lets it run; with `--strict` it ends with exit code 3.

Codes that begin with AT0 are about files and YAML, AT1 expressions, AT2 rules, AT3 warnings, AT4 what is not supported
yet, AT5 the account file. Exit codes are in [running](running.md#exit-codes).

| code | what | why |
|---|---|---|
"""


def page() -> str:
    """The whole document."""
    rows = (f"| {code} | {cell(entry.title)} | {cell(entry.why)} |\n" for code, entry in sorted(CODES.items()))
    return HEAD + "".join(rows)


def cell(text: str) -> str:
    """A text that cannot end its table cell or open a tag; code spans stay as they are."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
