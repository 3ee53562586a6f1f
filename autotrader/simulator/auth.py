"""Who may ask: API key, timestamp and signature over the bytes that were received.

A signature is HMAC-SHA256 in hex, or by a private key in base64, which unlike
hex is case-sensitive: Ed25519, or RSA as PKCS#1 v1.5 with SHA-256 over 2048 to
4096 bits. The library that knows these curves is an optional extra.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from autotrader.errors import UsageError
from autotrader.simulator.errors import ApiError, illegal
from autotrader.simulator.params import DECIMAL, long

Verifier = Callable[[bytes, str], bool]
"""Whether a text is the signature of these bytes."""
OLDEST = 1_483_228_800_000
"""Timestamps before 2017 are refused whatever the window."""
DEFAULT_WINDOW = Decimal(5000)
MAX_WINDOW = Decimal(60000)
_KEY = re.compile(r"^[A-Za-z0-9]{64}$")
_WINDOW = re.compile(DECIMAL)


def payload(query: bytes, body: bytes) -> bytes:
    """What is signed: query and body as received, one after the other, without ``signature``."""
    return _unsigned(query) + _unsigned(body)


def _unsigned(raw: bytes) -> bytes:
    if b"signature=" not in raw:
        return raw
    return b"&".join(piece for piece in raw.split(b"&") if not piece.startswith(b"signature="))


def hmac_hex(secret: str, message: bytes) -> str:
    """HMAC-SHA256 in lower-case hex."""
    return hmac.digest(secret.encode(), message, hashlib.sha256).hex()


def check_key_format(key: str, *, known: bool) -> None:
    """-2014 unless the key looks like one (64 letters and digits) or is one."""
    # a listed key of any form is fine: RSA and Ed25519 keys look the same, test keys need not
    if not known and not _KEY.match(key):
        raise ApiError(-2014, "API-key format invalid.", 401)


def check_time(given: Mapping[str, str], now_us: int) -> None:
    """-1021 unless the timestamp is inside its window; ms and µs are understood."""
    stamp = long("timestamp", given["timestamp"])
    # told apart by size, as the exchange does: no millisecond of this age is that large
    stamp_us = stamp if stamp >= 10**14 else stamp * 1000
    window = _window(given.get("recvWindow"))
    if stamp_us >= now_us + 1_000_000:  # the second ahead is a bound of its own, whatever the window
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if Decimal(now_us - stamp_us) > window * 1000 or stamp_us < OLDEST * 1000:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _window(text: str | None) -> Decimal:
    if text is None:
        return DEFAULT_WINDOW
    if not _WINDOW.match(text):
        raise illegal("recvWindow", DECIMAL)
    if "." in text and len(text.partition(".")[2]) > 3:  # the window is milliseconds with microseconds behind the point
        raise ApiError(-1111, "Parameter 'recvWindow' has too much precision.")
    if Decimal(text) > MAX_WINDOW:
        raise ApiError(-1131, "recvWindow must be less than 60000")
    return Decimal(text)


def verifier(secret: str, public_key: str | None) -> Verifier:
    """How an account's signatures are checked: by its public key if it has one, else HMAC (hex, any case)."""
    if public_key is not None:
        return public_key_verifier(public_key)
    # compared in constant time, as whoever guards real keys would
    return lambda message, signature: hmac.compare_digest(
        hmac_hex(secret, message).encode(), signature.lower().encode()
    )


def check_signature(verify: Verifier, query: bytes, body: bytes, signature: str) -> None:
    """-1022 unless ``signature`` is the account's over the received bytes, which must be percent-encoded."""
    message = payload(query, body)
    # text that was not percent-encoded is refused although its signature may fit
    if not (message.isascii() and verify(message, signature)):
        raise ApiError(-1022, "Signature for this request is not valid.")


def public_key_verifier(pem: str) -> Verifier:
    """The verifier of a public key in PEM (``BEGIN PUBLIC KEY``). Raises UsageError for any other text."""
    try:  # an optional extra, needed by accounts with a public key only
        from cryptography.exceptions import UnsupportedAlgorithm  # optional package
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # optional package
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # optional package
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # optional package
    except ImportError:
        raise UsageError(
            "an account with a public key needs the package cryptography, which is not installed",
            hint="pip install 'autotrader-jp[keys]'; accounts with a secret (HMAC) need nothing more",
        ) from None
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(
            "public_key cannot be read; needed is the PEM text of a public key",
            hint="openssl pkey -in private.pem -pubout shows it, from BEGIN PUBLIC KEY to END PUBLIC KEY",
        ) from None
    if isinstance(key, Ed25519PublicKey):
        return _verifier(key.verify, length=64)
    if isinstance(key, RSAPublicKey) and 2048 <= key.key_size <= 4096:
        return _verifier(_rsa(key), length=(key.key_size + 7) // 8)
    raise UsageError("public_key: the venue takes Ed25519 keys, and RSA keys of 2048 to 4096 bits")


def _rsa(key: object) -> Callable[[bytes, bytes], None]:
    # Optional, as above: who gets here has it.
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # optional package
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # optional package
    from cryptography.hazmat.primitives.hashes import SHA256  # optional package

    if not isinstance(key, RSAPublicKey):
        raise TypeError("an RSA key is needed")
    return lambda signature, message: key.verify(signature, message, PKCS1v15(), SHA256())


def _verifier(check: Callable[[bytes, bytes], None], *, length: int) -> Verifier:
    from cryptography.exceptions import InvalidSignature  # optional, as above

    def verify(message: bytes, text: str) -> bool:
        try:
            signature = base64.b64decode(text.encode("ascii"), validate=True)
        except (UnicodeEncodeError, binascii.Error):
            return False
        if len(signature) != length:
            return False
        try:
            check(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify
