"""Commission of a fill: standard, special and tax parts, in what is received or in BNB.

Formula (the venue's commission FAQ): each part is received amount times (maker
or taker rate + buyer or seller rate). Paid in BNB, only the standard part is
multiplied by the discount, and the quote value is converted at the BNB price.
An account without enough BNB pays in full from what it receives, fill by fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from autotrader.simulator.accounts import Account, Purse
from autotrader.simulator.market import Market

UNIT = Decimal("0.00000001")


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
    """The fee of a fill that brings ``gain`` and is worth ``value`` (quote asset), and its asset; rounded down."""
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
