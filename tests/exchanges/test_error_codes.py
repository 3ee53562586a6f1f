"""What a reply to an order means, code by code: certain refusals are few, everything else is unknown."""

from __future__ import annotations

import pytest

from autotrader.exchanges.binance.errors import (
    ErrorKind,
    Failure,
    cancel_outcome,
    clean,
    failure,
    is_closed,
    kind,
    submit_outcome,
)
from autotrader.exchanges.messages import Reply
from autotrader.orders import Rejected, Unknown

CERTAIN = (-1013, -1015, -1021, -1022, -1100, -1111, -1121, -1199, -2010, -2014, -2015)


@pytest.mark.parametrize("code", CERTAIN)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 200, 299, 301, 399])
def test_no_code_outweighs_a_status_that_is_none_of_the_venues_refusals(status: int, code: int) -> None:
    """A 5xx, a redirect or a 200 is unknown whatever its body says: the refusal may not be the engine's."""
    assert submit_outcome(Failure(status, code, "text")) == Unknown(f"HTTP {status} {code}: text")


@pytest.mark.parametrize(("code", "fault"), [
    (-1013, "rule"), (-1015, "outside"), (-1021, "outside"), (-1022, "key"), (-1100, "rule"), (-1111, "rule"),
    (-1199, "rule"), (-2010, "rule"), (-2014, "key"), (-2015, "key"),
])  # fmt: skip
def test_certain_refusals_and_whose_fault_they_are(code: int, fault: str) -> None:
    """A listed code in a 4xx ends the order for certain, with its code, its text and who is at fault."""
    found = submit_outcome(Failure(400, code, "Text."))
    assert isinstance(found, Rejected)
    assert (found.code, found.reason, found.fault) == (code, f"HTTP 400 {code}: Text.", fault)


DOUBTS = (-1000, -1001, -1006, -1007, -1008, -1016)


@pytest.mark.parametrize("code", [*DOUBTS, 0, -1, 7, -1099, -1200, -2011, -2013, -9999])
def test_every_other_code_is_unknown(code: int) -> None:
    """The venue's own doubts, codes beside the list and codes that nobody has seen: asked about, never resent."""
    assert isinstance(submit_outcome(Failure(400, code, "")), Unknown)


@pytest.mark.parametrize("status", [403, 418, 429])
@pytest.mark.parametrize("code", [0, -1003, -2010, -2015])
def test_limits_and_bans_refuse_from_outside(status: int, code: int) -> None:
    """What the front door turns away never reached the engine; the rule gets its firing back."""
    found = submit_outcome(Failure(status, code, "slow down"))
    assert isinstance(found, Rejected)
    assert (found.code, found.fault) == (code, "outside")


@pytest.mark.parametrize("code", [-1000, -1006, -1007])
@pytest.mark.parametrize("status", [403, 418, 429])
def test_the_engines_doubt_outweighs_a_limit(status: int, code: int) -> None:
    """A code that says "execution status unknown" is unknown, whatever the status."""
    assert isinstance(submit_outcome(Failure(status, code, "")), Unknown)


@pytest.mark.parametrize("text", ["Duplicate order sent.", "DUPLICATE ORDER SENT.", "duplicate order"])
def test_a_duplicate_is_there(text: str) -> None:
    """-2010 with "duplicate" means that the id is open already: it is looked for."""
    assert isinstance(submit_outcome(Failure(400, -2010, text)), Unknown)
    assert isinstance(submit_outcome(Failure(400, -1013, text)), Rejected)


@pytest.mark.parametrize(("text", "fault", "closed"), [
    ("Account has insufficient balance for requested action.", "rule", False),
    ("Market is closed.", "outside", True),
    ("This order type is not possible in this TRADING PHASE.", "outside", True),
    ("This action is disabled on this account.", "key", False),
    ("This account may not place or cancel orders.", "key", False),
    ("Rest API trading is not enabled.", "key", False),
])  # fmt: skip
def test_what_a_refusal_of_the_engine_says(text: str, fault: str, closed: bool) -> None:
    """One code, many texts: no money is the rule's, a closed market nobody's, a disabled account the key's."""
    found = submit_outcome(Failure(400, -2010, text))
    assert isinstance(found, Rejected)
    assert (found.fault, is_closed(Failure(400, -2010, text))) == (fault, closed)
    assert not is_closed(Failure(400, -1013, text))


