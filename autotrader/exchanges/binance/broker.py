"""The `Broker` port at Binance: looks after one account, and sends each order once.

Before an order leaves, the very text that will be sent is read back and compared with what was asked
(docs/order-safety.md P5). After it left, only a reply that echoes our order is "accepted"; another order in the echo
is a mismatch, which stops everything; what is not listed as a certain refusal is unknown. Nothing here tries an order
again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl

from autotrader.errors import AutotraderError, ExchangeRefused
from autotrader.exchanges.binance import account_replies, weights
from autotrader.exchanges.binance.client import Client
from autotrader.exchanges.binance.endpoints import AccountCalls, order_params
from autotrader.exchanges.binance.errors import (
    ARCHIVED,
    CLOCK_CODE,
    FILTER_CODE,
    NO_SUCH_ORDER,
    Failure,
    cancel_outcome,
    failure,
    is_closed,
    submit_outcome,
)  # fmt: skip
from autotrader.exchanges.binance.signing import Params, encode
from autotrader.exchanges.messages import NoReplyError, NotSentError, Reply
from autotrader.exchanges.pool import Pool
from autotrader.exchanges.reading import BadJson, BadReply, parse
from autotrader.exchanges.venue import RECV_WINDOW_MS
from autotrader.market.account import Account
from autotrader.market.needs import AccountNeed, BalancesNeed, OpenOrdersNeed
from autotrader.orders import (
    Accepted,
    Cancelled,
    CancelRequest,
    CancelResult,
    Fill,
    Mismatch,
    NotFound,
    NotSent,
    Order,
    OrderRequest,
    SubmitResult,
    Unknown,
)  # fmt: skip
from autotrader.times import DAY_MS

ORDER_PATH: Final = "/api/v3/order"
PAGE: Final = 1000
AHEAD_MS: Final = 1000  # the venue takes timestamps less than that ahead of its clock
_FIGURE: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,36}", re.ASCII)
_BALANCES: Final = "balances"
_EVERY: Final = "*"


class BinanceBroker:
    """Orders and balances of one account. `on_filter_refusal` is told the symbol whose filters or closed market
    refused an order.
    """

    def __init__(
        self,
        client: Client,
        pool: Pool,
        on_filter_refusal: Callable[[str], None],
        recv_window_ms: int = RECV_WINDOW_MS,
    ) -> None:
        self._client = client
        self._calls = AccountCalls(client)
        self._pool = pool
        self._on_filter_refusal = on_filter_refusal
        self._window_ms = recv_window_ms

    def observe(self, needs: frozenset[AccountNeed], deadline: float) -> Account:
        """Balances and open orders, fetched concurrently; what could not be had is in `missing`."""
        clock = self._client.clock
        seconds = deadline - clock.monotonic()
        ends = self._client.monotonic() + seconds
        symbols = sorted(need.symbol for need in needs if isinstance(need, OpenOrdersNeed))
        # One request for all weighs 80, one for a symbol 6: the cheaper, and never a request a symbol for hundreds of
        # them.
        at_once = len(symbols) >= weights.ALL_ORDERS_FROM
        jobs: dict[str, Callable[[], tuple[int, Any]]] = {}
        if any(isinstance(need, BalancesNeed) for need in needs):
            jobs[_BALANCES] = lambda: (clock.now_ms(), self._within(ends).account())
        if at_once:
            jobs[_EVERY] = lambda: (clock.now_ms(), self._within(ends).open_orders())
        else:
            for symbol in symbols:
                jobs[symbol] = lambda symbol=symbol: (clock.now_ms(), self._within(ends).open_orders(symbol))  # type: ignore[misc]
        done = self._pool.run(jobs, seconds)
        self._client.governor.tell()
        return _account(done, symbols, f"not answered within {seconds:.1f} s")

    def fills(self, symbol: str, from_trade_id: int | None, from_ms: int) -> Sequence[Fill]:
        """Our trades, oldest first: after a trade id, or since a time. Raises ExchangeUnavailable, ExchangeRefused."""
        if from_trade_id is not None:
            return self._fills_from(symbol, from_trade_id + 1)
        start, now = from_ms, self._client.clock.now_ms()
        while start <= now:
            page = self._calls.my_trades(symbol, span=(start, min(start + DAY_MS - 1, now)))
            # Where the first page of a span begins, ids take over: by time a page that is full would hide what came
            # after it.
            if page:
                return self._fills_from(symbol, min(one.trade_id for one in page))
            start += DAY_MS
        return ()

    def fills_of(self, symbol: str, order_id: int) -> Sequence[Fill]:
        """Trades of one order, oldest first. Raises ExchangeUnavailable, ExchangeRefused."""
        found: dict[int, Fill] = {}
        from_id: int | None = None
        while True:
            page = self._calls.trades_of(symbol, order_id, from_id, PAGE)
            found |= {one.trade_id: one for one in page}
            newest = max((one.trade_id for one in page), default=-1)
            # A full page that brings nothing newer would be asked for for ever.
            if len(page) < PAGE or (from_id is not None and newest < from_id):
                return tuple(sorted(found.values(), key=lambda one: one.trade_id))
            from_id = newest + 1

    def submit(self, request: OrderRequest, sent_ms: int) -> SubmitResult:
        """Send once, with `sent_ms` as the request's timestamp.

        Raises SafetyRefused, before any byte is made, where orders may not be signed at all.
        """
        params = order_params(request)
        if (reason := _gate(encode(params), request)) is not None:
            return NotSent(reason)
        try:
            # The stamp was journalled before this call, and the horizon counts from it: it is checked, never replaced
            # by a newer.
            age = self._client.clock.certain_ms() - sent_ms
        except AutotraderError as error:
            return NotSent(error.message)
        # its horizon was reckoned from that time: signed anew it would no longer hold
        if not -AHEAD_MS < age <= self._window_ms:
            return NotSent(f"its timestamp is {age} ms old; the venue takes it up to {self._window_ms} ms")
        if (reason := self._client.governor.order_refusal()) is not None:
            return NotSent(reason)
        # with its fills, so that the first word already tells what was executed
        reply = self._once("POST", [*params, ("newOrderRespType", "FULL")], sent_ms)
        if not isinstance(reply, Reply):
            return reply
        if reply.status == 200:
            return _placed(reply, request)
        found = failure(reply)
        self._learn(found, request.symbol)
        return submit_outcome(found)

    def cancel(self, request: CancelRequest) -> CancelResult:
        """Ask to cancel, once. Raises SafetyRefused where cancelling may not be signed at all."""
        params: Params = [
            ("symbol", request.symbol),
            ("orderId", request.order_id),
            # one of the two: where both are sent they must agree, and a mistake would leave it open
            ("origClientOrderId", None if request.order_id is not None else request.client_order_id),
            ("cancelRestrictions", "ONLY_NEW" if request.only_new else None),
        ]
        try:
            timestamp = self._client.clock.certain_ms()
        except AutotraderError as error:
            return NotSent(error.message)
        reply = self._once("DELETE", params, timestamp)
        if not isinstance(reply, Reply):
            return reply
        if reply.status == 200:
            return _cancelled(reply, request)
        found = failure(reply)
        self._learn(found, request.symbol)
        return cancel_outcome(found)

    def find(self, symbol: str, client_order_id: str) -> Order | NotFound | Unknown:
        """Look an order up by the id we gave it. NotFound proves nothing before the horizon."""
        try:
            found = self._calls.order(symbol, client_order_id)
        except ExchangeRefused as refused:
            if refused.code == NO_SUCH_ORDER:
                return NotFound()
            return NotFound(archived=True) if refused.code == ARCHIVED else Unknown(refused.message)
        except AutotraderError as error:
            return Unknown(error.message)
        if found.client_order_id != client_order_id:  # caches mix up answers; about another order nothing was learnt
            return Unknown("the reply is about another order than was asked for")
        return found

    def history(self, symbol: str, from_ms: int) -> Sequence[Order]:
        """All orders since a time, oldest first. Raises ExchangeUnavailable or ExchangeRefused."""
        now = self._client.clock.now_ms()
        found: dict[int, Order] = {}
        start = from_ms
        while start <= now:
            page = self._calls.all_orders(symbol, span=(start, start + DAY_MS - 1), limit=PAGE)
            while page:
                found |= {one.order_id: one for one in page}
                newest = max(one.order_id for one in page)
                # a full page may have been cut
                page = self._calls.all_orders(symbol, from_id=newest + 1, limit=PAGE) if len(page) == PAGE else ()
            start += DAY_MS
        return tuple(sorted(found.values(), key=lambda one: one.order_id))

    def _fills_from(self, symbol: str, trade_id: int) -> Sequence[Fill]:
        found: dict[int, Fill] = {}
        while True:
            page = self._calls.my_trades(symbol, from_id=trade_id, limit=PAGE)
            found |= {one.trade_id: one for one in page if one.trade_id >= trade_id}
            if len(page) < PAGE or max(one.trade_id for one in page) < trade_id:
                return tuple(sorted(found.values(), key=lambda one: one.trade_id))
            trade_id = max(one.trade_id for one in page) + 1

    def _once(self, method: Any, params: Params, timestamp_ms: int) -> Reply | NotSent | Unknown:
        try:
            return self._client.trade(method, ORDER_PATH, params, timestamp_ms)
        except NotSentError as error:
            return NotSent(error.message)
        except NoReplyError as error:
            return Unknown(error.message)

    def _learn(self, found: Failure, symbol: str) -> None:
        if found.code == CLOCK_CODE:
            self._client.clock.suspect()
        # The venue changes ticks and steps with little notice: what it refused by a filter is measured anew before the
        # next.
        if found.code == FILTER_CODE or is_closed(found):
            self._on_filter_refusal(symbol)

    def _within(self, ends: float) -> AccountCalls:
        return self._calls.within(ends - self._client.monotonic())


def _gate(text: str, request: OrderRequest) -> str | None:
    """Read the text that will be sent back, and compare it with the request; why it must not leave, or None."""
    sent = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))
    figures = (("price", request.price), ("quantity", request.quantity))
    for name, wanted in figures:
        # read back from the text itself: what is compared is what will leave
        if not _FIGURE.fullmatch(sent[name]) or Decimal(sent[name]) != wanted or wanted <= 0:
            return f"the {name} would not leave as it was meant"
    names = (("symbol", request.symbol), ("side", request.side.value), ("newClientOrderId", request.client_order_id))
    if any(sent[name] != wanted for name, wanted in names) or not _CLIENT_ID.fullmatch(request.client_order_id):
        return "symbol, side or client order id would not leave as it was meant"
    return None


def _placed(reply: Reply, request: OrderRequest) -> SubmitResult:
    """What HTTP 200 to an order says: ours, another's, or nothing that can be read."""
    try:
        data = parse(reply.body)
    except BadJson as error:
        return Unknown(f"HTTP 200 without JSON that can be read: {error}")
    # before the rest is read: a foreign order must stop everything, however incomplete the reply
    if isinstance(data, dict) and (other := _other_order(data, request)) is not None:
        return Mismatch(other)
    try:
        order = account_replies.ORDER.read(data, request.symbol)
        fills = account_replies.order_fills(data, order)
    except BadReply as error:
        return Unknown(f"HTTP 200, but {error.message}")
    echoed = (order.price == request.price, order.quantity == request.quantity)
    if not all(echoed):
        return Mismatch("the exchange confirms another price or quantity than was sent")
    return Accepted(order, fills)


