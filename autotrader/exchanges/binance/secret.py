"""Key and secret of an account, in a type that cannot be shown by accident.

Whatever prints, formats, logs or pickles a `Secret` gets a row of stars or an error; only `reveal` gives the text,
and only the signer and the transport call it. Files are read once, and only if nobody else may read them. The secret is
the venue's text for HMAC keys, or a private key in PEM for RSA and Ed25519 keys (`keys` tells them apart).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, final

from autotrader.errors import ConfigError, SafetyRefused

KEY_VARIABLE: Final = "AUTOTRADER_API_KEY"
SECRET_VARIABLE: Final = "AUTOTRADER_API_SECRET"  # noqa: S105 - the name of a variable, not a secret
FILE_VARIABLE: Final = "AUTOTRADER_API_SECRET_FILE"
SYSTEMD_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
SYSTEMD_KEY: Final = "autotrader-api-key"
SYSTEMD_SECRET: Final = "autotrader-api-secret"  # noqa: S105 - a file name
MOST_BYTES: Final = 8192
PEM_BEGIN: Final = "-----BEGIN "


@final
class Secret:
    """A text that shows itself to nobody."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the signer and the transport only."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise SafetyRefused("a secret is never stored")


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An API key and its secret."""

    key: Secret
    secret: Secret

    @property
    def fingerprint(self) -> str:
        """Eight hex characters that tell keys apart without showing them."""
        return hashlib.sha256(self.key.reveal().encode()).hexdigest()[:8]

    def __repr__(self) -> str:
        return f"Credentials({self.fingerprint})"


def load_credentials(environment: Mapping[str, str]) -> Credentials | None:
    """Key and secret from the environment, a file of the owner's, or systemd's credentials; None where nothing is set.

    Raises ConfigError where only a part is set, where both a secret and a file are, where others may read the file, or
    where a private key is cut short.
    """
    folder = environment.get(SYSTEMD_VARIABLE, "")
    key = environment.get(KEY_VARIABLE, "").strip() or _from_systemd(folder, SYSTEMD_KEY)
    secret = _secret(environment) or _from_systemd(folder, SYSTEMD_SECRET)
    if not key and not secret:
        return None
    if not key or not secret:
        absent = KEY_VARIABLE if not key else f"{SECRET_VARIABLE} or {FILE_VARIABLE}"
        raise ConfigError(f"the API key and its secret belong together; not set: {absent}", hint="set both or none")
    for name, text in ((KEY_VARIABLE, key), (SECRET_VARIABLE, "" if _is_pem(secret) else secret)):
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ConfigError(f"{name} holds characters that no API key has", hint="copy it again, without quotes")
    return Credentials(Secret(key), Secret(secret))


def _is_pem(text: str) -> bool:
    """Whether a secret is a private key as a PEM file. Raises ConfigError for one whose lines are not whole."""
    if not text.startswith(PEM_BEGIN):
        return False
    last = text.rpartition("\n")[2].rstrip()
    if not (text.isascii() and last.startswith("-----END ") and last.endswith("-----")):
        raise ConfigError(
            "the API secret begins like a PEM file and does not end like one",
            hint=f"keep it in a file of its own, chmod 600, and name that in {FILE_VARIABLE}",
        )
    return True


def _secret(environment: Mapping[str, str]) -> str:
    direct, file = environment.get(SECRET_VARIABLE, "").strip(), environment.get(FILE_VARIABLE, "")
    if direct and file:
        raise ConfigError(f"{SECRET_VARIABLE} and {FILE_VARIABLE} are both set", hint="keep one, better the file")
    return _read_private(Path(file)) if file else direct


def _from_systemd(folder: str, name: str) -> str:
    path = Path(folder) / name
    return _read_private(path) if folder and path.exists() else ""


def _read_private(path: Path) -> str:
    """Content of a regular file that group and others may not read (the check is made on the opened file)."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(f"the secret's file {path} cannot be read: {error.strerror}") from None
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(f"the secret's file {path} is not a regular file")
        if facts.st_mode & 0o077:
            mode = stat.S_IMODE(facts.st_mode)
            raise ConfigError(f"others may read the secret's file {path} (mode {mode:04o})", hint=f"chmod 600 {path}")
        data = os.read(handle, MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(
                f"the secret's file {path} is larger than {MOST_BYTES} bytes", hint="no secret is that long"
            )
        return data.decode("ascii", "replace").strip()
    finally:
        os.close(handle)