def test_a_cancel_that_finds_nothing_proves_nothing() -> None:
    """-2011 is "look"; only the refusal of an order that has begun to fill is certain."""
    assert cancel_outcome(Failure(400, -2011, "Unknown order sent.")) == Unknown("HTTP 400 -2011: Unknown order sent.")
    restricted = Failure(400, -2011, "Order was not canceled due to CANCEL RESTRICTIONS.")
    assert cancel_outcome(restricted) == Rejected(-2011, str(restricted), "rule")
    assert isinstance(cancel_outcome(Failure(500, -2011, "cancel restrictions")), Unknown)
    assert isinstance(cancel_outcome(Failure(400, -9999, "")), Unknown)
    assert cancel_outcome(Failure(400, -1022, "")) == Rejected(-1022, "HTTP 400 -1022: ", "key")


@pytest.mark.parametrize(("body", "wanted"), [
    (b'{"code": -1013, "msg": "Filter failure: LOT_SIZE"}', Failure(400, -1013, "Filter failure: LOT_SIZE")),
    (b'{"code": "-1013", "msg": "x"}', Failure(400, -1013, "x")),
    (b'{"code": "-1013x", "msg": "x"}', Failure(400, 0, "x")),
    (b'{"code": "1234567890", "msg": "x"}', Failure(400, 0, "x")),
    (b'{"code": -1013}', Failure(400, -1013, "")),
    (b'{"code": 1.5, "msg": "x"}', Failure(400, 0, "no error code in the reply")),
    (b'{"msg": "x"}', Failure(400, 0, "no error code in the reply")),
    (b'[-1013]', Failure(400, 0, "no error code in the reply")),
    (b'<html>', Failure(400, 0, "no JSON in the reply")),
    (b'', Failure(400, 0, "no JSON in the reply")),
])  # fmt: skip
def test_a_body_is_the_venues_json_or_nothing(body: bytes, wanted: Failure) -> None:
    """Code and text are read from the venue's own form alone; anything else leaves the status."""
    assert failure(Reply(400, {}, body)) == wanted


def test_a_failure_in_words() -> None:
    """Status, code where there is one, text."""
    assert str(Failure(400, -1013, "Filter failure")) == "HTTP 400 -1013: Filter failure"
    assert str(Failure(502, 0, "no JSON in the reply")) == "HTTP 502: no JSON in the reply"


def test_texts_from_outside_are_made_harmless() -> None:
    """One line, no control characters, nothing as long as a key or a signature, at most 200 characters."""
    assert clean("a\x1b[2J\r\nb") == "a\\x1b[2J\\x0d\\x0ab"
    assert clean(f"key {'k' * 40}.") == "key ***."
    assert clean(f"key {'k' * 39}.") == f"key {'k' * 39}."
    assert clean("word " * 500) == ("word " * 500)[:200]


@pytest.mark.parametrize(("found", "wanted"), [
    (Failure(418, -1003, ""), ErrorKind.LIMIT), (Failure(429, 0, ""), ErrorKind.LIMIT),
    (Failure(403, 0, ""), ErrorKind.LIMIT),
    (Failure(500, -2015, ""), ErrorKind.TRANSIENT), (Failure(400, -1021, ""), ErrorKind.CLIENT),
    (Failure(400, -1006, ""), ErrorKind.TRANSIENT), (Failure(400, -2015, ""), ErrorKind.KEY),
    (Failure(400, -9999, ""), ErrorKind.CLIENT), (Failure(400, -2013, ""), ErrorKind.NOT_FOUND),
])  # fmt: skip
def test_the_class_of_a_failed_question(found: Failure, wanted: ErrorKind) -> None:
    """A question may be asked again: a limit waits, a 5xx or a doubt is passing, an unlisted code is our mistake."""
    assert kind(found) is wanted
