"""Private keys: RSA and Ed25519 beside HMAC, where they come from, what goes over the wire, and what is refused."""

from __future__ import annotations

import base64
import builtins
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from autotrader.errors import ConfigError
from autotrader.exchanges.binance.connection import connect
from autotrader.exchanges.binance.errors import clean
from autotrader.exchanges.binance.signing import ReadSigner
from autotrader.exchanges.live import grant_live
from autotrader.exchanges.secret import Credentials, Secret, load_credentials
from autotrader.exchanges.venue import VenueSettings
from autotrader.orders import Rejected
from tests.exchanges.scripted import KEY, Scripted, account_of, error, hang_up, reply, signature
from tests.exchanges.test_bad_replies import ORDER, REQUEST

pytest.importorskip("cryptography", reason="the extra `keys` is not installed")

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
ASCII = (
    "symbol=BTCJPY&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=8000000"
    "&newClientOrderId=at-20260115-0001&recvWindow=5000&timestamp=1768460400000"
)
NON_ASCII = (
    "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC"
    "&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
)
VECTORS = {
    ASCII: "kntvcC8+RpfRZ8vova3nHSQod994HcJJ2sKriw09u2xr/qX4/UIRNWH2GaFbOfYXKu1IHD5sghnS7fHIQtkMDw==",
    NON_ASCII: "BfITFENBHoPvZ29suXBdmBQ+10LOoM4gQ7Fo/OgYC3szsEzecJJHTAwAcIDLwEEwNIUR1V1t71p/h9rKe07rCg==",
}


def pem(key: Any, kind: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None) -> str:
    """A private key as its owner stores it."""
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    text: str = key.private_bytes(Encoding.PEM, kind, lock).decode()
    return text


ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
RSA = rsa.generate_private_key(65537, 2048)


def rsa_holds(signed: str, payload: str) -> None:
    """Raises InvalidSignature unless PKCS#1 v1.5 with SHA-256 over the payload gives the signature."""
    RSA.public_key().verify(base64.b64decode(signed), payload.encode(), padding.PKCS1v15(), hashes.SHA256())


def ed25519_holds(signed: str, payload: str) -> None:
    """Raises InvalidSignature unless the Ed25519 signature is the payload's."""
    ED25519.public_key().verify(base64.b64decode(signed), payload.encode())


KINDS: list[tuple[str, Callable[[str, str], None]]] = [(pem(RSA), rsa_holds), (pem(ED25519), ed25519_holds)]
EACH_KIND = pytest.mark.parametrize(("text", "holds"), KINDS, ids=["RSA", "Ed25519"])


@pytest.mark.parametrize("payload", list(VECTORS), ids=["ASCII", "non-ASCII"])
def test_the_ed25519_vectors_hold(payload: str) -> None:
    """The test seed of RFC 8032 signs both payloads to the known 88 characters."""
    assert signature(Secret(pem(ED25519)), payload) == VECTORS[payload]


