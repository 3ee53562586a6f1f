"""The paper broker: real public market data, simulated fills, no key, no order request.

What a paper order gets is on the cautious side of what a real one would have got (docs/venue.md §6.7):

* one that takes walks the order book as just fetched, at the levels' prices, never twice over the same book;
* one that rests gets nothing at its own price. Its symbol's trades are fetched from the last one seen, and it fills,
  at its own price, where the market traded through it, at most the quantity traded, shared among the orders there.

The venue's filters, statuses and refusals are kept (docs/venue.md §4, §5.3, §6.2). Every change is saved as text
before it is told, so that a restart goes on where it was. What the market data cannot say now is not decided: an
order is then not sent, a look-up unknown.

Not modelled: own orders on both sides that would meet each other (the venue's self-trade prevention) and fees in BNB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

from autotrader.errors import AutotraderError
from autotrader.exchanges.paper_account import Market, PaperAccount, from_text, to_text
from autotrader.market.account import Account
from autotrader.market.instrument import Instrument
from autotrader.market.needs import AccountNeed, BalancesNeed, OpenOrdersNeed
from autotrader.market.snapshot import Book
from autotrader.matching import MarketTrade, RestingOrder, crosses, filled, fills_through, walk
from autotrader.money import ZERO, plain, total
from autotrader.orders import (
    Accepted,
    Cancelled,
    CancelRequest,
    CancelResult,
    Fill,
    NotFound,
    NotSent,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejected,
    Side,
    SubmitResult,
    TimeInForce,
    Unknown,
)
from autotrader.ports import Clock
from autotrader.structs import dataclass

FEE = Decimal("0.001")  # docs/venue.md §6.5: the venue's standard rate
_PAGES = 50  # of market trades in one look; what is left comes with the next one


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """One aggregate trade of the market: its id, price in quote, quantity in base, venue time."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSource:
    """Where the paper broker gets public data; each call raises ExchangeUnavailable or ExchangeRefused.

    `trades(symbol, from_id, from_ms)`: one page, oldest first, from that id on, or where it is None from that time;
    empty when there are no more. `average` is the reference price of the percent filters (None: not checked).
    """

    instrument: Callable[[str], Instrument | None]
    book: Callable[[str], Book]
    trades: Callable[[str, int | None, int], Sequence[PublicTrade]]
    average: Callable[[str], Decimal | None] = lambda _symbol: None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperStore:
    """Where the account is kept: `load` gives the text last saved or None; `save` returns when it is safe."""

    load: Callable[[], str | None]
    save: Callable[[str], None]


