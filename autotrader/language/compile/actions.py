"""Written actions to the working form, and what may stand together in one list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from autotrader.language.actions import WrittenAction
from autotrader.language.actions.notices import WrittenNotify, WrittenPause
from autotrader.language.actions.orders import WrittenCancelOrders, WrittenPlace
from autotrader.language.compile.bench import Bench
from autotrader.language.expression import parse_template
from autotrader.language.nodes import Path, Scalar
from autotrader.language.plan import (
    Action,
    CancelOrders,
    CancelThis,
    HaltTrading,
    MarketPrice,
    Notify,
    PauseRules,
    PlaceOrder,
)
from autotrader.language.tree import Kind, Literal, Value
from autotrader.market.instrument import Instrument
from autotrader.money import plain, times
from autotrader.orders import Side, TimeInForce

MOST_SLIPPAGE = Decimal(10)
MAX_ACTIONS = 10


def actions_of(
    bench: Bench, written: Sequence[WrittenAction], path: Path, max_slippage: Decimal
) -> tuple[Action, ...] | None:
    """The actions of one list; None if one is wrong (then reported)."""
    result: list[Action | None] = []
    trades = False
    for number, item in enumerate(written):
        here = (*path, number)
        name = next(iter(item.model_fields_set), "")
        value = getattr(item, name, None)
        if name in {"cancel", "cancel_orders"} and trades:
            bench.report(
                "AT433",
                here,
                "not yet supported: a cancel behind a buy or sell in one list",
                hint="put the cancels first, or write a second rule",
            )
        if name in {"buy", "sell"} and trades:
            bench.report(
                "AT433", here, "not yet supported: a second buy or sell in one list", hint="write a second rule"
            )
        surroundings = bench.in_order() if trades and name == "notify" else bench
        result.append(_one(surroundings, name, value, (*here, name), max_slippage))
        trades = trades or name in {"buy", "sell"}
    if len(written) > MAX_ACTIONS:
        bench.report("AT433", (*path, MAX_ACTIONS), f"not yet supported: more than {MAX_ACTIONS} actions in one list")
    good = tuple(action for action in result if action is not None)
    return good if good and len(good) == len(result) else None


def _one(bench: Bench, name: str, written: Any, path: Path, max_slippage: Decimal) -> Action | None:
    place = bench.document.place(path[:-1] if bench.document.node(path) is None else path, at_key=True)
    if name in {"buy", "sell"}:
        return place_order(bench, Side(name.upper()), written, path, max_slippage)
    if name == "cancel":
        if not bench.scope.in_order:
            bench.report(
                "AT215",
                path,
                "`cancel` needs an order at hand",
                at_key=True,
                hint="add `for_each_order: {side: buy, owner: autotrader}` to the rule, or write `cancel_orders`",
            )
            return None
        return CancelThis(place=place)
    if name == "halt":
        return HaltTrading(place=place)
    return _OTHERS[name](bench, written, path)


def place_order(
    bench: Bench, side: Side, written: WrittenPlace, path: Path, max_slippage: Decimal
) -> PlaceOrder | None:
    """`buy` or `sell`, with amounts in the symbol's own assets."""
    instrument = bench.scope.instruments[bench.scope.symbol]
    amounts: dict[str, Value | None] = {}
    for name, asset in (
        ("spend", instrument.quote),
        ("size", instrument.base),
        ("max_spend", instrument.quote),
        ("max_size", instrument.base),
    ):
        text = getattr(written, name)
        amounts[name] = None if text is None else _amount(bench, (*path, name), text, asset)
    price = _price(bench, written, path, max_slippage, instrument)
    cancel_after = bench.duration((*path, "cancel_after"), written.cancel_after)
    wrong = any(getattr(written, name) is not None and value is None for name, value in amounts.items())
    if wrong or price is None or (written.cancel_after is not None and cancel_after is None):
        return None
    market = isinstance(price, MarketPrice)
    order = PlaceOrder(
        side=side, price=price, post_only=written.post_only,
        tif=TimeInForce((written.tif or ("ioc" if market else "gtc")).upper()), cancel_after_ms=cancel_after,
        tag=written.tag, place=bench.document.place(path, at_key=True), **amounts,
    )  # fmt: skip
    _filters(bench, order, path, instrument)
    return order


def _amount(bench: Bench, path: Path, text: str, asset: str) -> Value | None:
    value = bench.value(path, text, Kind.AMOUNT, asset)
    if isinstance(value, Literal) and value.value <= 0:
        bench.report("AT211", path, f"`{text}` is not above 0", hint="write what is to be spent or traded")
        return None
    return value