@pytest.mark.parametrize("payload", list(VECTORS), ids=["ASCII", "non-ASCII"])
@pytest.mark.parametrize("kind", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_rsa_signature_is_the_one_that_the_public_key_knows(payload: str, kind: PrivateFormat) -> None:
    """PKCS#1 v1.5 with SHA-256, deterministic, in both ways to store the key."""
    signed = signature(Secret(pem(RSA, kind)), payload)
    rsa_holds(signed, payload)
    assert signed == signature(Secret(pem(RSA)), payload)


@EACH_KIND
def test_the_venue_can_verify_the_very_bytes_that_arrive(
    text: str, holds: Callable[[str, str], None], scripted: Scripted
) -> None:
    """What arrived before `&signature=` verifies, in the query and in a body; the base64 is percent-encoded."""
    scripted.on("GET", "/api/v3/account", error(400, -1022, "no"))
    scripted.on("POST", ORDER, error(400, -1022, "Signature for this request is not valid."))
    scripted.on("DELETE", ORDER, error(400, -1022, "no"))
    with linked(scripted, text) as connection:
        assert connection.broker is not None
        with pytest.raises(Exception, match="-1022"):
            account_of(connection).account()
        outcome = connection.broker.submit(REQUEST, connection.clock.now_ms())
    assert isinstance(outcome, Rejected)
    assert outcome.fault == "key"
    sent = [one.query or one.body for one in scripted.asked if "signature=" in one.query + one.body]
    assert len(sent) == 2
    for wire in sent:
        payload, _, signed = wire.rpartition("&signature=")
        assert not set("+/=") & set(signed)
        assert len(parse_qs(wire)["signature"]) == 1
        holds(unquote(signed), payload)


def linked(scripted: Scripted, text: str) -> Any:
    """A connection with a private key that may trade."""
    keys = Credentials(Secret(KEY), Secret(text))
    made = VenueSettings(sleep=lambda _seconds: None, chance=lambda: 0.0)
    connection = connect(made, url=scripted.url, credentials=keys, live_token=grant_live("live", True, "live"))
    connection.ask_before_orders(lambda _side: "")
    return connection


@EACH_KIND
def test_a_private_key_comes_from_a_file_systemd_or_the_environment(
    text: str, holds: Callable[[str, str], None], tmp_path: Path
) -> None:
    """The three places of any secret; line ends and blanks around it do not matter."""
    file = tmp_path / "autotrader-api-secret"
    file.write_text(f"\n{text.replace(chr(10), chr(13) + chr(10))}\n")
    file.chmod(0o600)
    (tmp_path / "autotrader-api-key").write_text(KEY)
    (tmp_path / "autotrader-api-key").chmod(0o600)
    for place in (
        {"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET": text},
        {"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET_FILE": str(file)},
        {"CREDENTIALS_DIRECTORY": str(tmp_path)},
    ):
        found = load_credentials(place)
        assert found is not None
        holds(signature(found.secret, ASCII), ASCII)


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Mode 0644: refused with the command that mends it, and nothing of the key is quoted."""
    file = tmp_path / "key.pem"
    file.write_text(pem(ED25519))
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read") as caught:
        load_credentials({"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET_FILE": str(file)})
    assert "chmod 600" in caught.value.hint


PUBLIC = ED25519.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
GARBAGE = "-----BEGIN PRIVATE KEY-----\nQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\n-----END PRIVATE KEY-----"
BAD_KEYS = {
    "encrypted": (pem(RSA, password=b"word"), "encrypted"),
    "elliptic": (pem(ec.generate_private_key(ec.SECP256R1())), "kind"),
    "short": (pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),  # noqa: S505 - it is here to be refused
    "public": (PUBLIC, "no private key"),
    "garbage": (GARBAGE, "no private key"),
}


@pytest.mark.parametrize("name", list(BAD_KEYS))
def test_a_private_key_that_cannot_be_used_is_one_clear_error(name: str) -> None:
    """Encrypted, of another kind, too short, public or broken: what it is, what is needed, and nothing of the key."""
    text, said = BAD_KEYS[name]
    with pytest.raises(ConfigError, match=said) as caught:
        ReadSigner(Credentials(Secret(KEY), Secret(text)), "127.0.0.1")
    shown = f"{caught.value} {caught.value.hint}"
    assert caught.value.hint
    assert not any(line in shown for line in text.splitlines()[1:-1])


@pytest.mark.parametrize("cut", [40, 100])
def test_a_private_key_that_is_cut_short_is_refused_when_it_is_read(cut: int) -> None:
    """A copy without its last line, or all on one line as some environment files give it."""
    for text in (pem(ED25519)[:cut], pem(ED25519).replace("\n", "\\n")):
        with pytest.raises(ConfigError, match="does not end like one"):
            load_credentials({"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET": text})


def test_a_file_that_is_no_secret_is_not_read_in_part(tmp_path: Path) -> None:
    """A file larger than any key is refused, not cut."""
    file = tmp_path / "big"
    file.write_text("x" * 9000)
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="larger than"):
        load_credentials({"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET_FILE": str(file)})


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A private key without `cryptography`: one sentence with the command; HMAC keys never ask for it."""
    real = builtins.__import__

    def absent(name: str, *args: Any, **options: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    assert len(signature(Secret("x" * 64), ASCII)) == 64
    with pytest.raises(ConfigError) as caught:
        signature(Secret(pem(ED25519)), ASCII)
    assert "[keys]" in caught.value.hint


@EACH_KIND
def test_no_piece_of_a_private_key_or_its_signature_shows(
    text: str, holds: Callable[[str, str], None], scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    """The canary for private keys: logs at DEBUG, outcomes, representations and errors hold neither."""
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    for act in (hang_up, error(400, -1022, text.replace("\n", " ")), reply(200, {})):
        scripted.on("POST", ORDER, act)
        with linked(scripted, text) as connection:
            assert connection.broker is not None
            connection.clock.sync()
            seen += [repr(connection.broker.submit(REQUEST, connection.clock.now_ms())), repr(vars(connection.client))]
            seen += [repr(vars(connection.client._trader)), repr(vars(connection.client._reader))]
    signatures = [one.body.rpartition("signature=")[2] for one in scripted.calls("POST", ORDER)]
    shown = "\n".join([*seen, caplog.text, *(str(record.__dict__) for record in caplog.records)])
    canaries = [*text.splitlines()[1:-2], *signatures, *(unquote(one) for one in signatures)]
    assert len(signatures) == 3
    assert [one for one in canaries if one in shown] == []


def test_a_percent_encoded_signature_in_an_error_text_is_struck_out() -> None:
    """Whatever the venue echoes: base64 with its `%2B` is one long word to us."""
    signed = "kntvcC8%2BRpfRZ8vova3nHSQod994HcJJ2sKriw09u2xr%2FqX4%2FUIRNWH2GaFbOfYXKu1IHD5sghnS7fHIQtkMDw%3D%3D"
    assert clean(f"bad signature={signed}!") == "bad ***!"
