"""Orders by hand: the same limits, the same journal, the same gateway as rules. Nothing goes around them.

An order by hand is a decision too: its rule is "", its slot a stored counter, so its client order id is its own and a
crash in the middle leaves the same trail as a rule's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autotrader.engine.limits import review_needs
from autotrader.errors import (
    AutotraderError,
    ConfigError,
    ExchangeRefused,
    ExchangeUnavailable,
    OrderDenied,
    SafetyRefused,
    UsageError,
)
from autotrader.language.requests import PlaceRequest
from autotrader.market.needs import OpenOrdersNeed
from autotrader.market.sources import Sources
from autotrader.money import parse_decimal, plain
from autotrader.orders import DecisionKey, OrderRequest, OrderType, Side, TimeInForce, client_order_id
from autotrader.records.intents import Intent
from autotrader.records.places import Identity
from autotrader.records.store import Store
from autotrader.runtime import Runtime
from autotrader.service.control import HaltReply, ask_or_do, remaining
from autotrader.structs import dataclass
from autotrader.trading.look import observe

DEADLINE_MS = 30_000
NOT_ARMED = "`autotrader doctor` looks at key, clock and exchange; nothing is placed until they are in order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An order as a person asked for it; price in quote, quantity in base."""

    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    post_only: bool = False
    tif: TimeInForce = TimeInForce.GTC
    cancel_after_ms: int | None = None


def wanted_from(arguments: Mapping[str, Any]) -> Wanted:
    """From an inbox entry. Raises UsageError where something is missing or is not a number."""
    try:
        after = arguments.get("cancel_after_ms")
        return Wanted(
            symbol=str(arguments["symbol"]),
            side=Side(arguments["side"]),
            price=parse_decimal(str(arguments["price"])),
            quantity=parse_decimal(str(arguments["quantity"])),
            post_only=bool(arguments.get("post_only")),
            tif=TimeInForce(arguments.get("tif", "GTC")),
            cancel_after_ms=None if after is None else int(after),
        )
    except (KeyError, ValueError) as error:
        raise UsageError(f"the order cannot be read: {error}") from None


def wanted_to(wanted: Wanted) -> dict[str, object]:
    """For an inbox entry; the inverse of `wanted_from`."""
    return {
        "symbol": wanted.symbol, "side": wanted.side, "price": plain(wanted.price), "quantity": plain(wanted.quantity),
        "post_only": wanted.post_only, "tif": wanted.tif, "cancel_after_ms": wanted.cancel_after_ms,
    }  # fmt: skip


def place(folder: Path, wanted: Wanted, opened: Callable[[], Runtime]) -> Mapping[str, Any]:
    """Place one order: the running service does it, else a runtime that is `opened` here and was armed. What came of
    it, and by whom. Raises SafetyRefused where it is not armed or a limit denies it.
    """
    return ask_or_do(folder, "order", wanted_to(wanted), lambda: _armed(opened, lambda one: place_by_hand(one, wanted)))


def cancel(folder: Path, order: str, opened: Callable[[], Runtime]) -> Mapping[str, Any]:
    """Cancel one of our orders by client order id or the venue's. Raises UsageError where it is not ours."""
    return ask_or_do(folder, "cancel", {"id": order}, lambda: _armed(opened, lambda one: cancel_by_hand(one, order)))


def _armed(opened: Callable[[], Runtime], work: Callable[[Runtime], Mapping[str, Any]]) -> Mapping[str, Any]:
    with opened() as runtime:
        started = runtime.start()
        if started.failures:  # a difference that waits for a word forbids orders in the gate, and no cancel
            raise SafetyRefused("not armed: " + "; ".join(started.failures), hint=NOT_ARMED)
        return work(runtime)


def place_by_hand(runtime: Runtime, wanted: Wanted) -> Mapping[str, object]:
    """Check against the limits, journal, send once, and say what came of it.

    Raises OrderDenied where a limit refuses it, UsageError for a symbol that cannot be traded.
    """
    request = _request(runtime, wanted)
    denied = _journal(runtime, request, _look(runtime, wanted.symbol))
    if denied is not None:
        raise denied
    outcome = runtime.cycle.parts.gateway.submit(request.id)
    order = outcome.order
    return {
        "client_order_id": request.id,
        "state": outcome.state,
        "reason": outcome.reason,
        "order_id": None if order is None else order.order_id,
        "status": None if order is None else order.status,
        "executed": None if order is None else plain(order.executed),
    }


def _journal(runtime: Runtime, request: PlaceRequest, sources: Sources) -> OrderDenied | None:
    """Write the intent, as far as the gate admits it. A denial is recorded too: it must not undo the transaction."""
    gate, now_ms = runtime.cycle.parts.gate, runtime.connection.clock.now_ms()
    with runtime.store.transaction() as store:
        cycle = store.counters.next("cycle")
        gate.trip(sources)
        try:
            admission = gate.admit(request, sources)
        except OrderDenied as denied:
            return denied
        store.intents.add(
            Intent(
                key=request.key, request=request.order, cycle=cycle, created_ms=now_ms,
                deadline_ms=now_ms + DEADLINE_MS, cancel_after_ms=request.cancel_after_ms, because="by hand",
            ),
            admission,
        )  # fmt: skip
    return None


