"""Money as the records have it: what was spent of a day's limit, and each trade as accounting needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from autotrader.language.plan import Plan
from autotrader.money import ZERO, plain
from autotrader.orders import Fill, Side
from autotrader.records.store import Store
from autotrader.structs import dataclass
from autotrader.times import TOKYO, local, start_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What rules bought in a quote asset on the account's day up to a moment, and the day's limit."""

    asset: str
    spent: Decimal
    limit: Decimal | None


def spending(store: Store, plan: Plan, at_ms: int) -> tuple[Spending, ...]:
    """What was bought since midnight of the account's zone, per asset that has a limit or was spent."""
    start = start_of("day", at_ms, plan.settings.timezone)
    limits = plan.settings.limits.spend_per_day
    found = dict.fromkeys(limits, ZERO)
    for fill, _ in store.orders.fills_with_rule(start):
        if fill.time_ms <= at_ms and fill.side is Side.BUY:
            asset = next((name for name in ("JPY", *limits) if fill.symbol.endswith(name)), "")
            found[asset] = found.get(asset, ZERO) + fill.quote
    return tuple(Spending(asset=name, spent=spent, limit=limits.get(name)) for name, spent in found.items() if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One of our fills, with the rule that placed its order ("" for one by hand)."""

    fill: Fill
    rule: str

    def as_json(self) -> dict[str, str]:
        """For programs, and as a row of the CSV: every column as text."""
        return {name: cell(self) for name, cell in TRADE_COLUMNS.items()}


# What accounting needs, in this order. `quote_jpy` is empty for a symbol that is not quoted in yen.
TRADE_COLUMNS: Mapping[str, Callable[[Trade], str]] = {
    "time_jst": lambda one: f"{local(one.fill.time_ms, TOKYO):%Y-%m-%d %H:%M:%S}",
    "symbol": lambda one: one.fill.symbol,
    "side": lambda one: str(one.fill.side),
    "price": lambda one: plain(one.fill.price),
    "quantity": lambda one: plain(one.fill.quantity),
    "quote_jpy": lambda one: plain(one.fill.quote) if one.fill.symbol.endswith("JPY") else "",
    "quote": lambda one: plain(one.fill.quote),
    "fee": lambda one: plain(one.fill.fee),
    "fee_asset": lambda one: one.fill.fee_asset,
    "liquidity": lambda one: "maker" if one.fill.is_maker else "taker",
    "trade_id": lambda one: str(one.fill.trade_id),
    "order_id": lambda one: str(one.fill.order_id),
    "client_order_id": lambda one: one.fill.client_order_id,
    "rule": lambda one: one.rule,
}


def trades(store: Store, since_ms: int) -> Iterator[Trade]:
    """Own fills since a time, oldest first."""
    for fill, rule in store.orders.fills_with_rule(since_ms):
        yield Trade(fill=fill, rule=rule)
