"""JSON from the venue, read without mercy: what `json.loads` lets pass can cost money (docs/order-safety.md §5).

Refused: duplicate keys (the last would win), NaN and Infinity, numbers of more than 64 characters, nesting deeper
than 32, anything but UTF-8, half of a pair of surrogates (`\\ud800`: no record could hold the text). Numbers with a
point or an exponent become Decimal.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

MOST_DIGITS: Final = 64
MOST_DEPTH: Final = 32
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


class BadJson(ValueError):
    """Text that is not JSON as we accept it; the message says why and never quotes the text."""


def parse(body: bytes) -> Any:
    """The value of a reply's body. Raises BadJson."""
    if _deeper_than(body, MOST_DEPTH):  # before parsing: the parser recurses in C, and too deep ends the process
        raise BadJson(f"nested deeper than {MOST_DEPTH} levels")
    try:
        found = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadJson("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BadJson(f"{error.msg.lower()} at character {error.pos}") from None
    except (RecursionError, InvalidOperation):  # an exponent that no Decimal can hold is no number either
        raise BadJson("not readable") from None
    # The search is over bytes and rare; only where it finds an escape is the value walked.
    if _SURROGATE.search(body) and _has_lone_surrogate(found):
        raise BadJson("a text holds half of a character")
    return found


def _has_lone_surrogate(found: Any) -> bool:
    """Whether a text in a value, key or not, has no UTF-8 form. Nesting is bounded by MOST_DEPTH."""
    if isinstance(found, str):
        return any("\ud800" <= sign <= "\udfff" for sign in found)
    if isinstance(found, dict):
        return any(_has_lone_surrogate(one) for pair in found.items() for one in pair)
    return isinstance(found, list) and any(_has_lone_surrogate(one) for one in found)


def _deeper_than(body: bytes, most: int) -> bool:
    """Whether brackets nest deeper. Fast where they balance; counted one by one only where strings hold brackets."""
    brackets = body.translate(None, _NOT_BRACKETS)
    for _ in range(most):
        if not brackets:
            return False
        # a level a round, and in C: a body of megabytes takes milliseconds
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    # strings may hold brackets that never close; only then is it worth counting by hand
    return bool(brackets) and _slow_depth(body) > most


def _slow_depth(body: bytes) -> int:
    depth = deepest = 0
    inside = escaped = False
    for byte in body:
        if inside:
            inside = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            inside = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # json would keep the last one, and nobody could say which was meant
        raise BadJson("a key stands twice in one object")
    return found


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise BadJson(f"a number of {len(text)} digits")
    return int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > MOST_DIGITS:
        raise BadJson(f"a number of {len(text)} digits")
    return Decimal(text)


def _constant(text: str) -> NoReturn:
    raise BadJson(f"{text} is not a number")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
