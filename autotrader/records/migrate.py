"""Bringing a store up to date: a backup first, then every step in one transaction, and an act that says so.

Killed at any point, the next start begins again from the same rows: the backup is whole or not there (it is written
under another name, flushed, and renamed), and the transaction is whole or never was. Acts of the chain are not
rewritten, whatever a step does to the tables; forms of old acts are read for ever.
"""

from __future__ import annotations

import os
from pathlib import Path

from autotrader.errors import RecordsBroken
from autotrader.records import schema
from autotrader.records.chain import OPENED, Chain
from autotrader.records.crash import crash_point
from autotrader.records.crosscheck import differs_since_close
from autotrader.records.database import Database
from autotrader.records.schema import APPLICATION_ID


def migrate(db: Database, now_ms: int) -> None:
    """Take every step that a writer's database lacks; an empty one becomes a store's.

    Raises RecordsBroken where it cannot be done: then nothing was changed.
    """
    version, newest = db.version(), len(schema.MIGRATIONS)
    if version == newest:
        return
    if version:
        _refuse_altered(db)
        _keep_backup(db, db.path.with_name(f"{db.path.stem}-before-v{newest}.db"))
    try:
        with db.transaction():
            _take(db, version, newest, now_ms)
    except (LookupError, TypeError, ValueError) as error:
        raise RecordsBroken(
            f"the records in {db.path} cannot be brought from version {version} to {newest}: {error}",
            hint="nothing was changed; go on with the program that wrote them, and tell its authors",
        ) from error
    if version:  # a store that is being born has its own point, and a play of old seeds passes no other
        crash_point("migrated")


def _take(db: Database, version: int, newest: int, now_ms: int) -> None:
    for step in schema.MIGRATIONS[version:]:
        db.take(step)
        if version:
            crash_point("step_taken")
    db.write(f"PRAGMA user_version = {newest}")
    db.write(f"PRAGMA application_id = {APPLICATION_ID}")
    for (store_id,) in db.rows("SELECT value FROM meta WHERE key = 'store_id'") if version else ():
        # Behind the close of the old version stands, from now on, what explains that its tables have changed.
        Chain(db, store_id).append(now_ms, OPENED, "", {"migrated": {"from": version, "to": newest}})


def _refuse_altered(db: Database) -> None:
    """What was altered while the store was closed must be found before a step makes it look like its own work."""
    for last in Chain(db, "").latest(1):
        found = differs_since_close(db, last)
        if found is not None:
            raise RecordsBroken(
                f"the store {db.path.parent.name} was altered while it was closed: {found.what}",
                hint="restore the last backup of the folder, or compare with the exchange before trading",
            )


def _keep_backup(db: Database, target: Path) -> None:
    """The database as it was. A backup of an attempt that was killed is of the same rows, and is replaced."""
    unfinished = target.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    db.back_up(unfinished)
    _flush(unfinished, os.O_RDWR)
    crash_point("backup_unfinished")
    unfinished.replace(target)
    _flush(target.parent, os.O_RDONLY)
    crash_point("backup_kept")


def _flush(path: Path, flags: int) -> None:
    fd = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
