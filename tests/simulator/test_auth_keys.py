"""RSA and Ed25519 signatures, who counts against which limit, and the second look at a timestamp."""

from __future__ import annotations

import base64
import http.client
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from autotrader.errors import UsageError
from autotrader.simulator import Account, Faults, Simulator
from autotrader.simulator.auth import public_key_verifier
from tests.simulator.conftest import Caller

D = Decimal
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
VECTORS = {
    "symbol=BTCJPY&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=8000000"
    "&newClientOrderId=at-20260115-0001&recvWindow=5000&timestamp=1768460400000":
        "kntvcC8+RpfRZ8vova3nHSQod994HcJJ2sKriw09u2xr/qX4/UIRNWH2GaFbOfYXKu1IHD5sghnS7fHIQtkMDw==",
    "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1"
    "&price=0.1&recvWindow=5000&timestamp=1499827319559":
        "BfITFENBHoPvZ29suXBdmBQ+10LOoM4gQ7Fo/OgYC3szsEzecJJHTAwAcIDLwEEwNIUR1V1t71p/h9rKe07rCg==",
}  # fmt: skip
BAD_SIGNATURE = (400, -1022, "Signature for this request is not valid.")
Sign = Callable[[bytes], bytes]


def _pem(key: ed25519.Ed25519PublicKey | rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(scope="module")
def signers() -> dict[str, tuple[str, Sign]]:
    """Public key and signing function of each kind; the RSA key is made here."""
    short = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
    long = rsa.generate_private_key(65537, 2048)
    return {
        "Ed25519": (_pem(short.public_key()), short.sign),
        "RSA": (_pem(long.public_key()), lambda m: long.sign(m, padding.PKCS1v15(), hashes.SHA256())),
        "RSA with PSS": (
            _pem(long.public_key()),
            lambda m: long.sign(m, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
        ),
    }  # fmt: skip


def _venue(pem: str, connect: Callable[..., Caller]) -> tuple[Simulator, Account]:
    account = Account("k" * 64, "", {"JPY": D(10_000_000)}, public_key=pem)
    return Simulator(seed=1, symbols=["BTCJPY"], accounts=[account]), account


def test_the_ed25519_vectors_verify(signers: dict[str, tuple[str, Sign]]) -> None:
    """The recorded signatures pass, and with one byte of the payload changed they do not."""
    verify = public_key_verifier(signers["Ed25519"][0])
    for payload, signature in VECTORS.items():
        assert verify(payload.encode(), signature)
        assert not verify(payload.encode() + b" ", signature)


@pytest.mark.parametrize(("kind", "accepted"), [("Ed25519", True), ("RSA", True), ("RSA with PSS", False)])
def test_signed_with_a_private_key(
    connect: Callable[..., Caller], signers: dict[str, tuple[str, Sign]], kind: str, *, accepted: bool
) -> None:
    """An order signed with Ed25519 or RSA PKCS#1 v1.5 over the bytes sent is accepted; PSS is not the venue's."""
    pem, sign = signers[kind]
    sim, _ = _venue(pem, connect)
    with sim:
        venue = connect(sim)
        query, body = f"symbol=BTCJPY&side=BUY&timestamp={sim.now_ms}", "type=MARKET&quantity=0.001"
        signature = base64.b64encode(sign((query + body).encode())).decode()
        reply = venue.raw("POST", f"/api/v3/order?{query}&signature={quote(signature, safe='')}", body)
        assert reply.status == (200 if accepted else 400)
        if not accepted:
            assert reply.error == BAD_SIGNATURE


def test_base64_signatures_are_case_sensitive(
    connect: Callable[..., Caller], signers: dict[str, tuple[str, Sign]]
) -> None:
    """Another case, hex, an HMAC or a raw + (a blank when decoded) in place of %2B are -1022."""
    pem, sign = signers["Ed25519"]
    sim, _ = _venue(pem, connect)
    with sim:
        venue = connect(sim)
        for number in range(100):
            query = f"recvWindow={4000 + number}&timestamp={sim.now_ms}"
            good = base64.b64encode(sign(query.encode())).decode()
            if "+" in good:
                break
        bad = [quote(good.swapcase(), safe=""), base64.b64decode(good).hex(), venue.mac(query), good, "%C3%A9"]
        for signature in bad:
            assert venue.raw("GET", f"/api/v3/account?{query}&signature={signature}").error == BAD_SIGNATURE
        assert venue.raw("GET", f"/api/v3/account?{query}&signature={quote(good, safe='')}").status == 200


def test_other_keys_are_refused_with_what_is_allowed() -> None:
    """Not PEM, another curve and a short RSA key: one clear message each, before the simulator runs."""
    curve = _pem(ec.generate_private_key(ec.SECP256R1()).public_key())
    short = _pem(rsa.generate_private_key(65537, 1024).public_key())  # noqa: S505 - what is to be refused
    for pem, text in (("x", "cannot be read"), (curve, "Ed25519 keys, and RSA"), (short, "2048 to 4096")):
        with pytest.raises(UsageError, match=text):
            Simulator(seed=1, accounts=[Account("k" * 64, "", {}, public_key=pem)])


def test_without_the_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """HMAC accounts work without it; a public key names the extra."""
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    Simulator(seed=1)
    with pytest.raises(UsageError, match="needs the package cryptography") as caught:
        Simulator(seed=1, accounts=[Account("k" * 64, "", {}, public_key="x")])
    assert "autotrader-jp[keys]" in caught.value.hint


def _from(sim: Simulator, source: str, target: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=60, source_address=(source, 0))
    connection.request("GET", target)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_weight_and_bans_belong_to_the_address(sim: Simulator, venue: Caller) -> None:
    """What 127.0.0.2 uses up does not stand in the way of 127.0.0.1."""
    while _from(sim, "127.0.0.2", "/api/v3/ticker/24hr").status != 418:
        pass
    assert _from(sim, "127.0.0.2", "/api/v3/ping").getheader("Retry-After") == "120"
    assert venue.get("ping").headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_orders_count_for_the_account_whatever_the_address(connect: Callable[..., Caller]) -> None:
    """Two accounts at one address share the weight and not the order count."""
    accounts = [Account.named("one"), Account.named("two")]
    with Simulator(seed=1, accounts=accounts) as sim:
        one, two = (connect(sim, account) for account in accounts)
        for count in ("1", "2"):
            assert one.order(price="9000000", quantity="0.001").headers["X-MBX-ORDER-COUNT-10S"] == count
        assert two.order(price="9000000", quantity="0.001").headers["X-MBX-ORDER-COUNT-10S"] == "1"
        assert one.signed("GET", "account").headers["X-MBX-USED-WEIGHT-1M"] == "20"
        assert two.signed("GET", "account").headers["X-MBX-USED-WEIGHT-1M"] == "40"


def test_plain_requests_are_limited_too(connect: Callable[..., Caller]) -> None:
    """RAW_REQUESTS: the eleventh request in five minutes is 429 although its weight would fit."""
    with Simulator(seed=1, raw_limit=10) as sim:
        venue = connect(sim)
        shown = venue.get("exchangeInfo").body["rateLimits"][-1]
        assert (shown["rateLimitType"], shown["intervalNum"], shown["limit"]) == ("RAW_REQUESTS", 5, 10)
        assert [venue.get("ping").status for _ in range(10)] == [200] * 9 + [429]
        assert 0 < int(venue.get("ping").headers["Retry-After"]) <= 300
        sim.advance(300)
        assert venue.get("ping").status == 200


def test_the_second_check_refuses_what_took_too_long_and_counts_it(connect: Callable[..., Caller]) -> None:
    """In time at arrival, too old before the engine: -1021, no order, yet the count of orders has grown."""
    with Simulator(seed=1, faults=Faults(plan={"delayed": {"at": [1, 2], "ms": 3000}})) as sim:
        venue = connect(sim)
        late = venue.order(price="9000000", quantity="0.001", recvWindow=2999)
        assert late.error == (400, -1021, "Timestamp for this request is outside of the recvWindow.")
        assert sim.orders() == []
        in_time = venue.order(price="9000000", quantity="0.001", recvWindow=3000)
        assert (in_time.status, in_time.headers["X-MBX-ORDER-COUNT-10S"]) == (200, "2")


def test_accounts_of_a_file_may_have_public_keys(tmp_path: Path, signers: dict[str, tuple[str, Sign]]) -> None:
    """The PEM text stands in the accounts file; the secret may be left out."""
    from autotrader.simulator import read_accounts

    file = tmp_path / "accounts.json"
    file.write_text(json.dumps({"accounts": [{"name": "main", "public_key": signers["Ed25519"][0]}]}))
    assert read_accounts(file)[0].public_key == signers["Ed25519"][0]
