"""The mutation tool: of the small changes to what guards money, nine in ten at least are noticed by the tests."""

from __future__ import annotations

import pytest

from tests.mutants import tool

PARTS = ("journal", "gate", "signer", "loader", "lifecycle")
DIFF = """\
--- autotrader/x.py
+++ autotrader/x.py
@@ -1,3 +1,3 @@
 def f():
-    {old}
+    {new}
"""


def change(old: str, new: str) -> tool.Change:
    return tool.change_of("x.py", DIFF.format(old=old, new=new))


@pytest.mark.parametrize(("old", "new", "is_wording"), [
    ('say("Sent")', 'say("sent")', False),
    ('say("It is not sent")', 'say("it is not sent")', True),
    ('say("is not sent", 1)', 'say("XXis not sentXX", 1)', True),
    ('say("is not sent", 1)', 'say("is not sent", 2)', False),
    ('say("is not sent")', "say(None)", False),
    ('run("SELECT a FROM b")', 'run("select a from b")', True),
    ('run("SELECT a FROM b")', 'run("XXSELECT a FROM bXX")', False),
    ('row["state"]', 'row["STATE"]', True),
    ('body["state"]', 'body["STATE"]', False),
    ('fault="outside"', 'fault="OUTSIDE"', False),
    ("a + 1", "a - 1", False),
])  # fmt: skip
def test_what_counts_as_wording(old: str, new: str, is_wording: bool) -> None:
    """Only sentences, SQL and columns in other letter case, sentences in XX: a word that decides is not left out."""
    assert tool.is_wording(change(old, new)) is is_wording


def test_a_change_is_listed_by_file_and_both_lines() -> None:
    """An entry excuses the very change that it names, and no other."""
    entry = {"file": "x.py", "old": "a + 1", "new": "a - 1", "why": "…"}
    assert tool.is_listed(change("a + 1", "a - 1"), entry)
    assert not tool.is_listed(change("a + 1", "a + 2"), entry)
    assert not tool.is_listed(change("a + 2", "a - 1"), entry)
    assert not tool.is_listed(change("a + 1", "a - 1"), entry | {"file": "y.py"})


@pytest.mark.deep
@pytest.mark.parametrize("part", PARTS)
def test_nine_changes_in_ten_are_noticed(part: str) -> None:
    """Journal, gate, signer, loader and lifecycle: the score of the mutation tool is at least 90 %."""
    try:
        tool.environment(tool.CACHE)
    except SystemExit as failed:
        pytest.skip(f"the mutation tool cannot be installed here: {failed}")
    assert tool.main([part]) == 0
