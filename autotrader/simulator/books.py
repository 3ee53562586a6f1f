"""What orders do to balances: locks, fills, fees, prevented self-trades, and how orders end.

Strategy: every open order holds exactly what its rest may cost (the two orders
of an OCO hold the larger need between them). A fill first shrinks that lock,
then pays and receives, then takes the commission out of what is received (or
from BNB). Amounts in the quote asset are rounded down to eight decimals, locks
up, commissions down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from autotrader.matching import Match, Placement, Prevented
from autotrader.simulator.accounts import Account, Ledger, Purse
from autotrader.simulator.errors import MAY_NOT_TRADE, cancel_rejected
from autotrader.simulator.limits import OrderCounts
from autotrader.simulator.market import Market
from autotrader.simulator.model import AT_MARKET, OPEN, Order, OrderList, OwnTrade, PreventedMatch

ZERO = Decimal(0)
UNIT = Decimal("0.00000001")
MAKER_CREDIT = 5
"""Unfilled orders given back at an order's first fill as maker (1 as taker); the documents' example."""
ENDS = {
    "": ("FILLED", ""),
    "IOC_REST": ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED"),
    "FOK_UNFILLED": ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED"),
    "NO_LIQUIDITY": ("EXPIRED", "INSUFFICIENT_LIQUIDITY"),
    "PRICE_RANGE": ("EXPIRED", "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"),
    "PREVENTED": ("EXPIRED_IN_MATCH", ""),
}
INHERITED = ("OTO_PHASE_ONE_EXPIRED", "REJECTED")
"""Reasons that one order of a pair hands to the other; otherwise the other ends by OCO_TRIGGER."""


@dataclass(slots=True)
class Client:
    """An account's state at the exchange."""

    account: Account
    purse: Purse
    counts: OrderCounts
    uid: int
    update_time: int
    orders: dict[str, list[Order]] = field(default_factory=dict)
    trades: dict[str, list[OwnTrade]] = field(default_factory=dict)
    open: dict[int, Order] = field(default_factory=dict)
    by_client_id: dict[tuple[str, str], Order] = field(default_factory=dict)
    lists: dict[int, OrderList] = field(default_factory=dict)
    prevented: dict[str, list[PreventedMatch]] = field(default_factory=dict)

    def open_on(self, symbol: str | None) -> list[Order]:
        """Open orders of a symbol (None: of all), oldest first."""
        return [order for order in self.open.values() if symbol is None or order.symbol == symbol]


def amount(price: Decimal, quantity: Decimal) -> Decimal:
    """Price times quantity, rounded down to eight decimals."""
    return (price * quantity).quantize(UNIT, ROUND_DOWN)


def _need(order: Order) -> Decimal:
    """What the rest of an order may still cost."""
    at_market = order.type == "MARKET" or (order.type in AT_MARKET and order.working)
    if at_market or not order.open or order.status == "PENDING_NEW":
        return ZERO
    rest = order.available
    return rest if order.side == "SELL" else (order.lock_price * rest).quantize(UNIT, ROUND_UP)


