"""One value, one text: the canonical form in which acts are stored and hashed.

JSON with sorted keys, no spaces and ASCII only, so that equal values give equal bytes on every machine
(docs/order-safety.md P17). Decimals become text without exponent; floats are allowed (indicator values) and written as
Python's shortest exact form; NaN and infinity are refused, because JSON has no word for them.
"""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256

from autotrader.money import plain

GENESIS_LABEL = "autotrader chain of store "


def canonical(value: object) -> str:
    """Canonical JSON text. Raises ValueError for NaN and infinity, TypeError for what JSON cannot hold."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=_as_json
    )


def _as_json(value: object) -> object:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"not a finite number: {value}")
        return plain(value)
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    raise TypeError(f"cannot be recorded: {type(value).__name__}")


def genesis(store_id: str) -> bytes:
    """The hash before the first row: a chain moved into another store does not verify."""
    return sha256((GENESIS_LABEL + store_id).encode()).digest()


def row_hash(prev: bytes, n: int, time_ms: int, kind: str, subject: str, body: str) -> bytes:
    """SHA-256 over the previous hash and the row. Lengths stand before texts, so that no border can be moved."""
    framed = f"{n}|{time_ms}|{len(kind)}|{len(subject)}|{kind}{subject}{body}"
    return sha256(prev + framed.encode("utf-8", "surrogatepass")).digest()


def text_hash(text: str) -> str:
    """Name of a kept text (rule files, plans): SHA-256 in hex."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