def cancel_by_hand(runtime: Runtime, order: str, asked_by: str = "hand") -> Mapping[str, object]:
    """Cancel one of this store's orders, by either id. Raises UsageError where it is not ours."""
    row = next((r for r in runtime.store.orders.open() if order in (r.client_order_id, str(r.order.order_id))), None)
    if row is None:
        raise UsageError(f"there is no open order {order} of this store", hint="`autotrader orders` lists them")
    with runtime.store.transaction() as store:
        number = store.counters.next("cycle")
    outcome = runtime.cycle.parts.gateway.cancel(
        row.client_order_id, cycle=number, asked_by=asked_by, because="by hand"
    )
    ended = outcome.order
    return {
        "client_order_id": row.client_order_id,
        "state": outcome.state,
        "reason": outcome.reason,
        "status": None if ended is None else ended.status,
        "executed": None if ended is None else plain(ended.executed),
    }


def cancel_all(runtime: Runtime) -> list[str]:
    """Cancel every open order of this store at the venue; the ids of those that are confirmed."""
    confirmed = []
    for row in runtime.store.orders.open():
        try:
            answer = cancel_by_hand(runtime, row.client_order_id, asked_by="halt")
        except (ExchangeUnavailable, ExchangeRefused, UsageError):
            continue  # the others are cancelled nonetheless; what stands is told by the caller
        if answer.get("state") == "CONFIRMED":
            confirmed.append(row.client_order_id)
    return confirmed


def cancel_what_stands(done: HaltReply, opened: Callable[[Identity], Runtime]) -> HaltReply:
    """Take our orders back where no service did. `opened` opens the runtime of that very store; live needs its keys."""
    if done.how == "service" or not done.remaining:
        return done
    try:
        with Store.read(done.folder) as store:
            identity = store.identity
        with opened(identity) as runtime:
            if runtime.store.identity != identity:
                raise ConfigError("the API key of this environment is not the key of that store")
            runtime.start()
            gone = cancel_all(runtime)
        return replace(done, cancelled=tuple(gone), remaining=remaining(done.folder))
    except AutotraderError as error:
        return replace(done, problem=f"orders could not be cancelled: {error.message}")


def _request(runtime: Runtime, wanted: Wanted) -> PlaceRequest:
    instrument = runtime.connection.market.instruments([wanted.symbol]).get(wanted.symbol)
    if instrument is None:
        raise UsageError(f"the exchange has no symbol {wanted.symbol}")
    refusal = instrument.refusal(wanted.price, wanted.quantity, wanted.side)
    if refusal:
        raise UsageError(f"the exchange would refuse this order: {refusal}")
    with runtime.store.transaction() as store:
        slot = store.counters.next("hand")
    key = DecisionKey(store_id=runtime.store.id, rule="", symbol=wanted.symbol, order_id="", slot_ms=slot, step=0)
    order = OrderRequest(
        symbol=wanted.symbol, side=wanted.side, type=OrderType.LIMIT_MAKER if wanted.post_only else OrderType.LIMIT,
        price=wanted.price, quantity=wanted.quantity, tif=wanted.tif, client_order_id=client_order_id(key),
    )  # fmt: skip
    return PlaceRequest(
        order=order, key=key, run=None, base=instrument.base, quote=instrument.quote,
        deadline_ms=runtime.connection.clock.now_ms() + DEADLINE_MS, cancel_after_ms=wanted.cancel_after_ms,
    )  # fmt: skip


def _look(runtime: Runtime, symbol: str) -> Sources:
    """A fresh look at what the limits need to see."""
    clock = runtime.connection.clock
    own = runtime.store.own_record(clock.now_ms(), ZoneInfo(runtime.settings.timezone))
    needs = review_needs([symbol], own, runtime.settings, clock.now_ms())
    needs |= {OpenOrdersNeed(each) for each in (symbol, *runtime.cycle.parts.observer.symbols())}
    snapshot, account = observe(runtime.connection.market, runtime.broker, clock, needs)
    runtime.cycle.parts.observer.observe(account)  # what traded a moment ago counts
    now_ms = clock.now_ms()
    own = runtime.store.own_record(now_ms, ZoneInfo(runtime.settings.timezone))
    return Sources(
        now_ms=now_ms,
        snapshot=snapshot,
        account=account,
        record=own,
        health=runtime.connection.market.health(),
        instruments={**runtime.instruments, **runtime.connection.market.instruments([symbol])},
        zone=runtime.settings.timezone,
    )
