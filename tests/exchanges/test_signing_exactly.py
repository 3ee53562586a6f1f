"""Signing to the letter: the whole text that leaves, the bounds of recvWindow, and what a refusal tells its reader."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from autotrader.errors import ConfigError, SafetyRefused
from autotrader.exchanges.binance.signing import ReadSigner, Signed, TradeSigner, encode
from autotrader.exchanges.live import LiveToken, grant_live
from autotrader.exchanges.secret import Credentials, Secret
from tests.exchanges.scripted import KEY, SECRET, credentials

HOST = "127.0.0.1"
ORDER = "/api/v3/order"


def token() -> LiveToken:
    return grant_live("live", True, "live")


def by_hand(payload: str) -> str:
    return hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("kind", ["read", "trade"])
def test_the_whole_text_that_leaves(kind: str) -> None:
    """Parameters in their order, then recvWindow and timestamp under the venue's names, last the signature over all."""
    path = ORDER if kind == "trade" else "/api/v3/account"
    made = (
        TradeSigner(credentials(), HOST, token(), recv_window_ms=777).sign(HOST, "DELETE", path, [("a", "b/c")], 42)
        if kind == "trade"
        else ReadSigner(credentials(), HOST, 777).sign(HOST, "GET", path, [("a", "b/c")], 42)
    )
    text = "a=b%2Fc&recvWindow=777&timestamp=42"
    assert made.payload == f"{text}&signature={by_hand(text)}"
    assert made.key.reveal() == KEY


def test_without_a_wish_the_window_is_five_seconds() -> None:
    """The horizon of an order is counted with 5,000 ms: that is what is asked of the venue."""
    wanted = "recvWindow=5000&timestamp=1&signature="
    assert ReadSigner(credentials(), HOST).sign(HOST, "GET", ORDER, [], 1).payload.startswith(wanted)
    assert TradeSigner(credentials(), HOST, token()).sign(HOST, "POST", ORDER, [], 1).payload.startswith(wanted)


def test_a_slash_is_encoded_in_names_and_values() -> None:
    """Nothing but letters, digits and `_.-~` goes over the wire as it is: not a slash either."""
    assert encode([("a/b", "c/d~")]) == "a%2Fb=c%2Fd~"


def test_a_signature_in_base64_is_encoded_once() -> None:
    """RSA and Ed25519 sign in base64: its `+`, `/` and `=` must not be read as something else."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    signer = ReadSigner(Credentials(Secret(KEY), Secret(pem)), HOST)
    seen = set()
    for moment in range(40):
        text = f"recvWindow=5000&timestamp={moment}"
        wanted = base64.b64encode(private.sign(text.encode())).decode()
        seen |= set(wanted) & set("+/=")
        escaped = wanted.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        assert signer.sign(HOST, "GET", "/api/v3/account", [], moment).payload == f"{text}&signature={escaped}"
    assert seen == set("+/=")


@pytest.mark.parametrize(("window_ms", "taken"), [(-1, False), (0, False), (1, True), (60_000, True), (60_001, False)])
def test_the_venues_bounds_of_the_window(window_ms: int, taken: bool) -> None:
    """recvWindow is 1 to 60,000 ms; another is refused with both."""
    if taken:
        assert ReadSigner(credentials(), HOST, window_ms).host == HOST
        return
    with pytest.raises(ConfigError, match=rf"recv_window of {window_ms} ms.*1 to 60000"):
        ReadSigner(credentials(), HOST, window_ms)


def test_a_signed_text_shows_neither_key_nor_signature() -> None:
    """What is printed of a signed request by accident is three stars."""
    assert repr(Signed("symbol=BTCJPY&signature=abc", Secret(KEY))) == "Signed(***)"


def test_refusals_say_what_was_asked_and_what_helps() -> None:
    """A call off the list is named; without permission and while halted the way out is told."""
    with pytest.raises(SafetyRefused, match=r"POST /api/v3/order is not signed"):
        ReadSigner(credentials(), HOST).sign(HOST, "POST", ORDER, [], 1)
    with pytest.raises(SafetyRefused, match="without permission to trade") as bare:
        TradeSigner(credentials(), HOST, None)
    assert "--live" in str(bare.value.hint)
    with pytest.raises(SafetyRefused, match="halted") as halted:
        TradeSigner(credentials(), HOST, token(), lambda _side: True).sign(HOST, "POST", ORDER, [], 1)
    assert "autotrader resume" in str(halted.value.hint)


def test_the_halt_is_asked_about_the_side_of_the_order() -> None:
    """A halt of buys stops buys: the signer asks about the very side that it would sign, and not for a cancel."""
    asked: list[str] = []

    def buys_only(side: str) -> bool:
        asked.append(side)
        return side == "BUY"

    signer = TradeSigner(credentials(), HOST, token(), buys_only)
    assert signer.sign(HOST, "POST", ORDER, [("symbol", "BTCJPY"), ("side", "SELL")], 1).payload
    with pytest.raises(SafetyRefused, match="halted"):
        signer.sign(HOST, "POST", ORDER, [("symbol", "BTCJPY"), ("side", "BUY")], 1)
    assert signer.sign(HOST, "DELETE", ORDER, [("side", "BUY")], 1).payload
    assert asked == ["SELL", "BUY"]


def test_which_key_signs_is_told_without_showing_it() -> None:
    """The fingerprint is the credentials' own, and holds nothing of the key."""
    made = credentials()
    assert ReadSigner(made, HOST).fingerprint == made.fingerprint
    assert KEY not in made.fingerprint
