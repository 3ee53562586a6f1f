"""The key of the checkpoints: who lacks it cannot write a checkpoint that verifies.

It lies outside the store: in a file that the environment names, among systemd's credentials, or as `audit.key` in the
state folder, above the stores (made before the first store). With it each checkpoint bears an HMAC-SHA256 over store,
number and hash, so that somebody who rewrites database and checkpoints alike is found. The key is never shown; its id,
eight hex digits, tells which one was used.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, NoReturn, final

from autotrader.errors import ConfigError, SafetyRefused
from autotrader.records.places import stores_in

FILE_VARIABLE: Final = "AUTOTRADER_AUDIT_KEY_FILE"
SYSTEMD_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
SYSTEMD_NAME: Final = "autotrader-audit-key"
KEY_FILE: Final = "audit.key"
LEAST_CHARACTERS: Final = 32
MOST_BYTES: Final = 4096


@final
class AuditKey:
    """A key that shows itself to nobody; `id` names it."""

    __slots__ = ("_key", "id")

    def __init__(self, text: str) -> None:
        """Raises ConfigError for a text too short to be a key."""
        if len(text) < LEAST_CHARACTERS:
            raise ConfigError(
                f"the audit key has {len(text)} characters; it needs at least {LEAST_CHARACTERS}",
                hint="make one: openssl rand -hex 32",
            )
        self._key = sha256(b"autotrader audit key\n" + text.encode("utf-8", "surrogatepass")).digest()
        self.id = sha256(b"id of " + self._key).hexdigest()[:8]

    def mac(self, store_id: str, n: int, hash_hex: str) -> str:
        """The HMAC of one checkpoint, in hex."""
        return hmac.digest(self._key, f"checkpoint|{store_id}|{n}|{hash_hex}".encode(), "sha256").hex()

    def proves(self, store_id: str, n: int, hash_hex: str, mac: str) -> bool:
        """Whether a checkpoint was written with this key."""
        return hmac.compare_digest(self.mac(store_id, n, hash_hex), mac)

    def __repr__(self) -> str:
        return f"AuditKey({self.id})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise SafetyRefused("a key is never stored")


def find_key(state: Path, environ: Mapping[str, str] | None = None) -> AuditKey | None:
    """The key for the stores below `state`, None where there is none. Raises ConfigError for one that is unfit."""
    path = _place(state, os.environ if environ is None else environ)
    return None if path is None else AuditKey(_read(path))


def make_key(state: Path, environ: Mapping[str, str] | None = None) -> None:
    """Make the state folder's key, before its first store, where none is given in any way. Raises ConfigError."""
    if stores_in(state) or _place(state, os.environ if environ is None else environ) is not None:
        return
    try:
        handle = os.open(state / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return  # another process was quicker
    except OSError as error:
        raise ConfigError(f"the audit key {state / KEY_FILE} cannot be made: {error.strerror}") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _place(state: Path, environ: Mapping[str, str]) -> Path | None:
    """The file of the key: the environment's, systemd's, the state folder's; None where there is none."""
    named = environ.get(FILE_VARIABLE, "").strip()
    if named:
        return Path(named)
    folder = environ.get(SYSTEMD_VARIABLE, "")
    for path in (Path(folder) / SYSTEMD_NAME if folder else None, state / KEY_FILE):
        if path is not None and path.exists():
            return path
    return None


def _read(path: Path) -> str:
    """The text of a regular file that nobody else may read; the check is made on the opened file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(f"the audit key {path} cannot be read: {error.strerror}") from None
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(f"the audit key {path} is not a regular file")
        if facts.st_mode & 0o077:
            mode = stat.S_IMODE(facts.st_mode)
            raise ConfigError(f"others may read the audit key {path} (mode {mode:04o})", hint=f"chmod 600 {path}")
        data = os.read(handle, MOST_BYTES + 1)
    finally:
        os.close(handle)
    if len(data) > MOST_BYTES:
        raise ConfigError(f"the audit key {path} is larger than {MOST_BYTES} bytes", hint="no key is that long")
    return data.decode("utf-8", "replace").strip()
