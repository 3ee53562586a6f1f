"""What people write who know another program: the word of this language that they mean.

Likeness of letters alone misleads (`and` resembles `any` and means `all`), so these tables are asked before it. A word
is suggested only where it is allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from autotrader.market.instrument import Instrument

KEYS = {
    "and": "all", "or": "any", "none": "not", "if": "when", "condition": "when", "conditions": "when", "do": "then",
    "action": "then", "actions": "then", "pair": "symbol", "market": "symbol", "interval": "every", "cron": "at",
    "schedule": "at", "wait": "cooldown", "description": "about", "comment": "about", "purchase": "buy",
    "alert": "notify", "message": "notify", "stop": "halt", "amount": "spend", "cost": "spend", "quantity": "size",
    "qty": "size", "limit": "price", "time_in_force": "tif", "timeout": "cancel_after", "expires": "cancel_after",
}  # fmt: skip
WORDS = {
    "price": "last", "ticker": "last", "now": "last", "ma": "sma", "moving_average": "sma", "stddev": "stdev",
    "balance": "free", "available": "free", "best_bid": "bid", "best_ask": "ask", "drop": "change_24h",
}  # fmt: skip
_EXIT = "stops and brackets are not supported yet: write the exit as a rule of its own, with `sell`"
NOTES = {
    "type": "leave it out: every order is a limit order, and `price: market` trades at once",
    "stop_loss": _EXIT, "take_profit": _EXIT, "stop_price": _EXIT, "trailing_stop": _EXIT,
}  # fmt: skip


def meant_key(found: str, allowed: Collection[str]) -> str:
    """A hint for an unknown key, or ""."""
    word = KEYS.get(found.lower(), "")
    if word in allowed:
        return f"did you mean `{word}`?"
    return NOTES.get(found.lower(), "") if "price" in allowed else ""


def meant_word(found: str) -> str:
    """A hint for an unknown word of an expression, or ""."""
    word = WORDS.get(found.lower(), "")
    return f"did you mean `{word}`?" if word else ""


# ------------------------------------------------------------------------------------------------------------- symbols
# Base and quote of the exchange's JPY pairs, for checks without a connection.
#
# A dated list (2026; docs/venue.md §1.2), without filters, so nothing may trade on it: exchangeInfo overrides it.

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
