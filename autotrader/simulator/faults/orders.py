"""Faults around orders, fills and balances: hidden orders, answers of the past, fills at bad moments, late figures.

What happens to orders and money really happens in the exchange's books; only
what queries show is spoilt.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from autotrader.simulator.books import Client
from autotrader.simulator.faults.case import PLACE, FaultCase, Kind
from autotrader.simulator.model import Order, generated_id
from autotrader.simulator.orders import queried

CANCEL = ("DELETE order",)
POLLS = ("GET order", "GET openOrders", "GET allOrders", "GET myTrades", "GET account")


def _client(case: FaultCase) -> Client | None:
    return case.exchange.client_of(case.request.key)


def _order(case: FaultCase) -> tuple[Client, Order] | None:
    """The open order that a request names, if it is there."""
    client, params = _client(case), case.params
    if client is None:
        return None
    for order in client.open.values():
        named = (
            str(order.id) == params["orderId"]
            if "orderId" in params
            else (order.client_id == params.get("origClientOrderId"))
        )
        if named and order.symbol == params.get("symbol"):
            return client, order
    return None


def _hide(case: FaultCase) -> None:
    """Queries do not show the order from ``from`` to ``from`` + ``seconds`` after its placement."""
    placed = case.value()
    if placed is None or "orderId" not in placed:
        case.done = False
        return
    begin = case.exchange.now_ms + round(case.settings.get("from", 0) * 1000)
    end = begin + round(case.settings["seconds"] * 1000)
    case.state.hidden.setdefault(placed["orderId"], []).append((begin, end))
    case.details = {"orderId": placed["orderId"], "from": begin, "until": end}


def _reorder(case: FaultCase) -> None:
    earlier = case.state.earlier(case)
    case.done = earlier is not None
    if earlier is not None:
        case.answer = earlier


def _regress(case: FaultCase) -> None:
    """An order that has been filled, in part or whole, or has ended, is shown as new once more."""
    shown = case.value()
    case.done = isinstance(shown, dict) and shown.get("status") not in (None, "NEW")
    if shown is None or not case.done or case.answer is None:
        return
    case.details = {"orderId": shown["orderId"], "status": shown["status"]}
    zero = {"status": "NEW", "executedQty": "0.00000000", "cummulativeQuoteQty": "0.00000000"}
    case.show(shown | zero | {"updateTime": shown["time"]})


def _fill(case: FaultCase, order: Order) -> bool:
    """Fill ``share`` of what rests of an order at its price; False when its step does not allow it."""
    market = case.exchange.markets[order.symbol]
    step, rest = market.spec.step, order.quantity - order.executed
    wanted = rest * Decimal(str(case.settings["share"]))
    # a part fill stays on the grid, or the exchange itself could not have made it
    quantity = wanted if wanted >= rest or not step else wanted // step * step
    if quantity <= 0:
        return False
    matches = market.book.fill(order.id, quantity)
    case.exchange.engine.market_fills(matches)
    case.details |= {"orderId": order.id, "filled": f"{quantity:f}"}
    return bool(matches)


def _fill_before(case: FaultCase) -> None:
    found = _order(case)
    case.done = found is not None and _fill(case, found[1])


def _fill_after_ack(case: FaultCase) -> None:
    """Fill first, and let the acknowledgement show the order as it was before: cancelled, without that fill."""
    found = _order(case)
    if found is None:
        return
    before = queried(found[1])
    if _fill(case, found[1]):
        case.state.acks[id(case)] = before  # kept until the answer, which must tell of the order as it was


def _old_ack(case: FaultCase) -> None:
    before, answer = case.state.acks.pop(id(case), None), case.answer
    # Filled whole, the order can no longer be cancelled; any other refusal is the caller's own.
    case.done = before is not None and answer is not None and json.loads(answer.body).get("code", -2011) == -2011
    if before is None or answer is None or not case.done:
        return
    ack = {
        "symbol": before["symbol"],
        "origClientOrderId": before["clientOrderId"],
        "orderId": before["orderId"],
        "orderListId": before["orderListId"],
        "clientOrderId": case.params.get("newClientOrderId") or generated_id(f"cancel {before['orderId']}"),
        "transactTime": case.exchange.now_ms,
    }
    names = (
        "price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "timeInForce", "type", "side",
        "selfTradePreventionMode",
    )  # fmt: skip
    ack |= {name: before[name] for name in names} | {"status": "CANCELED"}
    case.details = {"orderId": before["orderId"], "acknowledged": before["executedQty"]}
    case.answer = answer._replace(status=200).rewritten(ack)


def _other_fee(case: FaultCase) -> None:
    """From this placement on commission is taken in BNB where it was not, and no more in BNB where it was."""
    client = _client(case)
    case.done = client is not None
    if client is not None:
        client.account = replace(client.account, bnb_fees=not client.account.bnb_fees)
        case.details = {"bnbFees": client.account.bnb_fees}


def _late_balances(case: FaultCase) -> None:
    client = _client(case)
    case.done = client is not None
    if client is not None:
        name = client.account.name
        # in the exchange's time: in stepped time nothing would end by the machine's
        until = case.exchange.now_ms + round(case.settings["seconds"] * 1000)
        case.state.late_balances[name] = (until, case.state.balances_of(name))
        case.details = {"until": until}


KINDS: dict[str, Kind] = {
    "invisible": Kind("queries miss the new order for `seconds`", PLACE, {"seconds": 10.0}, None, _hide),
    "flicker": Kind(
        "the new order is shown, from `from` on missing for `seconds`, then shown again", PLACE,
        {"from": 5.0, "seconds": 10.0}, None, _hide,
    ),
    "reordered": Kind("the answer that the same question got before", POLLS, {}, None, _reorder),
    "regress": Kind("a filled or ended order is shown as NEW", ("GET order",), {}, None, _regress),
    "fill_before_cancel": Kind(
        "`share` of the order's rest is filled just before its cancel", CANCEL, {"share": 0.5}, _fill_before, None,
    ),
    "fill_after_cancel": Kind(
        "the cancel is acknowledged, yet `share` of the rest was filled", CANCEL, {"share": 0.5}, _fill_after_ack,
        _old_ack,
    ),
    "fee_asset": Kind("commission changes from or to BNB", PLACE, {}, _other_fee, None),
    "balance_late": Kind("balances show their state before this order for `seconds`", PLACE, {"seconds": 10.0},
                     _late_balances, None),
}  # fmt: skip
