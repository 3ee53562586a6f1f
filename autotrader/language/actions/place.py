"""`buy` and `sell`: one limit order, sized and fitted to the instrument."""

# Annotations are not deferred where pydantic reads them: it would evaluate each text, which costs start-up time.
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from autotrader.language import tree
from autotrader.language.actions.action import Action, ActionContext, Effect, Failed, Waits
from autotrader.language.actions.sizing import Exact, MarketPrice, sized
from autotrader.language.compiler import Compiler
from autotrader.language.dump import value_data
from autotrader.language.nodes import Path
from autotrader.language.open_orders import closed, has_unknown_fate
from autotrader.language.readback import value_in_words
from autotrader.language.requests import Dropped, PlaceRequest, Skipped
from autotrader.language.tree import Kind, Value
from autotrader.language.written import Name, Refusal, Text, Written, YesNo, not_yet, wrong
from autotrader.market.instrument import Instrument
from autotrader.market.needs import BalancesNeed, BookNeed, Need
from autotrader.market.sources import Sources
from autotrader.money import plain, times
from autotrader.orders import DecisionKey, OrderRequest, OrderType, Side, TimeInForce, client_order_id
from autotrader.structs import dataclass
from autotrader.times import span_text

MOST_SLIPPAGE = Decimal(10)
AMOUNTS = ("spend", "size", "max_spend", "max_size")


def _post_only(value: object) -> object:
    if value == "shift":
        raise wrong("AT432", "not yet supported: `post_only: shift`", "use `post_only: true`")
    return value