class PaperBroker:
    """Implements `ports.Broker`. `start` are the balances of an account that is not there yet."""

    def __init__(
        self,
        source: PaperSource,
        store: PaperStore,
        clock: Clock,
        start: Mapping[str, Decimal],
        *,
        maker_fee: Decimal = FEE,
        taker_fee: Decimal = FEE,
    ) -> None:
        self._source, self._store, self._clock = source, store, clock
        self._maker_fee, self._taker_fee = maker_fee, taker_fee
        self._taken: dict[str, tuple[int, dict[Decimal, Decimal]]] = {}
        text = store.load()
        self._account = from_text(text) if text else PaperAccount(holdings=dict(start))

    @property
    def account(self) -> PaperAccount:
        """The account as last saved."""
        return self._account

    def reset(self, balances: Mapping[str, Decimal]) -> None:
        """Start over with these balances: no orders, no fills."""
        self._keep(self._account.started_over(balances))

    # ---- ports.Broker ----------------------------------------------------------------------------------------------

    def observe(self, needs: frozenset[AccountNeed], deadline: float) -> Account:
        """Balances and open orders after the market's latest trades; what needs trades that were not had is missing."""
        asked_ms = self._clock.now_ms()
        wanted = {need.symbol for need in needs if isinstance(need, OpenOrdersNeed)}
        balances = BalancesNeed() in needs
        resting = {order.symbol for order in self._account.open_orders()}
        # Balances depend on every resting order, of whatever symbol; open orders only on their own.
        behind = self._behind(sorted(resting if balances else resting & wanted), deadline)
        known = sorted(wanted - behind.keys())
        missing = {symbol: reason for symbol, reason in behind.items() if symbol in wanted}
        if balances and behind:
            missing["balances"] = "; ".join(f"{symbol}: {reason}" for symbol, reason in behind.items())
        has_balances = balances and not behind
        return Account(
            balances=self._account.balances() if has_balances else {},
            balances_asked_ms=asked_ms if has_balances else None,
            open_orders={symbol: self._account.open_orders(symbol) for symbol in known},
            orders_asked_ms=dict.fromkeys(known, asked_ms),
            missing=missing,
        )

    def fills(self, symbol: str, from_trade_id: int | None, from_ms: int) -> Sequence[Fill]:
        """Paper trades of a symbol, oldest first. Raises ExchangeUnavailable or ExchangeRefused."""
        self._catch_up(symbol)
        mine = (fill for fill in self._account.fills if fill.symbol == symbol)
        if from_trade_id is None:
            return tuple(fill for fill in mine if fill.time_ms >= from_ms)
        return tuple(fill for fill in mine if fill.trade_id > from_trade_id)

    def fills_of(self, symbol: str, order_id: int) -> Sequence[Fill]:
        """Paper trades of one order, oldest first. Raises ExchangeUnavailable or ExchangeRefused."""
        self._catch_up(symbol)
        return tuple(one for one in self._account.fills if (one.symbol, one.order_id) == (symbol, order_id))

    def submit(self, request: OrderRequest, sent_ms: int) -> SubmitResult:  # noqa: ARG002 - paper time is the clock's
        """Check as the venue does, take what the book gives, let the rest wait or expire."""
        try:
            self._catch_up(request.symbol)
            instrument = self._source.instrument(request.symbol)
            if instrument is None:
                return Rejected(-1121, "Invalid symbol.")
            if not instrument.has_filters:
                return NotSent(f"the filters of {request.symbol} are not known")
            refusal = self._refusal(request, instrument)
            if refusal is not None:
                return refusal
            levels = self._levels(request)
        except AutotraderError as error:
            return NotSent(f"paper order without market data: {error.message}")
        if request.type is OrderType.LIMIT_MAKER and levels and _crosses(request, levels[0][0]):
            return Rejected(-2010, "Order would immediately match and take.")
        return self._match(request, instrument, levels)

    def cancel(self, request: CancelRequest) -> CancelResult:
        """Cancel what is still open after the market's latest trades."""
        try:
            self._catch_up(request.symbol)
        except AutotraderError as error:
            return NotSent(f"paper cancel without market data: {error.message}")
        order = self._named(request)
        if order is None or not order.is_open:
            return Unknown("Unknown order sent.")  # as at the venue, this says "look": it may have filled before
        if request.only_new and order.status is not OrderStatus.NEW:
            return Rejected(-2011, "Order was not canceled due to cancel restrictions.")
        self._keep(self._account.ended(order.order_id, OrderStatus.CANCELED, self._clock.now_ms()))
        return Cancelled(self._account.orders[order.order_id])

    def find(self, symbol: str, client_order_id: str) -> Order | NotFound | Unknown:
        """An order by the id we gave it, after the market's latest trades."""
        order = self._account.by_client_id(symbol, client_order_id)
        if order is None:
            return NotFound()
        try:
            self._catch_up(symbol)
        except AutotraderError as error:
            return Unknown(f"paper fills are not known: {error.message}")
        return self._account.orders[order.order_id]

    def history(self, symbol: str, from_ms: int) -> Sequence[Order]:
        """All orders of a symbol since a time, oldest first. Raises ExchangeUnavailable or ExchangeRefused."""
        self._catch_up(symbol)
        return tuple(o for o in self._account.orders.values() if o.symbol == symbol and o.created_ms >= from_ms)

    # ---- resting orders --------------------------------------------------------------------------------------------

    def _behind(self, symbols: Sequence[str], deadline: float) -> dict[str, str]:
        """Catch up with each symbol; those that could not be, with the reason."""
        behind: dict[str, str] = {}
        for symbol in symbols:
            if self._clock.monotonic() >= deadline:
                behind[symbol] = "no time left to fetch the market's trades"
                continue
            try:
                self._catch_up(symbol)
            except AutotraderError as error:
                behind[symbol] = error.message
        return behind

    def _catch_up(self, symbol: str) -> None:
        """Show the market's trades since the last look to the orders that rest. Raises what the source raises."""
        account = self._account
        for _ in range(_PAGES):
            waiting = account.open_orders(symbol)
            if not waiting:
                break
            seen = account.seen.get(symbol)
            # Trades before the oldest order cannot fill any; by id where some were seen, because two may share a
            # millisecond.
            oldest = min(order.created_ms for order in waiting)
            page = self._source.trades(symbol, None if seen is None else seen + 1, oldest)
            fresh = [trade for trade in page if seen is None or trade.trade_id > seen]
            if not fresh:
                break
            account = self._shown(account, symbol, fresh)
        if account is not self._account:
            self._keep(account)

    def _shown(self, account: PaperAccount, symbol: str, trades: Sequence[PublicTrade]) -> PaperAccount:
        waiting = [
            RestingOrder(str(o.order_id), _word(o.side), o.price, o.remaining, o.created_ms)
            for o in account.open_orders(symbol)
        ]
        market = [MarketTrade(trade.price, trade.quantity, trade.time_ms) for trade in trades]
        for fill in fills_through(waiting, market, account.markets[symbol].step):
            account = account.filled(
                int(fill.order_id), fill.price, fill.quantity, time_ms=fill.time, rate=self._maker_fee, is_maker=True
            )
        return account.shown(symbol, trades[-1].trade_id)

    # ---- new orders ------------------------------------------------------------------------------------------------

    def _refusal(self, request: OrderRequest, instrument: Instrument) -> Rejected | Unknown | None:
        """What the venue would answer before it matches, in its order: filters, state, duplicate, balance."""
        account, waiting = self._account, self._account.open_orders(request.symbol)
        filters = self._filter_refusal(request, instrument, waiting)
        if filters:
            return Rejected(-1013, f"Filter failure: {filters}")
        if instrument.status != "TRADING":
            return Rejected(-2010, "Market is closed.", "outside")
        if any(order.client_order_id == request.client_order_id for order in waiting):
            return Unknown("Duplicate order sent.")  # the id is open: the order that has it may be this one
        asset, need = (
            (instrument.quote, request.notional) if request.side is Side.BUY else (instrument.base, request.quantity)
        )
        if account.free(asset) < need:
            return Rejected(-2010, "Account has insufficient balance for requested action.")
        return None

    def _filter_refusal(self, request: OrderRequest, instrument: Instrument, waiting: Sequence[Order]) -> str:
        price, quantity, side = request.price, request.quantity, request.side
        percent = instrument.bid_up or instrument.bid_down or instrument.ask_up or instrument.ask_down
        average = self._source.average(request.symbol) if percent else None
        reason = instrument.refusal(price, quantity, side, average)
        if reason:
            return reason
        if instrument.max_open_orders and len(waiting) >= instrument.max_open_orders:
            return f"MAX_NUM_ORDERS: {instrument.max_open_orders} orders are open"
        if side is Side.BUY and instrument.max_position:
            held = self._account.holdings.get(instrument.base, ZERO)
            coming = total(order.remaining for order in waiting if order.side is Side.BUY)
            if held + coming + quantity > instrument.max_position:
                return f"MAX_POSITION: above {plain(instrument.max_position)} {instrument.base}"
        return ""

    def _levels(self, request: OrderRequest) -> list[tuple[Decimal, Decimal]]:
        """The other side of the book as just fetched, less what paper orders took of the very same book."""
        book = self._source.book(request.symbol)
        update_id, taken = self._taken.get(request.symbol, (-1, {}))
        # The venue gave a new book, so what paper orders took of the old one has grown again, or is gone for all.
        if update_id != book.update_id:
            taken = {}
            self._taken[request.symbol] = (book.update_id, taken)
        side = book.asks if request.side is Side.BUY else book.bids
        return [(price, left) for price, quantity in side if (left := quantity - taken.get(price, ZERO)) > 0]

    def _match(
        self, request: OrderRequest, instrument: Instrument, levels: Sequence[tuple[Decimal, Decimal]]
    ) -> Accepted:
        """Book the order: what it takes now, and what becomes of the rest."""
        now = self._clock.now_ms()
        market = Market(instrument.base, instrument.quote, instrument.step)
        takes = walk(levels, _word(request.side), request.quantity, request.price)
        maker = request.type is OrderType.LIMIT_MAKER
        # Fill or kill takes all or nothing; a maker that would take was refused before.
        if maker or (request.tif is TimeInForce.FOK and filled(takes) < request.quantity):
            takes = ()
        order_id = self._account.next_order
        account = self._account.placed(_new_order(request, now), market)
        before = len(account.fills)
        for price, quantity in takes:
            account = account.filled(order_id, price, quantity, time_ms=now, rate=self._taker_fee, is_maker=False)
        if account.orders[order_id].is_open and not maker and request.tif is not TimeInForce.GTC:
            account = account.ended(order_id, OrderStatus.EXPIRED, now)
        fills = account.fills[before:]
        self._keep(account)
        taken = self._taken[request.symbol][1]
        for price, quantity in takes:
            taken[price] = taken.get(price, ZERO) + quantity
        return Accepted(self._account.orders[order_id], fills)

    def _named(self, request: CancelRequest) -> Order | None:
        """The order that a cancel means: by id, whose client id must then be the same; else by client id."""
        if request.order_id is None:
            return self._account.by_client_id(request.symbol, request.client_order_id)
        order = self._account.orders.get(request.order_id)
        if order is None or order.symbol != request.symbol:
            return None
        return order if request.client_order_id in {"", order.client_order_id} else None

    def _keep(self, account: PaperAccount) -> None:
        """Save, then go on with it: what was not saved has not happened."""
        tidy = account.tidied()
        self._store.save(to_text(tidy))
        self._account = tidy


def _word(side: Side) -> Literal["BUY", "SELL"]:
    return "BUY" if side is Side.BUY else "SELL"


def _crosses(request: OrderRequest, price: Decimal) -> bool:
    return crosses(_word(request.side), request.price, price)


def _new_order(request: OrderRequest, now_ms: int) -> Order:
    maker = request.type is OrderType.LIMIT_MAKER
    return Order(
        symbol=request.symbol, order_id=0, client_order_id=request.client_order_id, side=request.side,
        type=request.type.value, tif=TimeInForce.GTC.value if maker else request.tif.value, price=request.price,
        quantity=request.quantity, executed=ZERO, quote_executed=ZERO, status=OrderStatus.NEW, created_ms=now_ms,
        updated_ms=now_ms,
    )  # fmt: skip