def _other_order(data: dict[str, Any], request: OrderRequest) -> str | None:
    """Which plain field of the echo is there and differs from what was sent."""
    sent = {
        "symbol": request.symbol,
        "clientOrderId": request.client_order_id,
        "side": request.side.value,
        "type": request.type.value,
    }
    # a field that is absent contradicts nothing
    differs = [name for name, wanted in sent.items() if name in data and data[name] != wanted]
    return f"the exchange confirms an order with another {', '.join(differs)}" if differs else None


def _cancelled(reply: Reply, request: CancelRequest) -> CancelResult:
    try:
        order = account_replies.CANCELLED.read(parse(reply.body), request.symbol)
    except (BadJson, BadReply) as error:
        return Unknown(f"HTTP 200, but the reply to the cancel cannot be read: {error}")
    if order.client_order_id != request.client_order_id:
        return Unknown("the exchange confirms the cancel of another order")
    return Cancelled(order)


def _account(done: dict[str, tuple[int, Any] | AutotraderError | None], symbols: Sequence[str], late: str) -> Account:
    """Put the answers together; `done` is keyed by symbol, or holds all open orders at once."""
    missing: dict[str, str] = {}
    open_orders: dict[str, tuple[Order, ...]] = {}
    asked: dict[str, int] = {}
    for symbol in symbols:
        result = done.get(_EVERY if _EVERY in done else symbol)
        if isinstance(result, tuple):
            asked[symbol], every = result
            open_orders[symbol] = tuple(one for one in every if one.symbol == symbol)
        else:
            missing[symbol] = result.message if result is not None else late
    balances = done.get(_BALANCES)
    if _BALANCES in done and not isinstance(balances, tuple):
        missing[_BALANCES] = balances.message if balances is not None else late
    return Account(
        balances=balances[1].balances if isinstance(balances, tuple) else {},
        balances_asked_ms=balances[0] if isinstance(balances, tuple) else None,
        open_orders=open_orders,
        orders_asked_ms=asked,
        missing=missing,
    )
