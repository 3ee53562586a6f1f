"""Which of several stores a command means."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotrader.cli._stores import meant
from autotrader.errors import UsageError
from autotrader.records.places import Identity, store_dir
from autotrader.records.store import Store

URL = "http://127.0.0.1:18000"


def made(state: Path, mode: str, url: str = URL) -> Path:
    """A store of a world, closed."""
    identity = Identity(mode=mode, base_url=url)
    folder = store_dir(state, identity)
    Store.open(folder, identity, now_ms=1).close()
    return folder


def account(folder: Path, mode: str) -> None:
    """An account file in the folder."""
    text = f'version: 1\nmode: {mode}\nexchange: {{name: binance, base_url: "{URL}"}}\nsymbols: [BTCJPY]\n'
    (folder / "autotrader.yaml").write_text(text, encoding="utf-8")


def test_the_only_store_is_meant(tmp_path: Path) -> None:
    """With one store there is no question."""
    only = made(tmp_path / "state", "dry-run")
    assert meant(tmp_path / "state") == only


@pytest.mark.parametrize(("mode", "world"), [("dry_run", "dry-run"), ("live", "live")])
def test_of_several_the_account_file_s_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, world: str
) -> None:
    """Dry-run and live lie side by side: the mode and address of the account file here decide."""
    state = tmp_path / "state"
    stores = {name: made(state, name) for name in ("dry-run", "live")}
    made(state, world, "http://127.0.0.1:18001")
    account(tmp_path, mode)
    monkeypatch.chdir(tmp_path)
    assert meant(state) == stores[world]


def test_without_an_account_file_several_are_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is guessed: the stores are named."""
    state = tmp_path / "state"
    made(state, "dry-run")
    made(state, "live")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="holds 2 stores"):
        meant(state)
