"""Public keys of accounts that sign with RSA or Ed25519: PEM text in, a verifier of signatures out.

RSA is PKCS#1 v1.5 with SHA-256 over 2048 to 4096 bits; both kinds send the
signature as base64, which unlike the hex of HMAC is case-sensitive. The library
that knows these curves is an optional extra and is imported only here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from autotrader.errors import UsageError

Verifier = Callable[[bytes, str], bool]
"""Whether a text is the signature of these bytes."""


def public_key_verifier(pem: str) -> Verifier:
    """The verifier of a public key in PEM (``BEGIN PUBLIC KEY``). Raises UsageError for any other text."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
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
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    if not isinstance(key, RSAPublicKey):
        raise TypeError("an RSA key is needed")
    return lambda signature, message: key.verify(signature, message, PKCS1v15(), SHA256())


def _verifier(check: Callable[[bytes, bytes], None], *, length: int) -> Verifier:
    from cryptography.exceptions import InvalidSignature

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
