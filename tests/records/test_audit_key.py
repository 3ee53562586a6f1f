"""The audit key: where it is found, what it refuses, and what it finds; heads that were noted elsewhere."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from autotrader.errors import ConfigError, RecordsBroken, SafetyRefused
from autotrader.records.audit_key import AuditKey, find_key, make_key
from autotrader.records.heads import Head
from autotrader.records.store import Store
from tests.worlds.desk import WORLD, open_store

TEXT = "0123456789abcdef" * 4


def with_key(state: Path, text: str = TEXT) -> None:
    """Lay a key into the state folder."""
    path = state / "audit.key"
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")


def lived(state: Path) -> Path:
    """A store that has lived and was closed."""
    store = open_store(state / "s")
    store.notice(1, "info", "one")
    store.close(2)
    return state / "s"


def test_where_the_key_is_found(tmp_path: Path) -> None:
    """The environment's file wins over systemd's credential, and that over the state folder."""
    assert find_key(tmp_path, {}) is None
    with_key(tmp_path)
    places = {"named": "a" * 40, "autotrader-audit-key": "b" * 40}
    for name, text in places.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text)
    systemd = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    both = {**systemd, "AUTOTRADER_AUDIT_KEY_FILE": str(tmp_path / "named")}
    found = [find_key(tmp_path, environ) for environ in ({}, systemd, both)]
    assert [key and key.id for key in found] == [AuditKey(text).id for text in (TEXT, "b" * 40, "a" * 40)]


def test_a_key_is_made_before_the_first_store_only(tmp_path: Path) -> None:
    """A store that lived without a key is not given one unasked; a new state folder gets a private one."""
    lived(tmp_path / "old")
    make_key(tmp_path / "old", {})
    assert find_key(tmp_path / "old", {}) is None
    (tmp_path / "new").mkdir()
    make_key(tmp_path / "new", {})
    first = (tmp_path / "new" / "audit.key").read_text()
    make_key(tmp_path / "new", {})
    assert (tmp_path / "new" / "audit.key").read_text() == first
    assert (tmp_path / "new" / "audit.key").stat().st_mode & 0o777 == 0o600


def test_keys_that_are_refused(tmp_path: Path) -> None:
    """A file that others may read, a short, huge or absent one, a folder and a link: one clear error each."""
    with_key(tmp_path)
    path = tmp_path / "audit.key"
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read"):
        find_key(tmp_path, {})
    path.chmod(0o600)
    for text, said in (("short", "at least 32"), ("x" * 5_000, "larger than")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=said):
            find_key(tmp_path, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        find_key(tmp_path, {"AUTOTRADER_AUDIT_KEY_FILE": str(tmp_path / "nowhere")})
    with pytest.raises(ConfigError, match="not a regular file"):
        find_key(tmp_path, {"AUTOTRADER_AUDIT_KEY_FILE": str(tmp_path)})
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        find_key(tmp_path, {"AUTOTRADER_AUDIT_KEY_FILE": str(tmp_path / "link")})


def test_the_key_shows_itself_to_nobody() -> None:
    """Neither its text nor its bytes can be had by printing or pickling it."""
    key = AuditKey(TEXT)
    assert TEXT[:8] not in f"{key!r} {key}"
    with pytest.raises(SafetyRefused):
        pickle.dumps(key)


def test_checkpoints_are_proven_with_the_key(tmp_path: Path) -> None:
    """With the key every checkpoint is proven; without it `verify` says what it did not check."""
    with_key(tmp_path)
    folder = lived(tmp_path)
    with Store.read(folder) as store:
        report = store.verify()
    assert (report.whole, report.notes, report.proven >= 2) == (True, (), True)
    (tmp_path / "audit.key").unlink()
    with Store.read(folder) as store:
        report = store.verify()
    assert (report.whole, report.proven) == (True, 0)
    assert "which is not here" in report.notes[0]


@pytest.mark.parametrize("other", ["", "another key that is long enough, too"])
def test_a_store_goes_on_with_its_key_only(tmp_path: Path, other: str) -> None:
    """Without its key, or with another, a store is not written to, until the change is said; then it verifies."""
    with_key(tmp_path)
    folder = lived(tmp_path)
    (tmp_path / "audit.key").unlink()
    if other:
        with_key(tmp_path, other)
    with pytest.raises(RecordsBroken, match="was written with the audit key"):
        open_store(folder)
    with Store.open(folder, WORLD, now_ms=3, rekey=True) as store:
        store.notice(3, "warn", "another key")
    open_store(folder).close(4)
    with Store.read(folder) as store:
        assert store.verify().whole


def test_a_key_that_comes_later_is_said(tmp_path: Path) -> None:
    """A store that lived without a key does not take one silently: a forger could have cut the HMACs off."""
    folder = lived(tmp_path)
    with_key(tmp_path)
    with pytest.raises(RecordsBroken, match="written with no audit key"):
        open_store(folder)
    with Store.read(folder) as store:
        assert not store.verify().whole


def test_noted_heads_must_be_in_the_chain(tmp_path: Path) -> None:
    """A head that was noted is found again, also cut to 16 digits; one that is not in the chain is named."""
    folder = lived(tmp_path)
    with Store.read(folder) as store:
        head = store.head()
        assert head is not None
        assert store.verify([head, Head(head.n, head.hash[:16])]).whole
        beyond, other = store.verify([Head(99, "0" * 64)]), store.verify([Head(1, "0" * 16)])
    assert "ends at record" in str(beyond.problems[0])
    assert (other.problems[0].n, "head was noted" in other.problems[0].what) == (1, True)


def test_what_is_altered_while_closed_stops_the_start(tmp_path: Path) -> None:
    """Rule states and settings have no acts; altered behind the back of a closed store they are noticed."""
    import sqlite3

    folder = lived(tmp_path)
    with sqlite3.connect(folder / "records.db") as db:
        db.execute("INSERT INTO states VALUES ('dip', 'BTCJPY', '', '{}')")
    db.close()
    with pytest.raises(RecordsBroken, match="rule states were altered"):
        open_store(folder)


def test_opening_and_closing_without_a_write_leaves_no_act(tmp_path: Path) -> None:
    """Only a process that wrote something says that it opened and closed."""
    folder = lived(tmp_path)
    for now_ms in (5, 6):
        open_store(folder, now_ms).close(now_ms)
    with Store.read(folder) as store:
        assert [act.kind for act in store.chain.acts()] == ["store", "notice", "closed"]
    again = open_store(folder, 7)
    again.notice(7, "info", "two")
    again.close(8)
    with Store.read(folder) as store:
        assert [act.kind for act in store.chain.acts(after=3)] == ["opened", "notice", "closed"]
        assert store.verify().whole
