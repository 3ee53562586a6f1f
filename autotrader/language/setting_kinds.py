"""What a key of the account file may hold: one class a kind, which reads its text, shows its value, and tightens it.

A field of `Settings` carries a `Key` with one of these. The reader of the file, the environment, `config show`, the
dump, the text of `init` and the editor's schema all ask the key, so that a setting is written down once.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from autotrader.language import tree
from autotrader.language.expression import Scope, parse_duration_ms, parse_literal
from autotrader.language.meant import OFFLINE
from autotrader.language.nodes import origin_of
from autotrader.language.problems import Problem
from autotrader.language.written import faulty, text_of, whole_of, wrong
from autotrader.market.exchanges import DEFAULT_ADDRESS, EXCHANGES
from autotrader.money import plain
from autotrader.structs import dataclass
from autotrader.times import read_zone, span_text

ONLY_TIGHTER = "the environment may only tighten"
_ASSET = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)
# The shape only: the client knows the venue's hosts one by one and refuses all others.
_LOOPBACK = re.compile(r"http://(127(?:\.[0-9]{1,3}){3}|localhost|\[::1\])(:[0-9]{1,5})?/?")
_DOMAINS = "|".join(re.escape(domain) for one in EXCHANGES.values() for domain in one.domains)
_VENUE = re.compile(rf"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.({_DOMAINS})/?")
_SCOPE = Scope(symbol="", instruments=OFFLINE)

Notes = list[Problem]  # what is odd but no mistake: kept beside the value


class SettingKind:
    """A kind of setting. This one leaves the reading to pydantic, and shows a value as it is."""

    def core(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """How pydantic reads the field."""
        return handler(source)

    def schema(self) -> dict[str, Any] | None:
        """The JSON schema of what is written; None: pydantic knows it."""
        return None

    def shown(self, value: Any) -> Any:
        """The value as plain data, numbers with their unit."""
        return list(value) if isinstance(value, tuple) else value

    def tightened(self, name: str, now: Any, text: str, asset: str) -> Any:
        """The value that the environment asks for. Raises PydanticCustomError where it would loosen."""
        raise NotImplementedError


class TextKind(SettingKind):
    """A kind that reads its own text."""

    def core(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """By `read`; the validation context holds the notes."""
        return core_schema.with_info_plain_validator_function(lambda value, info: self.read(value, info.context))

    def schema(self) -> dict[str, Any]:
        """A text."""
        return {"type": "string"}

    def read(self, value: object, notes: Notes) -> Any:
        """The value of what is written. Raises pydantic's error of a known kind, or one with our code."""
        raise NotImplementedError


def _kept(outcome: tuple[Any, tuple[Problem, ...]], notes: Notes) -> Any:
    value, found = outcome
    if value is None or any(each.severity == "error" for each in found):
        raise faulty(found)
    notes.extend(found)
    return value


def _no_looser(name: str, now: Decimal | None, wanted: Decimal) -> Decimal:
    if now is not None and wanted > now:
        raise wrong("AT510", f"`{name}` would be loosened from {plain(now)} to {plain(wanted)}", ONLY_TIGHTER)
    return wanted


@dataclass(frozen=True, slots=True)
class Mode(SettingKind):
    """Dry-run or live: the environment may only take live away."""

    def tightened(self, name: str, now: Any, text: str, asset: str) -> str:
        """`dry_run`, or the `live` that the file says already."""
        if text not in {"dry_run", "live"}:
            raise wrong("AT510", f"`{text}` is not a mode", "write dry_run")
        if text == "live" and now != "live":
            hint = "live needs `mode: live` in the account file"
            raise wrong("AT510", "the environment cannot make dry-run live", hint)
        return text


@dataclass(frozen=True, slots=True)
class Duration(TextKind):
    """A duration in milliseconds within bounds."""

    least_ms: int
    most_ms: int

    def read(self, value: object, notes: Notes) -> int:
        """`5s`, `1h30m`."""
        text = text_of(value)
        found: int = _kept(parse_duration_ms(text, origin_of(text)), notes)
        if not self.least_ms <= found <= self.most_ms:
            hint = f"write {self.least_ms}ms to {self.most_ms // 1000}s"
            raise wrong("AT504", f"`{text}` is out of range", hint)
        return found

    def shown(self, value: int) -> str:
        """With nothing left out."""
        return span_text(value)


