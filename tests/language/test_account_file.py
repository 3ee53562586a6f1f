"""The account file, and the environment over it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from autotrader.language.account_file import load_settings
from autotrader.language.settings import Channel, Settings

FULL = """\
version: 1
mode: live
timezone: Asia/Tokyo
exchange: {name: binance, recv_window: 5s, base_url: "http://127.0.0.1:8080"}
symbols: [BTCJPY, ETHJPY, BNBJPY]
max_slippage: 0.5%
paper: {JPY: 100_000 JPY, BTC: 0 BTC}
limits:
  spend_per_day: 30_000 JPY
  loss_per_day: 5_000 JPY
  keep_free: {JPY: 5_000 JPY}
  halt_after: 5 refusals
  open_orders: 10
  orders_per_hour: 20
  holding: {BTC: 0.05 BTC, ETH: 0.5 ETH}
  price_band: 3%
  request_weight: 30%
notify:
  default: phone
  phone: {url_env: AUTOTRADER_NOTIFY_URL}
  desk: stdout
heartbeat: {url_env: HEARTBEAT_URL}
include: [rules/*.yaml]
"""


def settings_of(text: str, environment: dict[str, str] | None = None) -> Settings:
    """The settings of a file that must load."""
    settings, problems = load_settings("autotrader.yaml", text, environment)
    assert settings is not None, [each.message for each in problems]
    return settings


def test_every_key_arrives() -> None:
    """The specification's file, with all keys."""
    settings = settings_of(FULL)
    limits = settings.limits
    assert ("live", 5_000, "http://127.0.0.1:8080", Decimal("0.5")) == (
        settings.mode, settings.exchange.recv_window_ms, settings.exchange.base_url, settings.max_slippage,
    )  # fmt: skip
    assert {"BTC": Decimal("0.05"), "ETH": Decimal("0.5")} == limits.holding
    assert (5, 10, 20, Decimal(3), Decimal(30)) == (
        limits.halt_after, limits.open_orders, limits.orders_per_hour, limits.price_band, limits.request_weight,
    )  # fmt: skip
    assert {
        "phone": Channel("phone", "url", "AUTOTRADER_NOTIFY_URL"),
        "desk": Channel("desk", "stdout"),
    } == settings.notify.named
    assert (settings.notify.default, settings.heartbeat_env) == ("phone", "HEARTBEAT_URL")


def test_defaults_are_safe() -> None:
    """Nothing but a version means dry-run."""
    settings = settings_of("version: 1\n")
    assert ("dry_run", "stdout", Decimal(30)) == (
        settings.mode,
        settings.notify.default,
        settings.limits.request_weight,
    )


@pytest.mark.parametrize(("text", "code", "line", "column"), [
    ("version: 1\nmodes: live\n", "AT501", 2, 1),
    ("version: 1\nmode: Live\n", "AT504", 2, 7),
    ("version: 1\nmode: live\n", "AT506", 2, 7),
    ("version: 1\ntimezone: Tokyo\n", "AT505", 2, 11),
    ("version: 1\nsymbols: [btcjpy]\n", "AT509", 2, 11),
    ("version: 1\nsymbols: [BTCJPY, BTCJPY]\n", "AT509", 2, 19),
    ("version: 1\nexchange: {base_url: 'https://evil.example/'}\n", "AT507", 2, 22),
    ("version: 1\nexchange: {base_url: 'http://api.binance.com'}\n", "AT507", 2, 22),
    ("version: 1\nexchange: {base_url: 'https://x@api.binance.com'}\n", "AT507", 2, 22),
    ("version: 1\nexchange: {secret: abc}\n", "AT508", 2, 20),
    ("version: 1\nnotify: {phone: {url: 'tgram://token'}}\n", "AT508", 2, 23),
    ("version: 1\nnotify: {default: phone}\n", "AT504", 2, 19),
    ("version: 1\nlimits: {spend_per_day: 5%}\n", "AT121", 2, 25),
    ("version: 1\nlimits: {keep_free: {JPY: 5 BTC}}\n", "AT504", 2, 27),
    ("version: 1\nlimits: {halt_after: 5}\n", "AT504", 2, 22),
    ("version: 1\nlimits: {open_orders: 0}\n", "AT504", 2, 23),
    ("version: 1\nlimits: {request_weight: 130%}\n", "AT504", 2, 26),
    ("version: 1\ncandle_timezone: Asia/Tokyo\n", "AT434", 2, 1),
    ("version: 3\n", "AT519", 1, 10),
    ("", "AT013", 1, 1),
])  # fmt: skip
def test_mistakes_stand_at_their_place(text: str, code: str, line: int, column: int) -> None:
    """Every mistake has a code, a line and a column, and no settings come of it."""
    settings, problems = load_settings("autotrader.yaml", text)
    assert settings is None
    assert (code, line, column) == (problems[0].code, problems[0].place.line, problems[0].place.column), problems
    assert len(problems) == 1 or code == "AT508"


def test_secrets_are_not_repeated_in_messages() -> None:
    """What was refused as a secret appears in no message."""
    _, problems = load_settings("a", "version: 1\nexchange: {api_secret: s3cr3tvalue}\n")
    assert all("s3cr3tvalue" not in each.message + each.hint for each in problems)


@pytest.mark.parametrize(("name", "value", "check"), [
    ("MODE", "dry_run", lambda settings: settings.mode == "dry_run"),
    ("LIMITS__SPEND_PER_DAY", "10_000 JPY", lambda settings: settings.limits.spend_per_day == {"JPY": Decimal(10_000)}),
    ("LIMITS__KEEP_FREE__JPY", "9_000 JPY", lambda settings: settings.limits.keep_free == {"JPY": Decimal(9_000)}),
    ("LIMITS__HALT_AFTER", "2 refusals", lambda settings: settings.limits.halt_after == 2),
    ("LIMITS__PRICE_BAND", "1%", lambda settings: settings.limits.price_band == 1),
    ("MAX_SLIPPAGE", "0.1%", lambda settings: settings.max_slippage == Decimal("0.1")),
])  # fmt: skip
def test_the_environment_may_tighten(name: str, value: str, check: object) -> None:
    """A stricter value is taken."""
    assert callable(check)
    assert check(settings_of(FULL, {f"AUTOTRADER__{name}": value, "AUTOTRADER_API_KEY": "x"}))


@pytest.mark.parametrize(("name", "value"), [
    ("LIMITS__SPEND_PER_DAY", "40_000 JPY"),
    ("LIMITS__KEEP_FREE__JPY", "1 JPY"),
    ("LIMITS__OPEN_ORDERS", "11"),
    ("LIMITS__OPEN_ORDERS", "0"),
    ("LIMITS__PRICE_BAND", "4%"),
    ("LIMITS__HOLDING__BTC", "1 BTC"),
    ("LIMITS__HOLDING__BTC", "1 ETH"),
    ("MAX_SLIPPAGE", "5%"),
    ("MODE", "fast"),
    ("LIMITZ__PRICE_BAND", "1%"),
    ("EXCHANGE__BASE_URL", "https://evil.example"),
])  # fmt: skip
def test_the_environment_never_loosens(name: str, value: str) -> None:
    """A looser value, or one that cannot be read, stops the command instead of being ignored."""
    settings, problems = load_settings("a", FULL, {f"AUTOTRADER__{name}": value})
    assert settings is None
    assert [each.code for each in problems] == ["AT510"]


def test_an_empty_variable_is_named_and_removes_no_limit() -> None:
    """A variable without a value is a mistake of the environment, and the help speaks of the variable."""
    settings, problems = load_settings("a", FULL, {"AUTOTRADER__LIMITS__SPEND_PER_DAY": " "})
    assert settings is None
    assert [(each.code, each.message, each.hint) for each in problems] == [
        ("AT510", "the variable is empty", "give it a value, or unset it")
    ]


def test_the_environment_cannot_make_it_live() -> None:
    """Dry-run in the file stays dry-run."""
    settings, problems = load_settings("a", "version: 1\n", {"AUTOTRADER__MODE": "live"})
    assert settings is None
    assert [each.code for each in problems] == ["AT510"]


def test_a_limit_that_cannot_be_read_is_not_called_missing_too() -> None:
    """One mistake is one problem: only what is not written is missing in live."""
    written = "version: 1\nmode: live\nlimits: {open_orders: x, price_band: [3%], spend_per_day: 5}\n"
    _, problems = load_settings("a", written)
    said = next(each.message for each in problems if each.code == "AT506")
    assert not [name for name in ("open_orders", "price_band", "spend_per_day") if name in said]
    assert "keep_free" in said


def test_the_environment_keeps_to_the_bounds_of_the_file() -> None:
    """A percentage that the file could not hold is none that a variable may set."""
    _, problems = load_settings("a", FULL, {"AUTOTRADER__LIMITS__PRICE_BAND": "0%"})
    assert [(each.code, each.message) for each in problems] == [("AT510", "`0%` is out of range")]


def test_a_key_in_the_wrong_place_hides_no_other_mistake() -> None:
    """What stands in for something wrong elsewhere never keeps a key that has no place here."""
    _, problems = load_settings("a", "version: 1\nlimits: {symbols: [BTCJPY]}\ntimezone: Mars\n")
    assert [(each.code, each.place.line) for each in problems] == [("AT501", 2), ("AT505", 3)]