class Books:
    """All accounts' balances and orders. ``clock`` gives the exchange's time in ms."""

    def __init__(
        self,
        markets: dict[str, Market],
        clock: Callable[[], int],
        counted: Callable[[Client, int], None],
    ) -> None:
        self.markets = markets
        self.ledger = Ledger()
        self.clients: dict[str, Client] = {}
        self.clock = clock
        self.counted = counted
        self.changes = 0
        self.known: dict[int, tuple[Client, Order]] = {}
        self.waiting: dict[str, dict[int, Order]] = {}
        self.due: list[tuple[Client, OrderList]] = []
        self._prevented: dict[str, int] = {}
        self._next_trade = 1

    # ---- locks ---------------------------------------------------------------

    def lock(self, client: Client, *orders: Order) -> None:
        """Lock what orders may cost; the two of a pair together."""
        for order in orders:
            if order.type != "MARKET":
                spec = self.markets[order.symbol].spec
                order.lock_asset = spec.quote if order.side == "BUY" else spec.base
        self.relock(client, orders[0])

    def relock(self, client: Client, order: Order) -> None:
        """Make the lock what the rest of the order, or of its pair, may still cost."""
        if order.list is None or order not in order.list.pair:
            self._hold(client, order, _need(order))
            return
        needed = max(_need(leg) for leg in order.list.pair)
        for leg in order.list.pair:
            holds = leg.open and leg.status != "PENDING_NEW"
            self._hold(client, leg, needed if holds else ZERO)
            needed = ZERO if holds else needed

    def _hold(self, client: Client, order: Order, needed: Decimal) -> None:
        if needed != order.locked:
            client.purse.lock(order.lock_asset, needed - order.locked)
            order.locked = needed

    # ---- filling -----------------------------------------------------------

    def settle(self, client: Client, order: Order, placement: Placement) -> None:
        fills: list[OwnTrade] = []
        for match in placement.matches:
            fills.append(self._fill(client, order, match.price, match.quantity, maker=False))
            if match.maker is not None:
                self._fill_maker(match)
        order.fills = tuple(fills)
        for note in placement.prevented:
            self._prevent(client, order, note)
        if order.open and (placement.reason or order.available <= 0):
            order.status, order.expiry_reason = ENDS[placement.reason]
            self._end(client, order)

    def market_fills(self, matches: tuple[Match, ...]) -> None:
        """Book what a trade of the market gave to resting orders."""
        for match in matches:
            self._fill_maker(match)

    def _fill_maker(self, match: Match) -> None:
        if match.maker is not None:
            client, order = self.known[match.maker.order_id]
            self._fill(client, order, match.price, match.quantity, maker=True)

    def _fill(self, client: Client, order: Order, price: Decimal, quantity: Decimal, *, maker: bool) -> OwnTrade:
        spec = self.markets[order.symbol].spec
        value = amount(price, quantity)
        if not order.executed:
            self.counted(client, -MAKER_CREDIT if maker else -1)
            self.end_others(client, order)
        order.executed += quantity
        order.quote_executed += value
        order.update_time = self.clock()
        order.status = "FILLED" if order.available <= 0 else "PARTIALLY_FILLED"
        buying = order.side == "BUY"
        paid, received = (spec.quote, spec.base) if buying else (spec.base, spec.quote)
        # what is paid and received, each in its own asset
        cost, gain = (value, quantity) if buying else (quantity, value)
        self.relock(client, order)
        client.purse.of(paid).free -= cost  # the lock has shrunk first, so this never dips below zero
        client.purse.of(received).free += gain
        self.ledger.to_market(paid, cost)
        self.ledger.to_market(received, -gain)
        fee, asset = commission(
            client.account, client.purse, self.markets, order.symbol, gain=gain, value=value, maker=maker, buying=buying
        )
        client.purse.of(asset).free -= fee  # from what is received or from BNB, but never from what is still locked
        self.ledger.fee(asset, fee)
        trade = OwnTrade(
            self._next_trade, order.id, order.symbol, price, quantity, value, fee, asset, self.clock(), buying, maker,
            order.list_id,
        )  # fmt: skip
        self._next_trade += 1
        client.trades.setdefault(order.symbol, []).append(trade)
        client.update_time = trade.time
        if not order.open:
            self._end(client, order)
        return trade

    def _prevent(self, client: Client, order: Order, note: Prevented) -> None:
        """Book a self-trade that did not happen."""
        maker_client, maker = self.known[note.maker.order_id]
        number = self._prevented.get(order.symbol, 0)  # numbered by symbol, as trades are
        self._prevented[order.symbol] = number + 1
        match = PreventedMatch(
            number, order.symbol, order.id, maker.id, client.account.trade_group, note.mode, note.price,
            note.taker_shown, note.maker_shown, self.clock(),
        )  # fmt: skip
        order.prevented_matches += (match,)
        # by identity, since both sides may be the same account and are to be told once
        for whose in {id(client): client, id(maker_client): maker_client}.values():
            whose.prevented.setdefault(order.symbol, []).append(match)
        for whose, lost_by, loss in ((client, order, note.taker_loss), (maker_client, maker, note.maker_loss)):
            if loss:
                lost_by.prevented += loss
                lost_by.prevented_id, lost_by.update_time = number, match.time
                self.relock(whose, lost_by)
        if note.mode == "TRANSFER" and maker_client is not client:  # within one account a transfer moves nothing
            self._transfer(client, maker_client, order, note)
        if maker.available <= 0:
            maker.status = "EXPIRED_IN_MATCH"
            self._end(maker_client, maker)

    def _transfer(self, client: Client, maker_client: Client, order: Order, note: Prevented) -> None:
        """TRANSFER between accounts of one group: the goods change hands without a trade or a commission."""
        spec = self.markets[order.symbol].spec
        buyer, seller = (client, maker_client) if order.side == "BUY" else (maker_client, client)
        value = amount(note.price, note.taker_loss)  # at the price at which they would have met
        for giver, taker, asset, moved in (
            (seller, buyer, spec.base, note.taker_loss), (buyer, seller, spec.quote, value),
        ):  # fmt: skip
            giver.purse.of(asset).free -= moved
            taker.purse.of(asset).free += moved

    # ---- ending ------------------------------------------------------------

    def _end(self, client: Client, order: Order) -> None:
        self.relock(client, order)
        client.open.pop(order.id, None)
        self.known.pop(order.id, None)
        self.waiting.get(order.symbol, {}).pop(order.id, None)
        if order.list is not None:
            self._end_in_list(client, order, order.list)

    def _end_in_list(self, client: Client, order: Order, orders: OrderList) -> None:
        # only a whole fill starts the pending ones; a part fill that is then cancelled never does
        if order is orders.first and order.status == "FILLED":
            self.due.append((client, orders))
        elif order is orders.first:
            # pending orders end as their first one did
            status = "CANCELED" if order.status == "CANCELED" else "EXPIRED"
            for later in orders.pending:
                if later.open:
                    self.finish(client, later, status, "" if status == "CANCELED" else "OTO_PHASE_ONE_EXPIRED")
        self.end_others(client, order)

    def end_others(self, client: Client, order: Order) -> None:
        """One order of a pair has traded, triggered or ended: the other is over."""
        others = order.list.others(order) if order.list is not None else ()
        if order.list is not None and others:
            order.list.pair = ()  # or the end of the other would come back to this one
        for other in others:
            if order.status == "CANCELED":
                self.finish(client, other, "CANCELED")
            else:
                reason = order.expiry_reason if order.expiry_reason in INHERITED else "OCO_TRIGGER"
                self.finish(client, other, "EXPIRED", reason)

    def finish(self, client: Client, order: Order, status: str, reason: str = "") -> None:
        """End an open order, wherever it waits."""
        if not order.open:
            return
        # does nothing for an order that waits for a trigger, which is not in the book
        self.markets[order.symbol].book.cancel(order.id)
        order.status, order.expiry_reason, order.update_time = status, reason, self.clock()
        self.changes += 1
        client.update_time = order.update_time
        self._end(client, order)

    def cancel(self, client: Client, order: Order) -> None:
        """Cancel an open order and the whole list it belongs to; locks go back. Raises -2011."""
        if not client.account.can_trade:
            raise cancel_rejected(MAY_NOT_TRADE)
        # cancelling one order of a list cancels the list
        for each in (order,) if order.list is None else order.list.orders:
            self.finish(client, each, "CANCELED")

    # ---- proof -------------------------------------------------------------

    def check(self) -> None:
        """The invariants: nothing lost or made, locks equal to what open orders need. Raises AssertionError."""
        self.ledger.check([client.purse for client in self.clients.values()])
        for client in self.clients.values():
            locks: dict[str, Decimal] = {}
            for order in client.open.values():
                if order.status not in OPEN or (order.available <= 0 and order.status != "PENDING_NEW"):
                    raise AssertionError(f"order {order.id} is open but {order.status}")
                together = order.list.pair if order.list is not None and order in order.list.pair else (order,)
                held, needed = sum(each.locked for each in together), max(map(_need, together))
                if held != needed:
                    raise AssertionError(f"order {order.id} holds {held} and needs {needed}")
                locks[order.lock_asset] = locks.get(order.lock_asset, ZERO) + order.locked
            for asset, balance in client.purse.assets.items():
                if balance.locked != locks.get(asset, ZERO):
                    raise AssertionError(f"{asset}: locked {balance.locked}, orders hold {locks.get(asset, ZERO)}")


