"""Key and secret: where they come from, which place wins, and that nothing shows them by accident."""

from __future__ import annotations

import copy
import dataclasses
import faulthandler
import gc
import inspect
import json
import logging
import os
import pickle
import pprint
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from autotrader.errors import AutotraderError, ConfigError, SafetyRefused
from autotrader.exchanges.secret import Credentials, Secret, key_places, load_credentials, secret_places
from tests.exchanges.scripted import KEY, SECRET, Scripted, account_of, connected, error, hang_up, reply

OTHER = "OtherSecretOtherSecretOtherSecretOtherSecretOtherSecretOther0000"


class Ring(KeyringBackend):
    """A keyring in memory, in place of the desktop's."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        """An entry."""
        self.asked += 1
        if self.locked:
            raise KeyringLocked(f"locked, {SECRET}")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep an entry."""
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget an entry."""
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    """The keyring of this test."""
    before, made = keyring.get_keyring(), Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def private(path: Path, text: str) -> Path:
    """A file of mode 0600."""
    path.write_text(text)
    path.chmod(0o600)
    return path


# ---- places --------------------------------------------------------------------------------------------------------


def test_the_first_place_wins(tmp_path: Path, ring: Ring) -> None:
    """systemd before the file before the environment before the keyring; each place is told, and can be told unread."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    private(folder / "autotrader-api-key", KEY)
    private(folder / "autotrader-api-secret", "1" * 64)
    file = private(tmp_path / "secret", "2" * 64)
    ring.set_password("mine", "api-key", KEY)
    ring.set_password("mine", "api-secret", "4" * 64)
    systemd, by_file = {"CREDENTIALS_DIRECTORY": str(folder)}, {"AUTOTRADER_API_SECRET_FILE": str(file)}
    direct, key = {"AUTOTRADER_API_SECRET": "3" * 64}, {"AUTOTRADER_API_KEY": KEY}
    in_ring = {"AUTOTRADER_KEYRING": "mine"}
    rows = [
        (systemd | by_file | key | in_ring, "1", "systemd credential autotrader-api-secret"),
        (systemd | direct | key | in_ring, "1", "systemd credential autotrader-api-secret"),
        (by_file | key | in_ring, "2", f"file {file}"),
        (direct | key | in_ring, "3", "environment AUTOTRADER_API_SECRET"),
        (key | in_ring, "4", "keyring mine/api-secret"),
        (in_ring, "4", "keyring mine/api-secret"),
    ]
    for environment, digit, place in rows:
        ring.asked = 0
        assert secret_places(environment)[0].name == place
        assert key_places(environment)
        assert ring.asked == 0
        found = load_credentials(environment)
        assert found is not None
        assert (found.secret.reveal(), found.secret_place) == (digit * 64, place)
        assert ring.asked == {True: 2, False: 1}[environment == in_ring] if digit == "4" else ring.asked == 0


