"""The account file: its written form, and the `Settings` made of it.

Limits live here and only here. The environment (`AUTOTRADER__LIMITS__OPEN_ORDERS=5`) may tighten mode and limits,
never loosen them. Secrets never stand in this file: keys that look like one are refused by name.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Discriminator, Field, Tag

from autotrader.language.account_environment import tightened
from autotrader.language.account_texts import Reader
from autotrader.language.plan import Channel, Limits, Settings
from autotrader.language.problems import Problem
from autotrader.language.render import in_order
from autotrader.language.rule_file import Version
from autotrader.language.written import Name, SymbolName, Text, Whole, Written, check, not_yet, wrong
from autotrader.language.yaml_text import read_document
from autotrader.times import DAY_MS

LIMIT_KEYS = (
    "spend_per_day",
    "loss_per_day",
    "keep_free",
    "halt_after",
    "open_orders",
    "orders_per_hour",
    "holding",
    "price_band",
)


def _secret(what: str, hint: str) -> Any:
    def refuse(_: object) -> object:
        raise wrong("AT508", f"{what} never stands in this file", hint=hint)

    return Annotated[Any, BeforeValidator(refuse), Field(json_schema_extra={"not_yet": True})]


_KEY_HINT = "set AUTOTRADER_API_KEY and AUTOTRADER_API_SECRET_FILE in the environment"
_URL_HINT = "write `url_env: NAME` and put the address into that environment variable"


class WrittenExchange(Written):
    """`exchange: {...}`."""

    name: Literal["binance"] = "binance"
    base_url: Text | None = Field(None, description="http on this machine, or one of the venue's https hosts")
    recv_window: Text | None = Field(None, description="how long a signed request stays valid: `5s`")
    key: _secret("an API key", _KEY_HINT) = None  # type: ignore[valid-type]
    secret: _secret("an API secret", _KEY_HINT) = None  # type: ignore[valid-type]
    api_key: _secret("an API key", _KEY_HINT) = None  # type: ignore[valid-type]
    api_secret: _secret("an API secret", _KEY_HINT) = None  # type: ignore[valid-type]


class WrittenLimits(Written):
    """`limits: {...}`: what no rule can pass. Live needs them all."""

    spend_per_day: Text | None = Field(None, description="the most that buys may spend in a day: `30_000 JPY`")
    loss_per_day: Text | None = Field(None, description="trading halts below this: `5_000 JPY`")
    keep_free: dict[str, Text] | None = Field(None, description="what no order may touch: `{JPY: 5_000 JPY}`")
    halt_after: Text | None = Field(None, description="`5 refusals` in a row")
    open_orders: Whole | None = Field(None, description="open at the same time")
    orders_per_hour: Whole | None = None
    holding: dict[str, Text] | None = Field(None, description="the most that may be held: `{BTC: 0.05 BTC}`")
    price_band: Text | None = Field(None, description="refuse orders further through the market than this: `3%`")
    request_weight: Text | None = Field(None, description="share of the exchange's request weight: `30%`")


class WrittenChannel(Written):
    """`phone: {url_env: NAME}`: an address of notifications, by the environment variable that holds it."""

    url_env: Name
    url: _secret("an address (it holds a token)", _URL_HINT) = None  # type: ignore[valid-type]


class WrittenHeartbeat(Written):
    """`heartbeat: {url_env: NAME}`: an address that is called after each good cycle."""

    url_env: Name
    url: _secret("an address (it holds a token)", _URL_HINT) = None  # type: ignore[valid-type]


class WrittenWitness(Written):
    """`witness: {to: phone, every: 1d}`: the channel that is told the head of the audit chain."""

    to: Name
    every: Text | None = Field(None, description="how often, beside start and stop (default `1d`)")


def _form(value: object) -> str:
    return "«text»" if isinstance(value, str) else "«mapping»"


_Address = Annotated[Annotated[Text, Tag("«text»")] | Annotated[WrittenChannel, Tag("«mapping»")], Discriminator(_form)]


class WrittenAccount(Written):
    """A whole account file."""

    version: Version
    mode: Literal["dry_run", "live"] = Field("dry_run", description="live also needs --live on the command line")
    timezone: Text = Field("Asia/Tokyo", description="days, weeks and months of the account: an IANA name")
    exchange: WrittenExchange = Field(default_factory=WrittenExchange)
    symbols: list[SymbolName] = Field([], description="what may be traded; empty: whatever the rules name")
    max_slippage: Text | None = Field(None, description="for `price: market` (default `0.5%`)")
    paper: dict[str, Text] | None = Field(None, description="balances of dry-run: `{JPY: 100_000 JPY}`")
    limits: WrittenLimits = Field(default_factory=WrittenLimits)
    notify: dict[Name, _Address] = Field({}, description="`default:` names a channel; the others are channels")
    heartbeat: WrittenHeartbeat | None = None
    witness: WrittenWitness | None = None
    include: list[Text] = Field(["rules/*.yaml"], description="rule files, from the folder of this file")
    candle_timezone: not_yet("AT434", "`candle_timezone`") = None  # type: ignore[valid-type]
    api_key: _secret("an API key", _KEY_HINT) = None  # type: ignore[valid-type]
    api_secret: _secret("an API secret", _KEY_HINT) = None  # type: ignore[valid-type]


def load_settings(
    file: str, content: str | bytes, environment: Mapping[str, str] | None = None
) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The account file as settings (None where it has errors), and all its problems. Never raises for bad text.

    `environment` may tighten: `AUTOTRADER__MODE=dry_run`, `AUTOTRADER__LIMITS__SPEND_PER_DAY=10_000 JPY`.
    """
    document, found = read_document(file, content)
    checked = check(WrittenAccount, document)
    problems = [*found, *(replace(each, code=each.code.replace("AT2", "AT5")) for each in checked.problems)]
    settings: Settings | None = None
    if checked.model is not None:
        reader = Reader(document, checked, problems)
        settings = _settings(reader, checked.model)
    if settings is not None and environment:
        settings, more = tightened(settings, environment)
        problems += more
    failed = any(each.severity == "error" for each in problems)
    return (None if failed else settings), in_order(problems)


