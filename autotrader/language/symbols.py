"""Base and quote of the exchange's JPY pairs, for checks without a connection.

A dated list (2026; docs/venue.md §1.2), without filters, so nothing may trade on it: exchangeInfo overrides it.
"""

from __future__ import annotations

from collections.abc import Mapping

from autotrader.market.instrument import Instrument

DATED = "2026-01"
BASES = (
    "ADA", "APT", "BCH", "BNB", "BTC", "DOGE", "ETH", "FET", "GIGGLE", "IOTX", "LINK", "LPT", "LTC", "MEME", "NEAR",
    "PEPE", "POL", "SEI", "SHIB", "SOL", "SUI", "TAO", "TRB", "TRUMP", "TRX", "XLM", "XRP",
)  # fmt: skip
OFFLINE: Mapping[str, Instrument] = {
    f"{base}JPY": Instrument(symbol=f"{base}JPY", base=base, quote="JPY") for base in BASES
}


def guessed(symbol: str) -> Instrument | None:
    """An instrument for a symbol of the dated table's shape (`XYZJPY`) that it does not list; None for others."""
    for quote in ("JPY", "USDT", "BTC"):
        base = symbol.removesuffix(quote)
        if base not in ("", symbol):
            return Instrument(symbol=symbol, base=base, quote=quote)
    return None
