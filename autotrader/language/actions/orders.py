"""`buy`, `sell`, `cancel`, `cancel_orders`: the written forms of what touches orders."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from autotrader.language.written import Name, Text, Written, YesNo, not_yet, wrong

OwnerName = Literal["this_rule", "autotrader", "anyone"]
SideName = Literal["buy", "sell"]


def _post_only(value: object) -> object:
    if value == "shift":
        raise wrong("AT432", "not yet supported: `post_only: shift`", hint="use `post_only: true`")
    return value


class WrittenPlace(Written):
    """`buy: {...}` or `sell: {...}`: a limit order; the amount is `spend` (quote) or `size` (base)."""

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
    risk: not_yet("AT428", "`risk`", "use `spend` or `size`") = None  # type: ignore[valid-type]
    target: not_yet("AT428", "`target`", "use `spend` or `size`") = None  # type: ignore[valid-type]
    min_change: not_yet("AT428", "`min_change`") = None  # type: ignore[valid-type]
    bracket: not_yet("AT423", "`bracket`", "write exits as rules of their own") = None  # type: ignore[valid-type]
    if_unfilled: not_yet("AT427", "`if_unfilled`", "use `cancel_after`") = None  # type: ignore[valid-type]
    reprice: not_yet("AT426", "`reprice`", "use `cancel_after`") = None  # type: ignore[valid-type]

    @model_validator(mode="before")
    @classmethod
    def _amount(cls, data: Any) -> Any:
        """Exactly one of `spend` and `size`; `risk` and `target` are refused on their own."""
        if not isinstance(data, dict):
            return data
        if "spend" in data and "size" in data:
            raise wrong(
                "AT216",
                "`spend` and `size` exclude each other",
                key="size",
                drop=["size"],
                hint="keep one of them; a second bound is written `max_spend` or `max_size`",
            )
        if not {"spend", "size", "risk", "target"} & set(data):
            raise wrong(
                "AT216",
                "the amount is missing",
                add={"spend": "10_000_000 JPY"},
                hint="add `spend: 10_000 JPY` or `size: 0.001 BTC`",
            )
        if {"risk", "target"} & set(data) and not {"spend", "size"} & set(data):
            return {**data, "spend": "10_000_000 JPY"}
        return data

    @model_validator(mode="after")
    def _together(self) -> Self:
        """Keys that contradict each other."""
        market = self.price == "market"
        if self.post_only and (market or self.tif in {"ioc", "fok"}):
            other = "price: market" if market else f"tif: {self.tif}"
            raise wrong(
                "AT218",
                f"`post_only` and `{other}` exclude each other",
                key="post_only",
                drop=["post_only"],
                hint="a post-only order never trades at once, the other only at once",
            )
        if market and self.tif == "gtc":
            raise wrong("AT218", "`price: market` is immediate or cancel, never `gtc`", key="tif", drop=["tif"])
        if self.max_slippage is not None and not market:
            raise wrong("AT218", "`max_slippage` belongs to `price: market`", key="max_slippage", drop=["max_slippage"])
        return self


class WrittenCancelOrders(Written):
    """`cancel_orders: {...}`: cancel every open order of the symbol that matches all that is given."""

    side: SideName | None = None
    tag: Name | None = None
    owner: OwnerName = Field("autotrader", description="`anyone` includes orders made by hand")
    older_than: Text | None = Field(None, description="only orders at least this old: `30m`")
    further_than: Text | None = Field(None, description="only orders further than this from the near side: `1.5%`")