def _settings(reader: Reader, written: WrittenAccount) -> Settings:
    exchange, paper = written.exchange, written.paper or {}
    channels, default = _channels(reader, written)
    if written.mode == "live":
        _all_limits(reader, written.limits)
    recv_window = reader.duration(("exchange", "recv_window"), exchange.recv_window, 100, 60_000)
    slippage = reader.percent(("max_slippage",), written.max_slippage, Decimal(10))
    witness, every = _witness(reader, written, channels)
    return Settings(
        file=reader.document.file, mode=written.mode, timezone=reader.zone(("timezone",), written.timezone),
        exchange=exchange.name, base_url=reader.base_url(("exchange", "base_url"), exchange.base_url),
        recv_window_ms=5_000 if recv_window is None else recv_window, symbols=_symbols(reader, written),
        max_slippage=Decimal("0.5") if slippage is None else slippage, paper=reader.amounts(("paper",), paper),
        limits=_limits(reader, written.limits), channels=channels, default_channel=default,
        heartbeat_env=written.heartbeat.url_env if written.heartbeat else "", include=tuple(written.include),
        witness_channel=witness, witness_ms=every,
    )  # fmt: skip


def _witness(reader: Reader, written: WrittenAccount, channels: Mapping[str, Channel]) -> tuple[str, int]:
    """Which channel is told the audit head, and how often (ms)."""
    if written.witness is None:
        return "", DAY_MS
    name = written.witness.to
    known = {"stdout", "log", *channels}
    if name not in known:
        reader.report("AT504", ("witness", "to"), f"there is no channel `{name}`", f"known: {', '.join(sorted(known))}")
    every = reader.duration(("witness", "every"), written.witness.every, 60_000, 30 * DAY_MS)
    return name, DAY_MS if every is None else every


def _symbols(reader: Reader, written: WrittenAccount) -> tuple[str, ...]:
    for number, symbol in enumerate(written.symbols):
        if symbol in written.symbols[:number]:
            reader.report("AT509", ("symbols", number), f"`{symbol}` stands twice in the list", "remove one")
    return tuple(dict.fromkeys(written.symbols))


def _limits(reader: Reader, written: WrittenLimits) -> Limits:
    base = ("limits",)
    weight = reader.percent((*base, "request_weight"), written.request_weight, Decimal(100))
    return Limits(
        spend_per_day=reader.amount((*base, "spend_per_day"), written.spend_per_day),
        loss_per_day=reader.amount((*base, "loss_per_day"), written.loss_per_day),
        keep_free=reader.amounts((*base, "keep_free"), written.keep_free or {}),
        halt_after=_refusals(reader, written.halt_after),
        open_orders=reader.positive((*base, "open_orders"), written.open_orders),
        orders_per_hour=reader.positive((*base, "orders_per_hour"), written.orders_per_hour),
        holding=reader.amounts((*base, "holding"), written.holding or {}),
        price_band=reader.percent((*base, "price_band"), written.price_band, Decimal(50)),
        request_weight=Decimal(30) if weight is None else weight,
    )  # fmt: skip


def _refusals(reader: Reader, text: str | None) -> int | None:
    if text is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,3})\s+refusals?", text, re.ASCII)
    if not found:
        reader.report("AT504", ("limits", "halt_after"), f"`{text}` is not allowed here", "write `5 refusals`")
        return None
    return int(found[1])


def _all_limits(reader: Reader, written: WrittenLimits) -> None:
    missing = [key for key in LIMIT_KEYS if getattr(written, key) is None]
    if missing:
        reader.report(
            "AT506",
            ("mode",),
            "`mode: live` needs every limit; missing: " + ", ".join(missing),
            "add them below `limits:`, or write `mode: dry_run`",
        )


def _channels(reader: Reader, written: WrittenAccount) -> tuple[dict[str, Channel], str]:
    """The channels by name, and the name of the default one."""
    channels: dict[str, Channel] = {}
    default = "stdout"
    for name, address in written.notify.items():
        path = ("notify", name)
        if name == "default":
            default = address if isinstance(address, str) else default
            if not isinstance(address, str):
                reader.report("AT503", path, "`default` names a channel", "write `default: phone`")
        elif isinstance(address, WrittenChannel):
            channels[name] = Channel(name, "url", address.url_env)
        elif address in {"stdout", "log"}:
            channels[name] = Channel(name, cast("Literal['stdout', 'log']", address))
        else:
            reader.report("AT504", path, "a channel is `stdout`, `log` or `{url_env: NAME}`", _URL_HINT)
    if default not in {"stdout", "log", *channels}:
        reader.report(
            "AT504",
            ("notify", "default"),
            f"there is no channel `{default}`",
            "channels are " + ", ".join(sorted({"stdout", "log", *channels})),
        )
    return channels, default