def test_systemd_may_show_its_files_as_readable_by_the_group(tmp_path: Path) -> None:
    """0440, as its access lists look; readable by all is refused."""
    for name, text in (("autotrader-api-key", KEY), ("autotrader-api-secret", SECRET)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o440)
    found = load_credentials({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found is not None
    assert found.secret.reveal() == SECRET
    (tmp_path / "autotrader-api-secret").chmod(0o444)
    with pytest.raises(ConfigError, match="others may read"):
        load_credentials({"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_the_keyring_is_asked_only_when_it_is_named(ring: Ring) -> None:
    """Asking may open a window: without the variable nothing is asked, and there is no key."""
    ring.set_password("autotrader", "api-key", KEY)
    assert load_credentials({}) is None
    assert ring.asked == 0


@pytest.mark.parametrize("case", ["locked", "no entry", "no library", "no keyring"])
def test_a_keyring_that_gives_nothing_is_one_clear_error(
    case: str, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locked, empty, absent: said with what to do, and without what its library said."""
    ring.locked = case == "locked"
    if case == "no library":
        monkeypatch.setitem(sys.modules, "keyring", None)
    if case == "no keyring":
        from keyring.backends.fail import Keyring

        keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
    with pytest.raises(ConfigError) as caught:
        load_credentials({"AUTOTRADER_KEYRING": "mine"})
    assert caught.value.hint
    assert "keyring" in caught.value.message
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + caught.value.hint


BAD: dict[str, dict[str, str]] = {
    "a blank in the secret": {"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET": f"{SECRET} x"},
    "a line break in the secret": {"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET": f"{SECRET}\n{SECRET}"},
    "a letter that no key has": {"AUTOTRADER_API_KEY": f"{KEY}ä", "AUTOTRADER_API_SECRET": SECRET},
    "a cut PEM": {"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET": f"-----BEGIN PRIVATE KEY-----\n{SECRET}"},
    "no key": {"AUTOTRADER_API_SECRET": SECRET},
    "two places of one level": {"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET": SECRET,
                                "AUTOTRADER_API_SECRET_FILE": "x"},
}  # fmt: skip


def with_variables(caught: BaseException) -> str:
    """An exception with everything that hangs on it, and all variables of all frames but the caller's own test."""
    shown: list[str] = []
    error: BaseException | None = caught
    while error is not None:
        shown += [repr(error), str(error), repr(getattr(error, "__dict__", ""))]
        trace = error.__traceback__
        while trace is not None:
            if "tests" not in Path(trace.tb_frame.f_code.co_filename).parts:
                shown += [
                    f"{name}={value!r}" for name, value in trace.tb_frame.f_locals.items() if name != "environment"
                ]
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


@pytest.mark.parametrize("name", list(BAD))
def test_what_is_wrong_with_a_secret_is_said_without_it(name: str) -> None:
    """Not in the message, and not in any variable of the frames that raised."""
    with pytest.raises(ConfigError) as caught:
        load_credentials(BAD[name])
    assert caught.value.hint
    assert SECRET not in with_variables(caught.value)
    assert KEY not in with_variables(caught.value)


@pytest.mark.parametrize("content", [b"\xff" + SECRET.encode(), SECRET.encode() * 200, f"{SECRET} {SECRET}".encode()])
def test_what_is_wrong_with_a_file_is_said_without_its_content(content: bytes, tmp_path: Path) -> None:
    """The same for what was read from a file."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load_credentials({"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET_FILE": str(file)})
    assert SECRET not in with_variables(caught.value)


# ---- the type ------------------------------------------------------------------------------------------------------

MADE = Credentials(Secret(KEY), Secret(SECRET), "here", "there")


def _raised(one: object) -> str:
    try:
        raise ValueError(one)  # noqa: TRY301 - it is here to be caught with its variables
    except ValueError as caught:
        return "".join(traceback.TracebackException.from_exception(caught, capture_locals=True).format())


SHOW: dict[str, Callable[[Any], object]] = {
    "repr": repr,
    "str": str,
    "format": lambda one: f"{one}{one!s:>20}{one!r}{one:x}" if isinstance(one, Secret) else f"{one}",
    "percent": lambda one: "%s %r" % (one, one),  # noqa: UP031 - this way too
    "template": "{0} {0.__class__} {0.__slots__}".format,
    "attributes": lambda one: [getattr(one, name) for name in dir(one) if not callable(getattr(one, name, None))],
    "members": inspect.getmembers,
    "vars": vars,
    "pprint": pprint.pformat,
    "json": json.dumps,
    "json, by str": lambda one: json.dumps({"x": one}, default=str),
    "json, by vars": lambda one: json.dumps(one, default=vars),
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "asdict": dataclasses.asdict,
    "traceback": _raised,
    "logging": lambda one: logging.LogRecord("x", 10, "f", 1, "%s %r", (one, one), None).getMessage(),
    "bytes": bytes,
    "iteration": list,
    "sum": lambda one: one + "",
}


@pytest.mark.parametrize("name", list(SHOW))
def test_no_way_of_showing_shows_it(name: str) -> None:
    """Stars, the fingerprint, or an error; never the text."""
    for one in (MADE.secret, MADE, {"x": MADE.secret}):
        try:
            shown = repr(SHOW[name](one))
        except (TypeError, SafetyRefused, AttributeError) as refused:
            shown = f"{refused!r}"
        assert SECRET not in shown
        assert KEY not in shown


# ---- everything that a failing request leaves behind ---------------------------------------------------------------


def test_no_variable_behind_a_failed_request_holds_a_signature(scripted: Scripted) -> None:
    """What is raised, with the variables of every frame that it hangs on, holds no key, no secret and no signature."""
    texts: list[str] = []
    for act in (hang_up, error(400, -1022, f"bad {KEY}"), reply(200, "<html>"), reply(302, "", {"Location": "/x"})):
        scripted.on("GET", "/api/v3/account", act)
        with connected(scripted.url) as connection:
            assert connection.broker is not None
            connection.clock.sync()
            try:
                account_of(connection).account()
            except AutotraderError as caught:
                texts.append(with_variables(caught))
    signed = {one.query.rpartition("signature=")[2] for one in scripted.asked if "signature=" in one.query}
    shown = "\n".join(texts)
    assert len(texts) == 4
    assert len(signed) >= 4
    assert [one for one in (KEY, SECRET, *signed) if one in shown] == []


def test_what_a_crash_writes_holds_no_secret(scripted: Scripted) -> None:
    """faulthandler's dump of all threads while a signed request is under way."""
    dumped: list[str] = []

    def act(conn: Any) -> None:
        with tempfile.TemporaryFile("w+") as file:
            faulthandler.dump_traceback(file, all_threads=True)
            file.seek(0)
            dumped.append(file.read())
        hang_up(conn)

    scripted.on("GET", "/api/v3/account", act)
    with connected(scripted.url) as connection:
        assert connection.broker is not None
        connection.clock.sync()
        with suppress(AutotraderError):
            account_of(connection).account()
    assert "transport.py" in dumped[0]
    assert not any(one in text for text in dumped for one in (KEY, SECRET))


def test_no_object_of_ours_holds_the_text_in_an_attribute(scripted: Scripted) -> None:
    """Of all objects of our classes that live beside an open connection, none shows key or secret in its repr."""
    with connected(scripted.url) as connection:
        connection.clock.sync()
        ours = [one for one in gc.get_objects() if str(type(one).__module__).startswith("autotrader.")]
        shown = [f"{one!r} {getattr(one, '__dict__', '')!r}" for one in ours]
    assert ours
    assert not [text[:200] for text in shown if KEY in text or SECRET in text]


def test_the_environment_of_children_has_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """After live has read it, programs that this process starts do not inherit it, and a crash leaves no core file."""
    import resource
    import subprocess

    from autotrader.cli._venue import credentials_here, keep_from_children
    from autotrader.service.logs import masked

    monkeypatch.setenv("AUTOTRADER_API_KEY", KEY)
    monkeypatch.setenv("AUTOTRADER_API_SECRET", OTHER)
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        assert credentials_here() is not None
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    keep_from_children()
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(dict(os.environ))"], capture_output=True, check=True
    )
    assert OTHER.encode() not in child.stdout
    assert "AUTOTRADER_API_SECRET" not in os.environ
    assert OTHER not in masked(f"a line that holds {OTHER} by mistake")
