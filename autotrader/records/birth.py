"""The first rows of a store: whose it is. A store that is there is compared with who opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autotrader.errors import RecordsBroken, SafetyRefused
from autotrader.records.chain import Chain
from autotrader.records.crash import crash_point
from autotrader.records.database import Database
from autotrader.records.places import Identity


def create_or_compare(
    db: Database, folder: Path, identity: Identity, *, now_ms: int, make_id: Callable[[], str]
) -> None:
    """Make the first rows, or check that they name this identity. Raises SafetyRefused for a store of another world."""
    meta = {row["key"]: row["value"] for row in db.rows("SELECT key, value FROM meta")}
    if not meta:
        _create(db, identity, now_ms, make_id())
        return
    stored = Identity(mode=meta["mode"], base_url=meta["base_url"], fingerprint=meta["fingerprint"])
    if stored != identity:
        raise SafetyRefused(
            f"the store {folder.name} belongs to another world: {_shown(stored)}, not {_shown(identity)}",
            hint="each mode, address and key has its own store; do not copy one into another's place",
        )


def _create(db: Database, identity: Identity, now_ms: int, store_id: str) -> None:
    if len(store_id) < 4 or not store_id.isascii() or not store_id.isalnum():
        raise ValueError("a store id has at least four base-32 characters")
    facts = {
        "store_id": store_id,
        "mode": identity.mode,
        "base_url": identity.base_url,
        "fingerprint": identity.fingerprint,
        "created_ms": str(now_ms),
    }
    with db.transaction():
        for key, value in facts.items():
            db.write("INSERT INTO meta VALUES (?, ?)", (key, value))
        Chain(db, store_id).append(now_ms, "store", store_id, facts)
    crash_point("store_made")


def whole_number(text: str) -> int:
    """The time at which the store was made, as it stands there. Raises RecordsBroken."""
    if not (text.isascii() and text.isdigit()):
        raise RecordsBroken(f"the time at which the store was made is no number: {text[:40]!r}")
    return int(text)


def _shown(identity: Identity) -> str:
    return f"{identity.mode} at {identity.base_url}" + (f", key {identity.fingerprint}" if identity.fingerprint else "")