@dataclass(frozen=True, slots=True)
class Percent(TextKind):
    """Percent points above 0, at most `most`; less is stricter."""

    most: int

    def read(self, value: object, notes: Notes) -> Decimal:
        """`3%`."""
        text = text_of(value)
        found: Decimal = _literal(text, tree.Kind.PERCENT, notes).value
        if not 0 < found <= self.most:
            raise wrong("AT504", f"`{text}` is out of range", f"write more than 0% and at most {self.most}%")
        return found

    def shown(self, value: Decimal | None) -> str | None:
        """`3%`."""
        return None if value is None else f"{plain(value)}%"

    def tightened(self, name: str, now: Any, text: str, asset: str) -> Decimal:
        """Not above what is in force."""
        return _no_looser(name, now, self.read(text, []))  # within the bounds of the file, too


@dataclass(frozen=True, slots=True)
class Amounts(TextKind):
    """Amounts by asset, written as a mapping: `{JPY: 5_000 JPY}`, or where it is `single` as one amount.

    Less is stricter, or for what must be kept `more`.
    """

    single: bool = False
    more: bool = False

    def core(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A mapping is walked by pydantic, so that what is wrong in several amounts is said at once."""
        if self.single:
            return TextKind.core(self, source, handler)
        # the text stays beside its value: which asset it stands under is only known a step above
        one = core_schema.with_info_plain_validator_function(
            lambda value, info: (value, self.read(value, info.context))
        )
        asset = core_schema.no_info_plain_validator_function(_asset)
        return core_schema.no_info_after_validator_function(_by_asset, core_schema.dict_schema(asset, one))

    def schema(self) -> dict[str, Any]:
        """One text, or a text for each asset."""
        one = TextKind.schema(self)
        return one if self.single else {"type": "object", "additionalProperties": one}

    def read(self, value: object, notes: Notes) -> dict[str, Decimal]:
        """`30_000 JPY` as {asset: value}."""
        text = text_of(value)
        found = _literal(text, tree.Kind.AMOUNT, notes)
        if found.value < 0:
            raise wrong("AT504", f"`{text}` is below 0")
        return {found.unit.asset: found.value}

    def shown(self, value: Mapping[str, Decimal]) -> dict[str, str]:
        """Each with its asset, exact."""
        return {asset: f"{plain(amount)} {asset}" for asset, amount in value.items()}

    def tightened(self, name: str, now: Any, text: str, asset: str) -> dict[str, Decimal]:
        """The same with one amount: `SPEND_PER_DAY=10_000 JPY`, `HOLDING__BTC=0.01 BTC`."""
        ((found, value),) = self.read(text, []).items()
        if asset and asset != found:
            raise wrong("AT510", f"`{text}` is not an amount of {asset}")
        if not self.more:
            _no_looser(name, now.get(found), value)
        elif found in now and value < now[found]:
            raise wrong("AT510", f"`{name}` would be loosened", ONLY_TIGHTER)
        return {**now, found: value}


def _by_asset(found: dict[str, tuple[str, dict[str, Decimal]]]) -> dict[str, Decimal]:
    """One mapping of the amounts; each stands under its own asset."""
    result: dict[str, Decimal] = {}
    for key, (text, amount) in found.items():
        ((asset, value),) = amount.items()
        if asset != key:
            hint = f"write an amount of {key}, or the key `{asset}`"
            raise wrong("AT504", f"`{text}` stands under `{key}`", hint, key=key, drop=[key], at_key=False)
        result[key] = value
    return result


def _asset(key: str) -> str:
    if not _ASSET.fullmatch(key):
        hint = "assets are written like `JPY` and `BTC`"
        raise wrong("AT504", f"`{key}` is not an asset", hint, at_key=False)
    return key


@dataclass(frozen=True, slots=True)
class Count(TextKind):
    """A whole number above 0, of what `noun` says if it must be written; less is stricter."""

    noun: str = ""

    def schema(self) -> dict[str, Any]:
        """A number, or a text where a noun belongs to it."""
        return {"type": "string" if self.noun else "integer"}

    def read(self, value: object, notes: Notes) -> int:
        """`10`, or `5 refusals`."""
        if not self.noun:
            number = whole_of(value)
            if number < 1:
                hint = "write at least 1; to stop trading use `autotrader halt`"
                raise wrong("AT504", f"`{number}` is below 1", hint)
            return number
        text = text_of(value)
        found = re.fullmatch(rf"([1-9][0-9]{{0,3}})\s+{self.noun}s?", text, re.ASCII)
        if not found:
            raise wrong("AT504", f"`{text}` is not allowed here", f"write `5 {self.noun}s`")
        return int(found[1])

    def tightened(self, name: str, now: Any, text: str, asset: str) -> int:
        """Not above what is in force; the noun may be left out."""
        number = text.removesuffix("refusals").strip()  # a variable's name has said what is counted
        if not (number.isascii() and number.isdigit() and 0 < int(number) < 10_000):
            raise wrong("AT510", f"`{text}` is not a whole number above 0")
        _no_looser(name, None if now is None else Decimal(now), Decimal(number))
        return int(number)


@dataclass(frozen=True, slots=True)
class Zone(TextKind):
    """A time zone as an IANA name; JST and UTC are understood."""

    def read(self, value: object, notes: Notes) -> str:
        """`Asia/Tokyo`."""
        text = text_of(value)
        try:
            return read_zone(str(text))
        except ValueError:
            hint = "write JST, UTC or an IANA name such as Asia/Tokyo"
            raise wrong("AT505", f"`{text}` is not a time zone", hint) from None


@dataclass(frozen=True, slots=True)
class VenueUrl(TextKind):
    """The exchange's address: this machine, or the venue; "" is the venue's default host."""

    def read(self, value: object, notes: Notes) -> str:
        """`http://127.0.0.1:8080`."""
        text = text_of(value)
        if _LOOPBACK.fullmatch(text) or _VENUE.fullmatch(text):
            return text.rstrip("/")
        hint = "write http://127.0.0.1:PORT, or one of the venue's hosts such as " + DEFAULT_ADDRESS
        raise wrong("AT507", f"`{text[:80]}` is not an address of the exchange", hint)

    def shown(self, value: str) -> str | None:
        """None for the default host."""
        return value or None


@dataclass(frozen=True, slots=True)
class Made(SettingKind):
    """A value made of a written form of another shape: pydantic reads `form`, `make` turns it into the value."""

    form: Any
    make: Callable[[Any], Any]
    show: Callable[[Any], Any]

    def core(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The form, then the value."""
        return core_schema.no_info_after_validator_function(self.make, handler.generate_schema(self.form))

    def shown(self, value: Any) -> Any:
        """As `show` says."""
        return self.show(value)


def _literal(text: str, kind: tree.Kind, notes: Notes) -> tree.Literal:
    found: tree.Literal = _kept(parse_literal(text, origin_of(text), frozenset({kind}), _SCOPE), notes)
    return found


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the account file: its kind and purpose, whether live needs it, whether the environment may tighten it.

    `init` is what `autotrader init` writes for it, with `note` behind it; `unset` is what holds where nothing is
    written, for `config show`; what is not `dumped` is left out of the loaded plan's data.
    """

    about: str = ""
    kind: SettingKind = SettingKind()
    live: bool = False
    environment: bool = False
    init: str = ""
    note: str = ""
    unset: str = ""
    dumped: bool = True

    @property
    def form(self) -> Any:
        """The written form, where the value has another shape; else None."""
        return getattr(self.kind, "form", None)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """How pydantic reads the field: asked only when a file is read."""
        return self.kind.core(source, handler)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """For editors, with the purpose."""
        own = self.kind.schema()
        made = handler(schema) if own is None else own
        return {**made, "description": self.about} if self.about else made
