"""The three kinds of API keys of the venue, each as "bytes in, signature text out" (docs/venue.md §3.1).

A secret that begins like a PEM file is a private key, RSA (PKCS#1 v1.5 with SHA-256) or Ed25519, and signs in base64;
any other secret is HMAC-SHA256's and signs in hex. `cryptography` is only imported where there is a private key; it
belongs to the optional extra `keys`. No message made here quotes a secret, or what a library said about one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from autotrader.errors import ConfigError
from autotrader.exchanges.secret import PEM_BEGIN, Secret

EXTRA: Final = "keys"
LEAST_RSA_BITS: Final = 2048
MOST_RSA_BITS: Final = 4096
SignBytes = Callable[[bytes], str]
_HINT: Final = "needed is the private key that belongs to the API key: Ed25519, or RSA of 2048 to 4096 bits"


def signing_function(secret: Secret) -> SignBytes:
    """How this secret signs. Raises ConfigError for a private key that cannot be used, or while the extra is absent."""
    return _private_key(secret) if secret.reveal().startswith(PEM_BEGIN) else _hmac(secret)


def _hmac(secret: Secret) -> SignBytes:
    key = secret.reveal().encode()
    return lambda payload: hmac.new(key, payload, hashlib.sha256).hexdigest()


def _private_key(secret: Secret) -> SignBytes:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # the library belongs to an extra: HMAC needs none
        from cryptography.hazmat.primitives import hashes, serialization  # of the same extra
        from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa  # of the same extra
    except ImportError:
        raise ConfigError(
            "the API secret is a private key (PEM), and the library that signs with one is not installed",
            hint=f"pip install 'autotrader-jp[{EXTRA}]', or use an HMAC key",
        ) from None
    try:
        key = serialization.load_pem_private_key(secret.reveal().encode(), password=None)
    except TypeError:
        raise ConfigError(
            "the private key of the API secret is encrypted", hint="store it without a password, chmod 600"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(
            "the API secret begins like a PEM file and holds no private key that can be read", hint=_HINT
        ) from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return lambda payload: base64.b64encode(key.sign(payload)).decode()
    if isinstance(key, rsa.RSAPrivateKey):
        if not LEAST_RSA_BITS <= key.key_size <= MOST_RSA_BITS:
            raise ConfigError(f"the RSA key of the API secret has {key.key_size} bits", hint=_HINT)
        return lambda payload: base64.b64encode(key.sign(payload, padding.PKCS1v15(), hashes.SHA256())).decode()
    raise ConfigError("the private key of the API secret is of a kind that the exchange does not take", hint=_HINT)
