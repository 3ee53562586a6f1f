"""The control desk under /simulator/: time, state and switches. Unsigned, loopback only, no part of the venue."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from autotrader.simulator.errors import ApiError
from autotrader.simulator.orders import queried, traded
from autotrader.simulator.params import pairs
from autotrader.simulator.protocol import CONTROL, Answer
from autotrader.simulator.state import ExchangeState
from autotrader.simulator.symbols import STATUSES, text

Desk = Callable[[ExchangeState, dict[str, str]], Any]
FURTHEST = 40 * 86_400_000


class _BadWish(ValueError):
    """What was asked of the desk makes no sense; the text says why."""


def _time(exchange: ExchangeState, _given: dict[str, str]) -> Any:
    return {"now": exchange.now_ms, "nowMicroseconds": exchange.now_us, "started": exchange.started_ms}


def _advance(exchange: ExchangeState, given: dict[str, str]) -> Any:
    asked = given.get("ms", "")
    if not (asked.isascii() and asked.isdigit()) or int(asked) > FURTHEST:
        raise _BadWish(f"ms={asked!r}: a whole number of milliseconds from 0 to {FURTHEST} is needed")
    exchange.advance(int(asked))
    return _time(exchange, given)


def state(exchange: ExchangeState) -> dict[str, Any]:
    """Everything the exchange knows of its accounts, as JSON with figures as strings."""
    engine = exchange.engine
    return {
        "now": exchange.now_ms,
        "accounts": {
            name: {
                "balances": {
                    asset: {"free": text(b.free), "locked": text(b.locked)}
                    for asset, b in sorted(client.purse.assets.items())
                },
                "orders": [queried(order) for orders in client.orders.values() for order in orders],
                "trades": [traded(trade) for trades in client.trades.values() for trade in trades],
            }
            for name, client in engine.clients.items()
        },
        "fees": {asset: text(amount) for asset, amount in sorted(engine.ledger.fees.items())},
        "market": {asset: text(amount) for asset, amount in sorted(engine.ledger.market.items())},
        "paidIn": {asset: text(amount) for asset, amount in sorted(engine.ledger.paid_in.items())},
        "symbols": {name: exchange.status(name) for name in exchange.markets},
        "faults": [] if exchange.faults is None else exchange.faults.shown(),
    }


def requests(exchange: ExchangeState) -> dict[str, Any]:
    """How often each call came, and how many of them were there to place or cancel."""
    return {
        "total": sum(exchange.requests.values()),
        "trade": exchange.placing_requests,
        "requests": [
            {"method": method, "path": path, "signed": signed, "count": count}
            for (method, path, signed), count in sorted(exchange.requests.items())
        ],
    }


def _symbol(exchange: ExchangeState, given: dict[str, str]) -> str:
    symbol = given.get("symbol", "")
    if symbol not in exchange.markets:
        raise _BadWish(f"symbol={symbol!r}: one of {', '.join(exchange.markets)} is needed")
    return symbol


def _symbol_status(exchange: ExchangeState, given: dict[str, str]) -> Any:
    symbol, status = _symbol(exchange, given), given.get("status", "")
    if status not in STATUSES:
        raise _BadWish(f"status={status!r}: one of {', '.join(STATUSES)} is needed")
    exchange.statuses[symbol] = status
    return {"symbol": symbol, "status": exchange.status(symbol)}


def _system_status(exchange: ExchangeState, given: dict[str, str]) -> Any:
    status = given.get("status", "")
    if status not in ("0", "1"):
        raise _BadWish(f"status={status!r}: 0 (normal) or 1 (maintenance) is needed")
    exchange.system_down = status == "1"
    return {"status": int(status)}


def _deposit(exchange: ExchangeState, given: dict[str, str]) -> Any:
    client = exchange.engine.clients.get(given.get("account", "main"))
    if client is None:
        raise _BadWish(f"account={given.get('account')!r}: one of {', '.join(exchange.engine.clients)} is needed")
    try:
        amount = Decimal(given.get("amount", ""))
    except InvalidOperation:
        raise _BadWish(f"amount={given.get('amount')!r}: a decimal is needed") from None
    asset = given.get("asset", "")
    balance = client.purse.of(asset)
    if not asset or not amount.is_finite() or balance.free + amount < 0:
        raise _BadWish("an asset, and an amount that does not take more than is free, are needed")
    exchange.engine.ledger.pay_in(client.purse, asset, amount)
    return {"asset": asset, "free": text(balance.free)}


def _faults(exchange: ExchangeState, given: dict[str, str]) -> Any:
    """Counts by fault; with ``on=0`` no more are injected and what lasts ends, with ``on=1`` they go on."""
    faults, wish = exchange.faults, given.get("on")
    if faults is None:
        raise _BadWish("this simulator was started without faults; --faults FILE gives it some")
    if wish not in (None, "0", "1"):
        raise _BadWish(f"on={wish!r}: 0 or 1 is needed")
    if wish is not None:
        (faults.resume if wish == "1" else faults.stop)()
    return {"on": faults.active, "seed": faults.seed, "counts": dict(faults.counts), "log": faults.shown()}


def _check(exchange: ExchangeState, _given: dict[str, str]) -> Any:
    exchange.engine.check()
    return {"ok": True}


DESKS: dict[tuple[str, str], Desk] = {
    ("GET", "time"): _time,
    ("POST", "advance"): _advance,
    ("GET", "state"): lambda exchange, _given: state(exchange),
    ("GET", "requests"): lambda exchange, _given: requests(exchange),
    ("GET", "check"): _check,
    ("GET", "faults"): lambda exchange, _given: _faults(exchange, {}),
    ("POST", "faults"): _faults,
    ("POST", "symbol-status"): _symbol_status,
    ("POST", "system-status"): _system_status,
    ("POST", "deposit"): _deposit,
}


def handle(exchange: ExchangeState, method: str, path: str, query: bytes, body: bytes) -> Answer:
    """Answer a request to the control desk; parameters come in query or body."""
    desk = DESKS.get((method, path.removeprefix(CONTROL)))
    status, value = 200, {}
    if desk is None:
        status = 404
        value = {"error": "unknown; there are " + ", ".join(f"{m} /simulator/{name}" for m, name in DESKS)}
    else:
        try:
            value = desk(exchange, pairs(query, body))
        except (_BadWish, ApiError) as error:
            status, value = 400, {"error": str(error)}
        except AssertionError as error:
            status, value = 500, {"error": f"the books do not balance: {error}"}
    return Answer.of(value, status)
