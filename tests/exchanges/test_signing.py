"""Signing: the exact bytes, the two signers, the permission to trade, and secrets that show themselves to nobody."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import pickle
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.errors import ConfigError, SafetyRefused, UsageError
from autotrader.exchanges.binance.connection import connect
from autotrader.exchanges.binance.signing import (
    READ_CALLS,
    Method,
    ReadSigner,
    SignedPayload,
    TradeSigner,
    Value,
    encode,
)  # fmt: skip
from autotrader.exchanges.live import LiveToken, confirmation_from, grant_live
from autotrader.exchanges.secret import Credentials, Secret, load_credentials
from tests.exchanges.scripted import KEY, SECRET, Scripted, account_of, connected, credentials, reply, signature

DOCS_SECRET = Secret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
HOST = "127.0.0.1"


def test_the_official_vectors_hold(shared_data: Path) -> None:
    """The signatures that the venue prints in its documentation come out, ASCII and not."""
    vectors = json.loads((shared_data / "api-responses" / "signing-vectors.json").read_text())
    for case in vectors["cases"]:
        assert signature(Secret(vectors["secret_key"]), case["payload"]) == case["signature"]
        order = [(name, value) for name, value in parse_qsl(case["payload"])]
        assert dict(order)["symbol"] == case["symbol_unencoded"]
        assert encode(order) == case["payload"]


def test_an_order_of_typed_values_is_encoded_and_signed_as_by_hand() -> None:
    """Decimals, integers and the client id give the payload and signature that were computed independently."""
    payload = encode(
        [("symbol", "BTCJPY"), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC"),
         ("quantity", Decimal("0.00100")), ("price", Decimal("8E+6")), ("newClientOrderId", "at-20260115-0001"),
         ("recvWindow", 5000), ("timestamp", 1768460400000)]
    )  # fmt: skip
    assert "quantity=0.001&price=8000000&" in payload
    assert signature(DOCS_SECRET, payload) == "382483c4327368d3f935b8e93bf04744c986fcd7cde4873c09b84cf027d0af09"


def test_a_list_of_symbols_is_json_without_spaces_encoded_once() -> None:
    """`symbols` goes out as the venue demands it, and its signature is the known one."""
    payload = encode([("symbols", ("BTCJPY", "BNBJPY")), ("timestamp", 1499827319559)])
    assert payload == "symbols=%5B%22BTCJPY%22%2C%22BNBJPY%22%5D&timestamp=1499827319559"
    assert signature(DOCS_SECRET, payload) == "b7dd44a1134b44eb60e8f40751f86c667f8da376d3bb1d81f18269044e2cc30b"


def test_values_are_written_as_the_venue_reads_them() -> None:
    """Booleans are lower-case, small and large Decimals have no exponent, absent ones are left out."""
    numbers: list[tuple[str, Value | None]] = [("c", Decimal("0.0000001")), ("d", Decimal("-0"))]
    values: list[tuple[str, Value | None]] = [("a", True), ("b", False), *numbers, ("e", None), ("f", "a b&=%")]
    assert encode(values) == "a=true&b=false&c=0.0000001&d=0&f=a%20b%26%3D%25"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_a_number_that_is_none_is_never_sent(text: str) -> None:
    """A Decimal that is not finite cannot be encoded."""
    with pytest.raises(ValueError, match="not finite"):
        encode([("price", Decimal(text))])


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=6))
def test_what_is_encoded_reads_back_as_it_was(params: list[tuple[str, str]]) -> None:
    """Any names and texts survive the way into a query string and back, and only plain ASCII is sent."""
    payload = encode(params)
    assert payload.isascii()
    assert " " not in payload
    assert parse_qsl(payload, keep_blank_values=True) == params


def test_the_signature_covers_the_very_bytes_on_the_wire(scripted: Scripted) -> None:
    """What arrived, less its signature at the end, signs to that signature: in the query and in a body."""
    account = {"canTrade": True, "canWithdraw": False, "updateTime": 1, "accountType": "SPOT", "balances": []}
    scripted.on("GET", "/api/v3/account", reply(200, account))
    scripted.on("POST", "/sapi/v3/asset/getUserAsset", reply(200, []))
    with connected(scripted.url) as connection:
        assert connection.broker is not None
        account_of(connection).account()
        account_of(connection).user_assets("ＪＰＹ")
    sent = [one.query or one.body for one in scripted.asked if "signature=" in one.query + one.body]
    assert len(sent) == 2
    for text in sent:
        payload, _, signed = text.rpartition("&signature=")
        assert hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest() == signed
    assert all(one.headers["x-mbx-apikey"] == KEY for one in scripted.asked if "signature=" in one.query + one.body)
    assert all("x-mbx-apikey" not in one.headers for one in scripted.asked if one.path == "/api/v3/time")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v3/order"),
        ("DELETE", "/api/v3/order"),
        ("DELETE", "/api/v3/openOrders"),
        ("POST", "/api/v3/order/cancelReplace"),
        ("POST", "/sapi/v1/capital/withdraw/apply"),
        ("GET", "/api/v3/order/"),
    ],
)
def test_the_read_signer_signs_nothing_that_trades(method: Method, path: str) -> None:
    """Without permission to trade no placing, cancelling or moving of money can be signed, not even by mistake."""
    with pytest.raises(SafetyRefused):
        ReadSigner(credentials(), HOST).sign(HOST, method, path, [], 1)


def test_every_call_of_the_read_list_only_looks() -> None:
    """The fixed list holds GETs, the order test and getUserAsset."""
    assert {path for method, path in READ_CALLS if method != "GET"} == {
        "/api/v3/order/test",
        "/sapi/v3/asset/getUserAsset",
    }


def test_a_key_signs_for_its_own_host_only() -> None:
    """A secret is bound to one host; for another nothing is signed."""
    for signer in (ReadSigner(credentials(), HOST), TradeSigner(credentials(), HOST, grant_live("live", True, "live"))):
        with pytest.raises(SafetyRefused, match="signs nothing for"):
            signer.sign("api.binance.com", "GET", "/api/v3/account", [], 1)


@pytest.mark.parametrize("token", [None, object(), True, "live"])
def test_no_trade_signer_without_the_permission(token: object) -> None:
    """Only what grant_live made opens the trade signer."""
    with pytest.raises(SafetyRefused):
        TradeSigner(credentials(), HOST, token)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["dry-run", "live"])
@pytest.mark.parametrize("flag", [False, True])
@pytest.mark.parametrize("typed", ["", "yes", "live"])
def test_all_three_keys_are_needed(mode: str, flag: bool, typed: str) -> None:
    """Mode, flag and confirmation: with any of them missing there is no permission."""
    if (mode, flag, typed) == ("live", True, "live"):
        assert isinstance(grant_live(mode, flag, typed), LiveToken)
        return
    with pytest.raises(SafetyRefused, match="live trading is off"):
        grant_live(mode, flag, typed)


def test_a_service_confirms_by_its_environment() -> None:
    """AUTOTRADER_LIVE=1 stands for the typed word; anything else does not."""
    assert confirmation_from({"AUTOTRADER_LIVE": "1"}) == "live"
    assert {confirmation_from(one) for one in ({}, {"AUTOTRADER_LIVE": "true"}, {"AUTOTRADER_LIVE": "0"})} == {""}


def test_the_permission_cannot_be_made_copied_or_stored() -> None:
    """LiveToken comes from grant_live alone."""
    token = grant_live("live", True, "live")
    for attempt in (lambda: LiveToken(object()), lambda: copy.copy(token), lambda: copy.deepcopy(token),
                    lambda: pickle.dumps(token)):  # fmt: skip
        with pytest.raises(SafetyRefused):
            attempt()


def test_while_halted_no_new_order_is_signed_but_cancels_are() -> None:
    """The halt is asked inside the signer, at each order; cancelling goes on."""
    halted = [""]
    signer = TradeSigner(credentials(), HOST, grant_live("live", True, "live"), lambda _side: halted[0])
    assert signer.sign(HOST, "POST", "/api/v3/order", [], 1).payload
    halted[0] = "trading is halted: by hand"
    with pytest.raises(SafetyRefused, match="halted"):
        signer.sign(HOST, "POST", "/api/v3/order", [], 1)
    assert signer.sign(HOST, "DELETE", "/api/v3/order", [], 1).payload


def test_a_permission_without_a_key_is_refused() -> None:
    """A connection that may trade needs somebody to trade for."""
    with pytest.raises(UsageError):
        connect(url="http://127.0.0.1:1", live_token=grant_live("live", True, "live"))


def test_a_secret_shows_itself_to_nobody() -> None:
    """repr, str, format, containers, errors and pickle do not give a secret away."""
    made = credentials()
    shown = [repr(made), str(made), f"{made.secret} {made.secret!r} {made.secret:>90}", str([made.key]), str(vars)]
    assert all(SECRET not in one and KEY not in one for one in shown)
    assert made.secret.reveal() == SECRET
    with pytest.raises(SafetyRefused):
        pickle.dumps(made)
    assert len(made.fingerprint) == 8


def test_credentials_come_from_the_environment_a_private_file_or_systemd(tmp_path: Path) -> None:
    """Three places, and the secret's file is read where only its owner may."""
    file = tmp_path / "autotrader-api-secret"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    (tmp_path / "autotrader-api-key").write_text(KEY)
    (tmp_path / "autotrader-api-key").chmod(0o600)
    places: list[dict[str, str]] = [
        {"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET": SECRET},
        {"AUTOTRADER_API_KEY": KEY, "AUTOTRADER_API_SECRET_FILE": str(file)},
        {"CREDENTIALS_DIRECTORY": str(tmp_path)},
    ]
    for place in places:
        found = load_credentials(place)
        assert isinstance(found, Credentials)
        assert (found.key.reveal(), found.secret.reveal()) == (KEY, SECRET)
    assert load_credentials({}) is None


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Group- or world-readable, a link, a folder, absent, half of a pair, two at once: each one clear error."""
    loose = tmp_path / "loose"
    loose.write_text(SECRET)
    loose.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(loose)
    names = {"key": "AUTOTRADER_API_KEY", "secret": "AUTOTRADER_API_SECRET", "file": "AUTOTRADER_API_SECRET_FILE"}
    cases: list[dict[str, str]] = [
        {"key": KEY, "file": str(loose)}, {"key": KEY, "file": str(link)}, {"key": KEY, "file": str(tmp_path)},
        {"key": KEY, "file": str(tmp_path / "absent")}, {"key": KEY}, {"secret": SECRET},
        {"key": KEY, "secret": SECRET, "file": str(loose)}, {"key": "a b", "secret": SECRET},
    ]  # fmt: skip
    for case in cases:
        with pytest.raises(ConfigError) as caught:
            load_credentials({names[name]: value for name, value in case.items()})
        assert SECRET not in str(caught.value)


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
    assert (
        TradeSigner(credentials(), HOST, token(), lambda _: "")
        .sign(HOST, "POST", ORDER, [], 1)
        .payload.startswith(wanted)
    )


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
    assert repr(SignedPayload("symbol=BTCJPY&signature=abc", Secret(KEY))) == "Signed(***)"


def test_refusals_say_what_was_asked_and_what_helps() -> None:
    """A call off the list is named; without permission and while halted the way out is told."""
    with pytest.raises(SafetyRefused, match=r"POST /api/v3/order is not signed"):
        ReadSigner(credentials(), HOST).sign(HOST, "POST", ORDER, [], 1)
    with pytest.raises(SafetyRefused, match="without permission to trade") as bare:
        TradeSigner(credentials(), HOST, None)
    assert "--live" in str(bare.value.hint)
    with pytest.raises(SafetyRefused, match="halted") as halted:
        TradeSigner(credentials(), HOST, token(), lambda _side: "halted").sign(HOST, "POST", ORDER, [], 1)
    assert "autotrader resume" in str(halted.value.hint)


def test_the_halt_is_asked_about_the_side_of_the_order() -> None:
    """A halt of buys stops buys: the signer asks about the very side that it would sign, and not for a cancel."""
    asked: list[str] = []

    def buys_only(side: str) -> str:
        asked.append(side)
        return "halted" if side == "BUY" else ""

    signer = TradeSigner(credentials(), HOST, token(), buys_only)
    assert signer.sign(HOST, "POST", ORDER, [("symbol", "BTCJPY"), ("side", "SELL")], 1).payload
    with pytest.raises(SafetyRefused, match="halted"):
        signer.sign(HOST, "POST", ORDER, [("symbol", "BTCJPY"), ("side", "BUY")], 1)
    assert signer.sign(HOST, "DELETE", ORDER, [("side", "BUY")], 1).payload
    assert asked == ["SELL", "BUY"]


def test_no_order_is_signed_before_somebody_can_say_that_all_is_halted() -> None:
    """A signer that nobody told whom to ask signs cancels, and no order."""
    signer = TradeSigner(credentials(), HOST, token())
    assert signer.sign(HOST, "DELETE", ORDER, [], 1).payload
    with pytest.raises(SafetyRefused, match="nobody can say yet whether trading is halted"):
        signer.sign(HOST, "POST", ORDER, [("side", "BUY")], 1)
    signer.ask_before_orders(lambda _side: "")
    assert signer.sign(HOST, "POST", ORDER, [("side", "BUY")], 1).payload


def test_which_key_signs_is_told_without_showing_it() -> None:
    """The fingerprint is the credentials' own, and holds nothing of the key."""
    made = credentials()
    assert ReadSigner(made, HOST).fingerprint == made.fingerprint
    assert KEY not in made.fingerprint
