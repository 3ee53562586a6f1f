"""The last look at data ages, at the signer: an order whose price was judged on an old book does not leave.

Decide and review saw fresh data, but between them and the POST other orders were sent one after the other, and each
may have taken seconds. So the age of the book is asked once more, by the gateway, just before "sent" is written.
"""

from __future__ import annotations

from autotrader.language.vocabulary.limits import BOOK_MS
from autotrader.market.snapshot import Snapshot
from autotrader.ports import Clock
from autotrader.records.intents import Intent


class Freshness:
    """Remembers when the books that orders were judged on were asked for; `refuse` is the gateway's last question."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_ms: dict[str, int] = {}

    def seen(self, snapshot: Snapshot) -> None:
        """From now on these books count."""
        for symbol in {need.symbol for need in snapshot.seen if hasattr(need, "symbol")}:
            book = snapshot.book(symbol)
            if not isinstance(book, str):
                self._asked_ms[symbol] = book.asked_ms

    def refuse(self, intent: Intent) -> str | None:
        """Why an order must not leave now, or None."""
        symbol = intent.request.symbol
        asked_ms = self._asked_ms.get(symbol)
        if asked_ms is None:
            return f"the order book of {symbol} was never seen"
        age = self._clock.now_ms() - asked_ms
        return f"the order book is {age / 1000:.1f} s old (limit {BOOK_MS // 1000} s)" if age > BOOK_MS else None
