"""What the venue's refusals mean: one table of codes, and the outcome of an order or a cancel.

The rules are those of docs/order-safety.md §3. Only listed codes are a certain refusal of an order. Everything else,
from a redirect to a code that nobody has seen, is `Unknown`: the order may exist, and it is asked for, never sent
again.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, Literal

from autotrader.errors import ExchangeRefused, ExchangeUnavailable
from autotrader.exchanges.messages import Reply
from autotrader.exchanges.reading import BadJson, parse
from autotrader.orders import Rejected, Unknown
from autotrader.structs import dataclass


class ErrorKind(StrEnum):
    """Classes of docs/venue.md §5.2."""

    CLIENT = "C"
    KEY = "K"
    TRANSIENT = "T"
    LIMIT = "L"
    UNKNOWN = "U"
    ENGINE = "E"
    NOT_FOUND = "N"


# fmt: off
KINDS: Final[dict[int, ErrorKind]] = {
    **dict.fromkeys((-1000, -1001, -1006, -1007), ErrorKind.UNKNOWN),
    **dict.fromkeys((-1004, -1008), ErrorKind.TRANSIENT),
    **dict.fromkeys((-1002, -1022, -1099, -2008, -2014, -2015), ErrorKind.KEY),
    **dict.fromkeys((-1003, -1015, -1034), ErrorKind.LIMIT),
    **dict.fromkeys((-1010, -1112, -2010, -2022, -2038), ErrorKind.ENGINE),
    **dict.fromkeys((-2011, -2013, -2026), ErrorKind.NOT_FOUND),
    **dict.fromkeys((-1013, -1014, -1016, -1020, -2016, -2021, -2039, -2043), ErrorKind.CLIENT),
}
# fmt: on
CLOCK_CODE: Final = -1021
FILTER_CODE: Final = -1013
NO_SUCH_SYMBOL: Final = -1121
NO_SUCH_ORDER: Final = -2013
ARCHIVED: Final = -2026
CANCEL_REJECTED: Final = -2011
_NEVER_CERTAIN: Final = frozenset({-1000, -1001, -1006, -1007, -1008, -1016})
_CERTAIN: Final = frozenset({-1013, -1015, -1021, -1022, -2010, -2014, -2015})
_DUPLICATE: Final = "duplicate order"
_RESTRICTED_CANCEL: Final = "cancel restrictions"
_KEY_TEXTS: Final = ("disabled on this account", "may not place or cancel", "rest api trading is not enabled")
_OUTSIDE_TEXTS: Final = ("market is closed", "trading phase")
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9+/=_%-]{40,}")  # `%`: signatures in base64 are percent-encoded


@dataclass(frozen=True, slots=True)
class Failure:
    """A reply that is not a success: HTTP status, the venue's code (0 where there is none), its cleaned text."""

    status: int
    code: int
    text: str

    def __str__(self) -> str:
        code = f" {self.code}" if self.code else ""
        return f"HTTP {self.status}{code}: {self.text}"


def clean(text: str) -> str:
    """A text from outside, fit for terminals and logs: one line, no control characters, nothing that looks like a
    signature or a key, at most 200 characters.
    """
    shown = "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text[:2000])
    return _LONG_WORD.sub("***", shown)[:200]


def failure(reply: Reply) -> Failure:
    """Read a failure. Bodies that are not the venue's JSON give their status alone."""
    try:
        body = parse(reply.body)
    except BadJson:
        return Failure(reply.status, 0, "no JSON in the reply")
    if not isinstance(body, dict) or not isinstance(body.get("code"), int | str):
        return Failure(reply.status, 0, "no error code in the reply")
    code = body["code"]
    if isinstance(code, str):
        # Some bodies of /sapi carry their code as text.
        code = int(code) if re.fullmatch(r"-?[0-9]{1,9}", code, re.ASCII) else 0
    return Failure(reply.status, code, clean(str(body.get("msg", ""))))


def kind(found: Failure) -> ErrorKind:
    """The class of a failure on a call that only reads."""
    if found.status in (418, 429, 403):
        return ErrorKind.LIMIT
    if found.status >= 500:
        return ErrorKind.TRANSIENT
    if found.code == CLOCK_CODE:
        return ErrorKind.CLIENT
    listed = KINDS.get(found.code, ErrorKind.CLIENT)
    # "Execution unknown" frightens only where something was to be executed; a question may simply be asked again.
    return ErrorKind.TRANSIENT if listed is ErrorKind.UNKNOWN else listed


def exception(found: Failure, call: str) -> ExchangeRefused | ExchangeUnavailable:
    """The exception with which a call that only reads ends."""
    message = f"{call}: {found}"
    if kind(found) in (ErrorKind.LIMIT, ErrorKind.TRANSIENT):
        return ExchangeUnavailable(message)
    return ExchangeRefused(message, code=found.code, hint=_HINTS.get(found.code, ""))


_HINTS: Final = {
    -1021: "this machine's clock is compensated; the answer took too long, or the venue's clock jumped",
    -1022: "the secret does not belong to the key",
    -1121: "symbols are written like BTCJPY",
    -2014: "the API key is not complete",
    -2015: "the key is unknown, lacks the permission, or this address is not on its list",
}


def submit_outcome(found: Failure) -> Rejected | Unknown:
    """What a failed POST of an order means (docs/order-safety.md §3)."""
    reason = str(found)
    # A proxy may put any code into such a body, and a 5xx comes after the engine as well as before it.
    if found.status >= 500 or found.code in _NEVER_CERTAIN or 200 <= found.status < 400:
        return Unknown(reason)
    # The front door turned it away, so the engine never saw it: certain, and nobody's fault here.
    if found.status in (418, 429, 403):
        return Rejected(found.code, reason, "outside")
    # Our own id is open already: an earlier request did arrive, and this refusal is the proof of it.
    if found.code == -2010 and _DUPLICATE in found.text.lower():
        return Unknown(reason)
    if found.code in _CERTAIN or -1199 <= found.code <= -1100:
        return Rejected(found.code, reason, _fault(found))
    return Unknown(reason)


def cancel_outcome(found: Failure) -> Rejected | Unknown:
    """What a failed DELETE of an order means: -2011 says "look", never "gone"."""
    if found.code == CANCEL_REJECTED and found.status == 400:
        # ONLY_NEW, and it has begun to fill: the one -2011 that is certain, because the order was looked at.
        if _RESTRICTED_CANCEL in found.text.lower():
            return Rejected(found.code, str(found), "rule")
        return Unknown(str(found))
    return submit_outcome(found)


def is_closed(found: Failure) -> bool:
    """Whether an order was refused because the symbol is not trading now."""
    return found.code == -2010 and any(one in found.text.lower() for one in _OUTSIDE_TEXTS)


def _fault(found: Failure) -> Literal["rule", "outside", "key"]:
    text = found.text.lower()
    if found.code in (-1022, -2014, -2015) or any(one in text for one in _KEY_TEXTS):
        return "key"
    if found.code in (-1015, CLOCK_CODE) or any(one in text for one in _OUTSIDE_TEXTS):
        return "outside"
    return "rule"
