"""Key and secret of an account, in a type that cannot be shown by accident, and the places that they come from.

Whatever prints, formats, logs or pickles a `Secret` gets a row of stars or an error; only `reveal` gives the text,
and only the signer and the transport call it. No function here keeps a secret's text in a variable while it can raise,
so that a traceback with variables has none either. The secret is the venue's text for HMAC keys, or a private key in
PEM for RSA and Ed25519 keys (`keys` tells them apart).

The first place wins that has it: systemd's credentials, a file (the secret alone), the environment, the system's
keyring. The keyring is only asked where a variable names our entry in it: asking may open a window.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, NoReturn, final

from autotrader.errors import ConfigError, SafetyRefused
from autotrader.files import read_secret
from autotrader.structs import dataclass

KEY_VARIABLE: Final = "AUTOTRADER_API_KEY"
SECRET_VARIABLE: Final = "AUTOTRADER_API_SECRET"  # noqa: S105 - the name of a variable, not a secret
FILE_VARIABLE: Final = "AUTOTRADER_API_SECRET_FILE"
KEYRING_VARIABLE: Final = "AUTOTRADER_KEYRING"
SYSTEMD_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
SYSTEMD_KEY: Final = "autotrader-api-key"
SYSTEMD_SECRET: Final = "autotrader-api-secret"  # noqa: S105 - a file name
KEYRING_KEY: Final = "api-key"
KEYRING_SECRET: Final = "api-secret"  # noqa: S105 - the name of an entry
PEM_BEGIN: Final = "-----BEGIN "
EXTRA: Final = "keyring"


@final
class Secret:
    """A text that shows itself to nobody. It lies in no attribute, so that tools which walk attributes miss it too."""

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        def reveal() -> str:  # in a closure: what dumps attributes and slots finds no text
            return text

        self._reveal = reveal

    def reveal(self) -> str:
        """The text itself, for the signer and the transport only."""
        return self._reveal()

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
    """An API key and its secret, and the places in which they were found."""

    key: Secret
    secret: Secret
    key_place: str = ""
    secret_place: str = ""

    @property
    def fingerprint(self) -> str:
        """Eight hex characters that tell keys apart without showing them."""
        # of the key, not of the secret: it may stand in names of folders
        return hashlib.sha256(self.key.reveal().encode()).hexdigest()[:8]

    def __repr__(self) -> str:
        return f"Credentials({self.fingerprint})"


class SecretPlace(NamedTuple):
    """Where a key or a secret lies, in words without its value, and how it is read."""

    name: str
    read: Callable[[], Secret]


Environment = Mapping[str, str]


def key_places(environment: Environment) -> tuple[SecretPlace, ...]:
    """Where there is an API key, the one that counts first. Nothing is read."""
    found = (
        _systemd(environment, SYSTEMD_KEY),
        _variable(environment, KEY_VARIABLE),
        _keyring(environment, KEYRING_KEY),
    )
    return tuple(place for place in found if place is not None)


def secret_places(environment: Environment) -> tuple[SecretPlace, ...]:
    """Where there is an API secret, the one that counts first. Nothing is read.

    Raises ConfigError where both a file and a text are named: nobody means that.
    """
    file, text = _file(environment), _variable(environment, SECRET_VARIABLE)
    if file and text:
        raise ConfigError(f"{SECRET_VARIABLE} and {FILE_VARIABLE} are both set", hint="keep one, better the file")
    found = (_systemd(environment, SYSTEMD_SECRET), file, text, _keyring(environment, KEYRING_SECRET))
    return tuple(place for place in found if place is not None)


def load_credentials(environment: Environment) -> Credentials | None:
    """Key and secret from the first place that has each; None where there is neither.

    Raises ConfigError where only a part is there, where others may read a file, where the keyring gives nothing, or
    where a private key is cut short.
    """
    keys, secrets = key_places(environment), secret_places(environment)
    if not keys and not secrets:
        return None
    if not keys or not secrets:  # half a pair is a mistake, not "no key": going on would trade without one
        absent = KEY_VARIABLE if not keys else f"{SECRET_VARIABLE} or {FILE_VARIABLE}"
        raise ConfigError(f"the API key and its secret belong together; not set: {absent}", hint="set both or none")
    key, secret = keys[0].read(), secrets[0].read()
    # looked at here, where the place can still be named; later it would only be a bad signature
    for one, place, may_be_pem in ((key, keys[0], False), (secret, secrets[0], True)):
        if fault := _fault(one, may_be_pem=may_be_pem):
            raise ConfigError(f"{place.name}: {fault[0]}", hint=fault[1])
    return Credentials(key, secret, keys[0].name, secrets[0].name)


def _fault(one: Secret, *, may_be_pem: bool) -> tuple[str, str] | None:
    """What is wrong with the form of a key or a secret, and what mends it."""
    text = one.reveal()
    if may_be_pem and text.startswith(PEM_BEGIN):
        last = text.rpartition("\n")[2].rstrip()
        whole = text.isascii() and last.startswith("-----END ") and last.endswith("-----")
        hint = f"keep it in a file of its own, chmod 600, and name that in {FILE_VARIABLE}"
        return None if whole else ("the API secret begins like a PEM file and does not end like one", hint)
    if text.isascii() and text.isprintable() and " " not in text:
        return None
    return "it holds characters that no API key has", "copy it again, without quotes"


def _systemd(environment: Environment, name: str) -> SecretPlace | None:
    folder = environment.get(SYSTEMD_VARIABLE, "")
    path = Path(folder) / name
    if not folder or not path.exists():
        return None
    return SecretPlace(f"systemd credential {name}", lambda: Secret(read_secret(path, group_may_read=True)))


def _file(environment: Environment) -> SecretPlace | None:
    name = environment.get(FILE_VARIABLE, "")
    return SecretPlace(f"file {name}", lambda: Secret(read_secret(Path(name)))) if name else None


def _variable(environment: Environment, name: str) -> SecretPlace | None:
    there = bool(environment.get(name, "").strip())
    return SecretPlace(f"environment {name}", lambda: Secret(environment[name].strip())) if there else None


def _keyring(environment: Environment, entry: str) -> SecretPlace | None:
    service = environment.get(KEYRING_VARIABLE, "").strip()
    return SecretPlace(f"keyring {service}/{entry}", lambda: _from_keyring(service, entry)) if service else None


def _from_keyring(service: str, entry: str) -> Secret:
    """An entry of the system's keyring. Raises ConfigError."""
    try:
        import keyring  # an optional package
    except ImportError:
        raise ConfigError(
            f"{KEYRING_VARIABLE} is set, and the library that asks the keyring is not installed",
            hint=f"pip install 'autotrader-jp[{EXTRA}]', or use a file of mode 0600 ({FILE_VARIABLE})",
        ) from None
    try:
        found = Secret((keyring.get_password(service, entry) or "").strip())
    except keyring.errors.KeyringError as error:
        raise ConfigError(
            f"the system's keyring cannot be asked for {service}/{entry}: {type(error).__name__}",
            hint=f"unlock it; a service has none: use systemd credentials or a file of mode 0600 ({FILE_VARIABLE})",
        ) from None
    if not found.reveal():
        raise ConfigError(f"the system's keyring has no {service}/{entry}", hint=f"keyring set {service} {entry}")
    return found