class WrittenPlace(Written):
    """`buy: {...}` or `sell: {...}`: a limit order; the amount is `spend` (quote) or `size` (base)."""

    refused: ClassVar[Mapping[str, Refusal]] = {
        "risk": not_yet("AT428", "`risk`", "use `spend` or `size`"),
        "target": not_yet("AT428", "`target`", "use `spend` or `size`"),
        "min_change": not_yet("AT428", "`min_change`"),
        "bracket": not_yet("AT423", "`bracket`", "write exits as rules of their own"),
        "if_unfilled": not_yet("AT427", "`if_unfilled`", "use `cancel_after`"),
        "reprice": not_yet("AT426", "`reprice`", "use `cancel_after`"),
    }

    spend: Text | None = Field(None, description="amount in the quote asset: `10_000 JPY` or `20% of free(JPY)`")
    size: Text | None = Field(None, description="amount in the base asset: `0.001 BTC` or `50% of holding(BTC)`")
    max_spend: Text | None = Field(None, description="the most that may be spent, in the quote asset")
    max_size: Text | None = Field(None, description="the most that may be traded, in the base asset")
    price: Text = Field(description="a price expression such as `bid - 0.2%`, or `market`")
    max_slippage: Text | None = Field(None, description="with `price: market`: how far past the touch, in percent")
    post_only: Annotated[YesNo, BeforeValidator(_post_only)] = Field(False, description="refuse to trade at once")
    tif: Literal["gtc", "ioc", "fok"] | None = Field(None, description="how long the order stands")
    cancel_after: Text | None = Field(None, description="cancel what is unfilled after this time: `30m`")
    tag: Name = Field("", description="a name by which rules find the order again")

    @model_validator(mode="before")
    @classmethod
    def _amount(cls, data: Any) -> Any:
        """Exactly one of `spend` and `size`; `risk` and `target` are refused on their own."""
        if not isinstance(data, dict):
            return data
        if "spend" in data and "size" in data:
            hint = "keep one of them; a second bound is written `max_spend` or `max_size`"
            raise wrong("AT216", "`spend` and `size` exclude each other", hint, key="size", drop=["size"])
        if not {"spend", "size", "risk", "target"} & set(data):
            hint = "add `spend: 10_000 JPY` or `size: 0.001 BTC`"
            raise wrong("AT216", "the amount is missing", hint, add={"spend": "10_000_000 JPY"})
        if {"risk", "target"} & set(data) and not {"spend", "size"} & set(data):
            return {**data, "spend": "10_000_000 JPY"}
        return data

    @model_validator(mode="after")
    def _together(self) -> Self:
        """Keys that contradict each other."""
        market = self.price == "market"
        if self.post_only and (market or self.tif in {"ioc", "fok"}):
            other = "price: market" if market else f"tif: {self.tif}"
            message = f"`post_only` and `{other}` exclude each other"
            hint = "a post-only order never trades at once, the other only at once"
            raise wrong("AT218", message, hint, key="post_only", drop=["post_only"])
        if market and self.tif == "gtc":
            raise wrong("AT218", "`price: market` is immediate or cancel, never `gtc`", key="tif", drop=["tif"])
        if self.max_slippage is not None and not market:
            raise wrong("AT218", "`max_slippage` belongs to `price: market`", key="max_slippage", drop=["max_slippage"])
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Action):
    """`buy` / `sell`. Exactly one of `spend` (quote) and `size` (base) is set; caps are in the same units."""

    stored = "PlaceOrder side spend size max_spend max_size price post_only tif cancel_after_ms tag"
    written = (
        ("buy", WrittenPlace, ""),
        ("sell", WrittenPlace, ""),
    )
    trades = True

    side: Side
    spend: Value | None = None
    size: Value | None = None
    max_spend: Value | None = None
    max_size: Value | None = None
    price: Value | MarketPrice
    post_only: bool = False
    tif: TimeInForce = TimeInForce.GTC
    cancel_after_ms: int | None = None
    tag: str = ""

    @classmethod
    def compiled(cls, at: Compiler, key: str, written: WrittenPlace, path: Path) -> Self | None:
        """With amounts in the symbol's own assets."""
        instrument = at.scope.instruments[at.scope.symbol]
        amounts = {name: _amount(at, getattr(written, name), _asset(name, instrument)) for name in AMOUNTS}
        price = _price(at, written, instrument)
        cancel_after = at.duration(written.cancel_after)
        # a text without a value was reported; an amount that is not written is none of that
        wrong = any(getattr(written, name) is not None and value is None for name, value in amounts.items())
        if wrong or price is None or (written.cancel_after is not None and cancel_after is None):
            return None
        tif = written.tif or ("ioc" if isinstance(price, MarketPrice) else "gtc")
        order = cls(
            side=Side(key.upper()), price=price, post_only=written.post_only, tif=TimeInForce(tif.upper()),
            cancel_after_ms=cancel_after, tag=written.tag, place=at.key_place(path), **amounts,
        )  # fmt: skip
        for name, hint in order._impossible(instrument):
            at.fault(getattr(written, name), "AT214", "this order can never pass the exchange's filters", hint)
        return order

    def _impossible(self, traded: Instrument) -> Iterable[tuple[str, str]]:
        """What can never reach the venue's minimum is an error as soon as the filters are known (docs/language.md §5):
        the key, and what the venue takes.
        """
        if not traded.has_filters:
            return
        least = f"{traded.symbol} takes orders from {plain(traded.min_notional)} {traded.quote}"
        price = self.price.value if isinstance(self.price, tree.Literal) else None
        for name in AMOUNTS:
            amount = getattr(self, name)
            if not isinstance(amount, tree.Literal):
                continue
            if name.endswith("spend"):
                if amount.value < traded.min_notional:
                    yield name, least
            elif amount.value < traded.min_quantity:
                yield name, f"{traded.symbol} takes orders from {plain(traded.min_quantity)} {traded.base}"
            elif price is not None and times(amount.value, price) < traded.min_notional:
                yield name, least
        low, high = traded.min_price, traded.max_price
        if price is not None and (price < low or (high and price > high)):
            yield "price", f"{traded.symbol} takes prices from {plain(low)} to {plain(high)} {traded.quote}"

    def amounts(self) -> Iterable[tuple[Value, bool]]:
        """Amount and caps; True for those in the quote asset."""
        found = ((getattr(self, name), name.endswith("spend")) for name in AMOUNTS)
        return ((value, is_spend) for value, is_spend in found if value is not None)

    def values(self) -> Iterable[Value]:
        """Amounts and price."""
        yield from (value for value, _ in self.amounts())
        if not isinstance(self.price, MarketPrice):
            yield self.price

    def needs(self, symbol: str) -> Iterable[Need]:
        """What an order is checked against."""
        return (BookNeed(symbol, 1), BalancesNeed())

    def words(self, symbol: str) -> str:
        """`buy BTCJPY for 10,000 JPY at the best bid minus 0.2%, post-only`."""
        (amount, is_spend), *caps = ((value_in_words(value, symbol), is_spend) for value, is_spend in self.amounts())
        text = f"{self.side.value.lower()} {symbol} {'for ' if is_spend else ''}{amount}"
        text += "".join(f", at most {cap}" for cap, _ in caps)
        if isinstance(self.price, MarketPrice):
            text += f", at once at the touch, at most {plain(self.price.max_slippage)}% through it"
        else:
            text += f" at {value_in_words(self.price, symbol)}"
            text += f", {self.tif.value}" if self.tif is not TimeInForce.GTC else ""
        text += ", post-only" if self.post_only else ""
        text += f", cancelled after {span_text(self.cancel_after_ms)}" if self.cancel_after_ms else ""
        return text + (f", tagged {self.tag}" if self.tag else "")

    def data(self, symbol: str) -> dict[str, Any]:
        """Amounts, price and how it stands."""
        given = {name: value for name in AMOUNTS if (value := getattr(self, name)) is not None}
        market = self.price if isinstance(self.price, MarketPrice) else None
        return {
            "action": self.side.value.lower(),
            **{name: value_data(value, symbol) for name, value in given.items()},
            "price": value_data(self.price, symbol) if not isinstance(self.price, MarketPrice) else "market",
            "max_slippage": None if market is None else f"{plain(market.max_slippage)}%",
            "tif": self.tif.value.lower(), "post_only": self.post_only,
            "cancel_after": None if self.cancel_after_ms is None else span_text(self.cancel_after_ms),
            "tag": self.tag or None,
        }  # fmt: skip

    def requests(self, at: ActionContext) -> Effect:
        """The order, or why there is none."""
        # Looked at again here: between the firing and this step an earlier action or run may have lost its answer.
        if has_unknown_fate(at.sources.record, at.rule, at.symbol, self.side):
            return Failed(Dropped(f"an earlier {self.side.lower()} order of this rule has an unknown fate"))
        instrument = at.sources.instruments.get(at.symbol)
        if instrument is None:
            return Failed(Dropped(f"the filters of {at.symbol} are not known"))
        shut = closed(at.sources, at.symbol)
        if shut:
            return Failed(Dropped(shut))
        found = self.sized(instrument, at.exact, at.sources)
        if isinstance(found, Skipped | Dropped):
            return Failed(found)
        request = self._request(at, instrument, *found)
        return Waits((request,), (request.id,))

    def sized(
        self, instrument: Instrument, exact: Exact, sources: Sources
    ) -> tuple[Decimal, Decimal] | Skipped | Dropped:
        """Price and quantity on the instrument's grid."""
        return sized(self.side, self.price, self.amounts(), instrument, exact, sources)

    def kind(self) -> tuple[OrderType, TimeInForce]:
        """Type and time in force: post-only is LIMIT_MAKER, `market` is immediate or cancel."""
        if self.post_only:
            return OrderType.LIMIT_MAKER, TimeInForce.GTC
        return OrderType.LIMIT, TimeInForce.IOC if isinstance(self.price, MarketPrice) else self.tif

    def _request(self, at: ActionContext, instrument: Instrument, price: Decimal, quantity: Decimal) -> PlaceRequest:
        _, _, order_id, slot_ms = at.run
        key = DecisionKey(
            store_id=at.store_id, rule=at.rule, symbol=at.symbol, order_id=order_id, slot_ms=slot_ms, step=at.step
        )
        kind, tif = self.kind()
        order = OrderRequest(
            symbol=at.symbol, side=self.side, type=kind, price=price, quantity=quantity, tif=tif,
            client_order_id=client_order_id(key),
        )  # fmt: skip
        return PlaceRequest(
            order=order, key=key, run=at.run, base=instrument.base, quote=instrument.quote,
            deadline_ms=at.deadline_ms, cancel_after_ms=self.cancel_after_ms, tag=self.tag, labels=at.labels,
            place=self.place,
        )  # fmt: skip


def _asset(name: str, instrument: Instrument) -> str:
    return instrument.quote if name.endswith("spend") else instrument.base


def _amount(at: Compiler, text: str | None, asset: str) -> Value | None:
    value = at.value(text, Kind.AMOUNT, asset)
    if text is not None and isinstance(value, tree.Literal) and value.value <= 0:
        at.fault(text, "AT211", f"`{text}` is not above 0", "write what is to be spent or traded")
        return None
    return value


def _price(at: Compiler, written: WrittenPlace, instrument: Instrument) -> Value | MarketPrice | None:
    if written.price != "market":
        value = at.value(written.price, Kind.PRICE, instrument.quote)
        if isinstance(value, tree.Literal) and value.value <= 0:
            at.fault(written.price, "AT211", f"`{written.price}` is not above 0")
            return None
        return value
    text = written.max_slippage
    if text is None:
        return MarketPrice(at.settings.max_slippage)
    found = at.literal(text, frozenset({Kind.PERCENT}))
    if found is not None and not 0 < found.value <= MOST_SLIPPAGE:
        hint = f"write more than 0% and at most {MOST_SLIPPAGE}%"
        at.fault(text, "AT211", f"`{text}` is out of range", hint)
        return None
    return None if found is None else MarketPrice(found.value)
