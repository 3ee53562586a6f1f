"""`Settings`: the account file, each setting written down once, as a field whose `Key` says all there is about it.

The file is read straight into these classes (`account_file`); nothing stands between its text and a field. A new
setting is a field here; a limit also needs its class in `engine.limits`. Limits live here and only here.

Dataclasses, read by pydantic: made in code they cost nothing and are not checked again, and no schema is built before
the first file is read.
"""

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from autotrader.language.setting_kinds import (
    Amounts,
    Count,
    Duration,
    Key,
    Made,
    Mode,
    Percent,
    VenueUrl,
    Zone,
)
from autotrader.language.written import (
    Name,
    PlainText,
    Refusal,
    SymbolName,
    Text,
    Version,
    mapping_or_text,
    not_yet,
    wrong,
)
from autotrader.market.exchanges import DEFAULT, EXCHANGES, ExchangeName
from autotrader.structs import dataclass
from autotrader.times import DAY_MS, TOKYO

Money: TypeAlias = Mapping[str, Decimal]  # by asset
STRICT = ConfigDict(extra="forbid")
STANDARD_CHANNELS = frozenset({"stdout", "log"})

_KEY_HINT = "set AUTOTRADER_API_KEY and AUTOTRADER_API_SECRET_FILE in the environment"
_URL_HINT = "write `url_env: NAME` and put the address into that environment variable"
_API_KEY = Refusal("AT508", "an API key never stands in this file", _KEY_HINT)
_API_SECRET = Refusal("AT508", "an API secret never stands in this file", _KEY_HINT)
_URL = Refusal("AT508", "an address (it holds a token) never stands in this file", _URL_HINT)
# Live refuses an account file that lacks one of these: a limit that one may do without is a `Key(environment=True)`.
_limit = partial(Key, live=True, environment=True)
_SECRETS = {"api_key": _API_KEY, "api_secret": _API_SECRET}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSettings:
    """Where orders go. `base_url` "" is the venue's default host."""

    __pydantic_config__ = STRICT
    refused: ClassVar[Mapping[str, Refusal]] = {"key": _API_KEY, "secret": _API_SECRET, **_SECRETS}

    name: Annotated[ExchangeName, Key()] = DEFAULT
    base_url: Annotated[
        str, Key("http on this machine, or one of the venue's https hosts", VenueUrl(), unset="the venue's own")
    ] = ""
    recv_window_ms: Annotated[
        int, Key("how long a signed request stays valid: `5s`", Duration(100, 60_000)), Field(alias="recv_window")
    ] = 5_000

    @property
    def address(self) -> str:
        """Where requests go."""
        return self.base_url or EXCHANGES[self.name].address


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What no rule can pass; what is not set is not allowed in live. Amounts by asset, percentages in points."""

    __pydantic_config__ = STRICT

    spend_per_day: Annotated[
        Money, _limit("the most that buys may spend in a day: `30_000 JPY`", Amounts(single=True), init="10_000 JPY")
    ] = field(default_factory=dict)
    loss_per_day: Annotated[
        Money, _limit("trading halts below this: `5_000 JPY`", Amounts(single=True), init="3_000 JPY")
    ] = field(default_factory=dict)
    keep_free: Annotated[
        Money, _limit("what no order may touch: `{JPY: 5_000 JPY}`", Amounts(more=True), init="{JPY: 5_000 JPY}")
    ] = field(default_factory=dict)
    halt_after: Annotated[
        int | None, _limit("`5 refusals` in a row", Count("refusal"), init="5 refusals", note="in a row")
    ] = None
    open_orders: Annotated[
        int | None, _limit("open at the same time", Count(), init="5")
    ] = None  # fmt: skip
    orders_per_hour: Annotated[int | None, _limit(kind=Count(), init="10")] = None
    holding: Annotated[
        Money, _limit("the most that may be held: `{BTC: 0.05 BTC}`", Amounts(), init="{BTC: 0.01 BTC}")
    ] = field(default_factory=dict)
    price_band: Annotated[
        Decimal | None,
        _limit(
            "refuse orders further through the market than this: `3%`", Percent(50), init="3%",
            note="refuse an order further than this through the market",
        ),
    ] = None  # fmt: skip
    # Not asked for in live: it has a default, and spares the venue rather than the money.
    request_weight: Annotated[
        Decimal,
        Key(
            "share of the exchange's request weight: `30%`", Percent(100), environment=True, init="30%",
            note="share of the exchange's request weight",
        ),
    ] = Decimal(30)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address outside, by the environment variable that holds it: `{url_env: NAME}`."""

    __pydantic_config__ = STRICT
    refused: ClassVar[Mapping[str, Refusal]] = {"url": _URL}

    url_env: Name