def commission(  # noqa: PLR0913 - one keyword for each fact of a fill
    account: Account,
    purse: Purse,
    markets: Mapping[str, Market],
    symbol: str,
    *,
    gain: Decimal,
    value: Decimal,
    maker: bool,
    buying: bool,
) -> tuple[Decimal, str]:
    """The fee of a fill that brings ``gain`` and is worth ``value`` (quote asset), and its asset; rounded down.

    Formula (the venue's commission FAQ): each part is received amount times (maker or taker rate + buyer or seller
    rate). Paid in BNB, only the standard part is multiplied by the discount, and the quote value is converted at the
    BNB price. An account without enough BNB pays in full from what it receives, fill by fill.
    """
    spec = markets[symbol].spec
    standard = account.standard.of(maker=maker, buying=buying)
    extra = account.special.of(maker=maker, buying=buying) + account.tax.of(maker=maker, buying=buying)
    bnb = markets.get(f"BNB{spec.quote}")
    if account.bnb_fees and spec.bnb_fees and bnb is not None and bnb.last is not None:
        rate = standard * account.bnb_discount + extra
        fee = (value * rate / bnb.last.price).quantize(UNIT, ROUND_DOWN)
        if purse.of("BNB").free >= fee:
            return fee, "BNB"
    return (gain * (standard + extra)).quantize(UNIT, ROUND_DOWN), spec.base if buying else spec.quote
