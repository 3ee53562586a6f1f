"""Balances at start: taken over as they are, and said what of them others moved since the last start.

Others are the account's owner (deposits, withdrawals, trades by hand) and other programs. It is a report and no
condition: people may do with their account what they like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from autotrader.market.account import Account
from autotrader.money import ZERO, total
from autotrader.orders import Side
from autotrader.records.store import Store


class Assets(NamedTuple):
    """What a symbol trades."""

    base: str
    quote: str


def no_assets(_symbol: str) -> Assets | None:
    """For a caller that knows no instruments."""
    return None


def holdings(account: Account) -> dict[str, Decimal]:
    """Free and locked together, of every asset that is there, sorted; nothing where balances were not had."""
    return {asset: one.holding for asset, one in sorted(account.balances.items()) if one.holding != ZERO}


def moved_by_others(
    store: Store, now: Mapping[str, Decimal], assets: Callable[[str], Assets | None]
) -> dict[str, Decimal]:
    """Holdings now less those of the last start and what our trades since then moved. Empty where that cannot be said.

    Trades are counted from the moment at which they were booked: what filled in between two starts is in neither.
    """
    known = next((act for act in reversed(store.chain.latest(50, kind="start")) if act.data.get("balances")), None)
    if known is None or not now:
        return {}
    moves: dict[str, list[Decimal]] = {asset: [amount] for asset, amount in now.items()}
    for asset, amount in known.data["balances"].items():
        moves.setdefault(asset, []).append(-Decimal(amount))
    for act in store.chain.acts(kind="fill", after=known.n):
        fill = act.data
        pair = assets(fill["symbol"])
        if pair is None:
            return {}
        sign = -1 if fill["side"] == Side.BUY else 1  # undone: what we bought is taken away again
        moves.setdefault(pair.base, []).append(sign * Decimal(fill["quantity"]))
        moves.setdefault(pair.quote, []).append(-sign * Decimal(fill["quote"]))
        moves.setdefault(fill["fee_asset"], []).append(Decimal(fill["fee"]))
    changed = {asset: total(amounts) for asset, amounts in sorted(moves.items())}
    return {asset: amount for asset, amount in changed.items() if amount != ZERO}