@dataclass(frozen=True, slots=True)
class Channel:
    """A named address of notifications: "stdout", "log", or an environment variable that holds an apprise URL."""

    name: str
    target: Literal["stdout", "log", "url"]
    url_env: str = ""


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels by name, and the one that `default` means."""

    default: str = "stdout"
    named: Mapping[str, Channel] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Every name that a notice may be sent to."""
        return sorted({*STANDARD_CHANNELS, *self.named})


_Written = Annotated[
    Annotated[Text, Tag("«text»")] | Annotated[Address, Tag("«mapping»")], Discriminator(mapping_or_text)
]


def _channels(written: dict[str, str | Address]) -> Channels:
    # One mistake at a time is told by its name and dropped, so that the other channels are still known to `default`.
    channels: dict[str, Channel] = {}
    for name, address in written.items():
        if name == "default":
            if isinstance(address, Address):
                raise _entry("AT503", name, "`default` names a channel", "write `default: phone`")
        elif isinstance(address, Address):
            channels[name] = Channel(name, "url", address.url_env)
        elif address in STANDARD_CHANNELS:
            channels[name] = Channel(name, "stdout" if address == "stdout" else "log")
        else:
            raise _entry("AT504", name, "a channel is `stdout`, `log` or `{url_env: NAME}`", _URL_HINT)
    return Channels(str(written.get("default", "stdout")), channels)


def _entry(code: str, name: str, message: str, hint: str) -> PydanticCustomError:
    return wrong(code, message, hint, key=name, drop=[name], at_key=False)


def _channels_shown(notify: Channels) -> dict[str, Any]:
    return {"default": notify.default, "channels": sorted(notify.named)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """The channel that is told the head of the audit chain: at start, at stop, and every `every_ms`."""

    __pydantic_config__ = STRICT

    to: Name
    every_ms: Annotated[
        int, Key("how often, beside start and stop (default `1d`)", Duration(60_000, 30 * DAY_MS)), Field(alias="every")
    ] = DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The account file, checked, with defaults filled in. `file` is where it was read from: no key of it."""

    __pydantic_config__ = STRICT
    refused: ClassVar[Mapping[str, Refusal]] = {**_SECRETS, "candle_timezone": not_yet("AT434", "`candle_timezone`")}

    file: str
    mode: Annotated[
        Literal["dry_run", "live"],
        Key(
            "live also needs --live on the command line", Mode(), environment=True, init="dry_run",
            note="nothing is placed; live also needs --live and a confirmation",
        ),
    ] = "dry_run"  # fmt: skip
    timezone: Annotated[
        str,
        Key(
            "days, weeks and months of the account: an IANA name", Zone(), init=TOKYO,
            note="days, weeks and months of the limits",
        ),
    ] = TOKYO  # fmt: skip
    exchange: Annotated[ExchangeSettings, Key(init=f"{{name: {DEFAULT}, recv_window: 5s}}")] = field(
        default_factory=ExchangeSettings
    )
    symbols: Annotated[
        tuple[SymbolName, ...],
        Key("what may be traded; empty: whatever the rules name", init="[BTCJPY]", note="nothing else is traded"),
    ] = ()
    max_slippage: Annotated[
        Decimal,
        Key(
            "for `price: market` (default `0.5%`)", Percent(10), environment=True, init="0.5%",
            note="for `price: market`",
        ),
    ] = Decimal("0.5")  # fmt: skip
    paper: Annotated[
        Money,
        Key(
            "balances of dry-run: `{JPY: 100_000 JPY}`", Amounts(), init="{JPY: 100_000 JPY}",
            note="what dry-run begins with",
        ),
    ] = field(default_factory=dict)  # fmt: skip
    limits: Annotated[Limits, Key(note="no rule can pass these; live needs them all")] = field(default_factory=Limits)
    notify: Annotated[
        Channels,
        Key(
            "`default:` names a channel; the others are channels",
            Made(dict[Name, _Written], _channels, _channels_shown),
            init="\n  default: stdout"
            "\n  # phone: {url_env: AUTOTRADER_NOTIFY_URL}   # an address of the apprise kind, in the environment",
        ),
    ] = field(default_factory=Channels)
    heartbeat: Annotated[
        Address | None, Key("an address that is called after each good cycle", dumped=False)
    ] = None  # fmt: skip
    witness: Annotated[Witness | None, Key("who is told the head of the audit chain", dumped=False)] = None
    include: Annotated[
        tuple[PlainText, ...], Key("rule files, from the folder of this file", init="[rules/*.yaml]")
    ] = ("rules/*.yaml",)

    @property
    def heartbeat_env(self) -> str:
        """The variable that holds the heartbeat's address, or ""."""
        return "" if self.heartbeat is None else self.heartbeat.url_env


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFile(Settings):
    """`Settings` as they stand in a file, with the version of its format."""

    version: Version = field(repr=False)
    # A key that nobody can write (`yaml_traps` refuses its characters): `file` is not one of the file's keys.
    file: Annotated[str, Field(alias="«file»", json_schema_extra={"not_yet": True})] = ""
