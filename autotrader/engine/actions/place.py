"""`buy` and `sell`: one limit order, sized and fitted to the instrument."""

from __future__ import annotations

from autotrader.engine.actions.scene import Failed, Given, Scene, Waits
from autotrader.engine.open_orders import listed_orders
from autotrader.engine.requests import Dropped, PlaceRequest, Skipped
from autotrader.engine.sizing import order_kind, sized
from autotrader.language.plan import PlaceOrder
from autotrader.language.vocabulary.limits import abnormal
from autotrader.market.account import OwnRecord
from autotrader.market.sources import Missing, Sources
from autotrader.orders import DecisionKey, OrderRequest, Side, client_order_id


def given(action: PlaceOrder, scene: Scene) -> Given:
    """The order, or why there is none."""
    rule, run = scene.rule, scene.run
    if has_unknown_fate(scene.sources.record, rule.id, rule.symbol, action.side):
        return Failed(Dropped(f"an earlier {action.side.lower()} order of this rule has an unknown fate"))
    instrument = scene.sources.instruments.get(rule.symbol)
    if instrument is None:
        return Failed(Dropped(f"the filters of {rule.symbol} are not known"))
    shut = closed(scene.sources, rule.symbol)
    if shut:
        return Failed(Dropped(shut))
    found = sized(action, instrument, scene.values, scene.sources)
    if isinstance(found, Skipped | Dropped):
        return Failed(found)
    key = DecisionKey(
        store_id=scene.context.store_id, rule=rule.id, symbol=rule.symbol, order_id=run.order, slot_ms=run.slot_ms,
        step=run.step,
    )  # fmt: skip
    kind, tif = order_kind(action)
    order = OrderRequest(
        symbol=rule.symbol, side=action.side, type=kind, price=found[0], quantity=found[1], tif=tif,
        client_order_id=client_order_id(key),
    )  # fmt: skip
    request = PlaceRequest(
        order=order, key=key, run=run.key, base=instrument.base, quote=instrument.quote,
        deadline_ms=scene.deadline_ms, cancel_after_ms=action.cancel_after_ms, tag=action.tag, labels=rule.labels,
        place=action.place,
    )  # fmt: skip
    return Waits((request,), (request.id,))


def closed(sources: Sources, symbol: str) -> str:
    """Why a symbol takes no orders now, or "": its market is closed, or what an order must not run into cannot be seen,
    all through no fault of a rule. A list of open orders that nobody asked for is not missed.
    """
    instrument = sources.instruments.get(symbol)
    if instrument is None or not instrument.has_filters:
        return f"the filters of {symbol} are not known"
    if instrument.status != "TRADING":
        return f"{symbol} is not trading: {instrument.status}"
    shut = abnormal(sources)
    if shut is not None:
        return shut.reason
    account = sources.account
    listed = listed_orders(sources, symbol) if symbol in {*account.open_orders, *account.missing} else ()
    return f"open orders: {listed.reason}" if isinstance(listed, Missing) else ""


def has_unknown_fate(record: OwnRecord, rule: str, symbol: str, side: Side) -> bool:
    """Whether an order of this rule, symbol and side may or may not be at the venue (order-safety P1)."""
    return any(
        order.state == "unknown" and (order.rule, order.symbol, order.side) == (rule, symbol, side)
        for order in record.orders
    )