def _price(
    bench: Bench, written: WrittenPlace, path: Path, max_slippage: Decimal, instrument: Instrument
) -> Value | MarketPrice | None:
    if written.price != "market":
        value = bench.value((*path, "price"), written.price, Kind.PRICE, instrument.quote)
        if isinstance(value, Literal) and value.value <= 0:
            bench.report("AT211", (*path, "price"), f"`{written.price}` is not above 0")
            return None
        return value
    if written.max_slippage is None:
        return MarketPrice(max_slippage)
    where = (*path, "max_slippage")
    found = bench.literal(where, written.max_slippage, frozenset({Kind.PERCENT}))
    if found is not None and not 0 < found.value <= MOST_SLIPPAGE:
        bench.report(
            "AT211",
            where,
            f"`{written.max_slippage}` is out of range",
            hint=f"write more than 0% and at most {MOST_SLIPPAGE}%",
        )
        return None
    return None if found is None else MarketPrice(found.value)


def _filters(bench: Bench, order: PlaceOrder, path: Path, instrument: Instrument) -> None:
    """What can never reach the venue's minimum is an error as soon as the filters are known (rule-language §5)."""
    if not instrument.has_filters:
        return
    for name in ("spend", "max_spend"):
        amount = getattr(order, name)
        if isinstance(amount, Literal) and amount.value < instrument.min_notional:
            _never(
                bench,
                (*path, name),
                f"{instrument.symbol} takes orders from {plain(instrument.min_notional)} {instrument.quote}",
            )
    for name in ("size", "max_size"):
        amount = getattr(order, name)
        if not isinstance(amount, Literal):
            continue
        if amount.value < instrument.min_quantity:
            _never(
                bench,
                (*path, name),
                f"{instrument.symbol} takes orders from {plain(instrument.min_quantity)} {instrument.base}",
            )
        elif isinstance(order.price, Literal) and times(amount.value, order.price.value) < instrument.min_notional:
            _never(
                bench,
                (*path, name),
                f"{instrument.symbol} takes orders from {plain(instrument.min_notional)} {instrument.quote}",
            )
    if isinstance(order.price, Literal):
        low, high = instrument.min_price, instrument.max_price
        if order.price.value < low or (high and order.price.value > high):
            _never(
                bench,
                (*path, "price"),
                f"{instrument.symbol} takes prices from {plain(low)} to {plain(high)} {instrument.quote}",
            )


def _never(bench: Bench, path: Path, hint: str) -> None:
    bench.report("AT214", path, "this order can never pass the exchange's filters", hint=hint)


def cancel_orders(bench: Bench, written: WrittenCancelOrders, path: Path) -> CancelOrders | None:
    """`cancel_orders` with its filters."""
    older = bench.duration((*path, "older_than"), written.older_than)
    further = None
    if written.further_than is not None:
        further = bench.value((*path, "further_than"), written.further_than, Kind.PERCENT)
    if (written.older_than is not None and older is None) or (written.further_than is not None and further is None):
        return None
    side = Side(written.side.upper()) if written.side else None
    return CancelOrders(
        side=side,
        tag=written.tag,
        owner=written.owner,
        older_than_ms=older,
        further_than=further,
        place=bench.document.place(path, at_key=True),
    )


def notify(bench: Bench, written: WrittenNotify, path: Path) -> Notify | None:
    """A notice: its text with placeholders, checked now."""
    short = isinstance(bench.document.node(path), Scalar)
    where = path if short else (*path, "text")
    bench.uses(written.text)
    if bench.hopeless(written.text):
        return None
    parts = bench.kept(where, parse_template(written.text, bench.origin(where), bench.scope))
    throttle = bench.duration((*path, "throttle"), written.throttle)
    if parts is None or (written.throttle is not None and throttle is None):
        return None
    return Notify(
        to=written.to,
        level=written.level,
        parts=parts,
        throttle_ms=throttle or 0,
        place=bench.document.place(path, at_key=True),
    )


def _pause(bench: Bench, written: WrittenPause, path: Path, *, resume: bool) -> PauseRules | None:
    span = bench.duration((*path, "for"), written.span)
    if written.span is not None and span is None:
        return None
    return PauseRules(
        resume=resume,
        rules=tuple(written.rules),
        labels=tuple(written.labels),
        span_ms=span,
        place=bench.document.place(path, at_key=True),
    )


_OTHERS: dict[str, Callable[[Bench, Any, Path], Action | None]] = {
    "cancel_orders": cancel_orders,
    "notify": notify,
    "pause": lambda bench, written, path: _pause(bench, written, path, resume=False),
    "resume": lambda bench, written, path: _pause(bench, written, path, resume=True),
}
