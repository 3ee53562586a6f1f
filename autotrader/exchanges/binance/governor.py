"""Never banned: counts what we ask for, believes the venue's own count, and is silent when told to be (P12).

Weight is counted per minute of the venue's clock when a request leaves, and corrected upwards by the header of every
reply. Reads stop at the account's share less a reserve; what places, cancels or looks after an order may use the
reserve. A 429, 418 or 403 parks everything until its end. That end can be taken out and put back, so that it outlives
a restart. Thread-safe; the hook for it is only called in the thread that made the governor, because that thread alone
writes records.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from autotrader.exchanges.binance.market_replies import RateLimit
from autotrader.exchanges.binance.weights import DEFAULT_LIMIT
from autotrader.exchanges.messages import NotSentError, Reply
from autotrader.exchanges.reading import BadJson, parse
from autotrader.exchanges.venue import WEIGHT_PART, Parked
from autotrader.structs import dataclass
from autotrader.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

RESERVE: Final = 0.1
LONGEST_MS: Final = 4 * DAY_MS  # the venue's longest ban is 3 days
FIREWALL_MS: Final = 5 * MINUTE_MS
_FIRST_MS: Final = {429: MINUTE_MS, 418: 2 * MINUTE_MS, 403: FIREWALL_MS}
_UNITS: Final = {"S": SECOND_MS, "M": MINUTE_MS, "H": HOUR_MS, "D": DAY_MS}
_INTERVALS: Final = {"SECOND": SECOND_MS, "MINUTE": MINUTE_MS, "HOUR": HOUR_MS, "DAY": DAY_MS}
_ORDER_COUNT: Final = re.compile(r"x-mbx-order-count-([0-9]{1,4})([smhd])")
_BANNED_UNTIL: Final = re.compile(rb"banned until ([0-9]{13})")


class Refrained(NotSentError):
    """Not sent because of the venue's limits; trying again at once would be wrong."""


@dataclass(frozen=True, slots=True)
class OrderLimit:
    """At most `limit` unfilled orders in windows of `window_ms` (exchangeInfo.rateLimits)."""

    window_ms: int
    limit: int


class Governor:
    """Asked before each request, told after each reply."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        *,
        share: int | None = None,
        part: float = WEIGHT_PART,
        parked: Parked | None = None,
        on_parked: Callable[[Parked], None] | None = None,
        on_parking: Callable[[Parked], None] | None = None,
    ) -> None:
        """Reads may use `share` of weight a minute, or where that is None this `part` of the venue's limit.

        `on_parked` is called in the home thread, `on_parking` at once in whatever thread heard of it.
        """
        self._now_ms = now_ms
        self._share = share
        self._part = part
        self._parked = parked
        self._on_parked = on_parked
        self._on_parking = on_parking
        self._lock = threading.Lock()
        self._limit = DEFAULT_LIMIT
        self._minute = 0
        self._used = 0
        self._strikes = 0
        self._home = threading.get_ident()
        self._untold: Parked | None = None
        self._orders: dict[int, tuple[int, int]] = {}  # window → (its number, orders in it)
        self._order_limits: tuple[OrderLimit, ...] = ()

    @property
    def limit(self) -> int:
        """The venue's request weight per minute."""
        return self._limit

    @property
    def used(self) -> int:
        """Weight used in the current minute, as far as known."""
        with self._lock:
            return self._used if self._minute == self._now_ms() // MINUTE_MS else 0

    def parked(self) -> Parked | None:
        """The silence that now holds, to be kept over a restart; None when free to ask."""
        now = self._now_ms()
        parked = self._parked
        if parked is None or not now < parked.until_ms <= now + LONGEST_MS + MINUTE_MS:
            return None  # over, or an end so far off that it cannot be one (a clock was wrong when it was kept)
        return parked

    def keep(self, parked: Parked) -> None:
        """Take over a silence from before a restart; a longer one that already holds stays."""
        if self._parked is None or self._parked.until_ms < parked.until_ms:
            self._parked = parked

    def tell(self) -> None:
        """Call the hook for a silence that began in another thread. Does nothing outside the home thread."""
        if threading.get_ident() == self._home and self._untold is not None and self._on_parked is not None:
            # Taken out before the hook is called: the hook writes a record, and may come back here while it does.
            untold, self._untold = self._untold, None
            self._on_parked(untold)

    def learn(self, weight_limit: int | None, order_limits: tuple[OrderLimit, ...]) -> None:
        """Take over the limits of exchangeInfo."""
        with self._lock:
            # An exchangeInfo that lacks a limit says nothing about it; the one that is known stays.
            self._limit = weight_limit or self._limit
            self._order_limits = order_limits or self._order_limits

    def take(self, weight: int, *, urgent: bool = False) -> None:
        """Count a request that is about to leave. Raises Refrained where it must not."""
        if (parked := self.parked()) is not None:
            raise Refrained(f"parked for {max(1, (parked.until_ms - self._now_ms()) // 1000)} s: {parked.reason}")
        with self._lock:
            minute = self._now_ms() // MINUTE_MS
            if minute != self._minute:
                self._minute, self._used = minute, 0
            allowed = self._allowed(urgent=urgent)
            if self._used + weight > allowed:
                raise Refrained(f"request weight of this minute is spent ({self._used} of {allowed})")
            # Counted before it leaves: threads that ask side by side must not each see the same room.
            self._used += weight

    def order_refusal(self) -> str | None:
        """Why no further order may be placed now (the venue's order counts), or None."""
        now = self._now_ms()
        with self._lock:
            for one in self._order_limits:
                number, count = self._orders.get(one.window_ms, (-1, 0))
                # The venue cuts its windows at round times, so a count of the window before is worth nothing in this
                # one.
                if number == now // one.window_ms and count >= one.limit:
                    return f"{count} of {one.limit} orders in {one.window_ms // 1000} s are used"
        return None

    def heard(self, reply: Reply) -> None:
        """Take the counts from a reply's headers, and park where it says so."""
        now = self._now_ms()
        with self._lock:
            used = _count(reply.headers.get("x-mbx-used-weight-1m", ""))
            if used is not None:
                minute = now // MINUTE_MS
                # The venue counts what other programs at this address asked, and we what it has not counted yet: the
                # larger is true.
                self._used = max(self._used if minute == self._minute else 0, used)
                self._minute = minute
            for name, value in reply.headers.items():
                match, count = _ORDER_COUNT.fullmatch(name), _count(value)
                if match and count is not None and int(match[1]):
                    window = int(match[1]) * _UNITS[match[2].upper()]
                    self._orders[window] = (now // window, count)
            # Strikes make bans without a named end grow; one good answer shows that the venue is at peace with us.
            if reply.status < 400:
                self._strikes = 0
        if reply.status in _FIRST_MS:
            self._park(reply, now)

    def _allowed(self, *, urgent: bool) -> int:
        if urgent:
            # Half of the reserve is for what looks after orders; the other half keeps us clear of the limit itself.
            return int(self._limit * (1 - RESERVE / 2))
        share = self._share if self._share is not None else int(self._limit * self._part)
        return min(share, int(self._limit * (1 - RESERVE)))

    def _park(self, reply: Reply, now: int) -> None:
        self._strikes += 1
        # Going on after a 429 is what makes it a 418, and each 418 is longer than the last: doubling is the venue's own
        # habit.
        wait_ms = _wait_ms(reply, now) or _FIRST_MS[reply.status] * 2 ** min(self._strikes - 1, 12)
        # The firewall names no end that can be trusted, and knocking again keeps it shut.
        if reply.status == 403:
            wait_ms = max(wait_ms, FIREWALL_MS)
        until = now + min(wait_ms, LONGEST_MS)
        if (held := self.parked()) is not None and held.until_ms >= until:
            return
        self._parked = Parked(until, f"the exchange answered HTTP {reply.status}")
        if self._on_parking is not None:
            self._on_parking(self._parked)
        # Kept until the home thread comes by: a record may be written by no other.
        self._untold = self._parked
        self.tell()


def order_limits(rate_limits: Sequence[RateLimit]) -> tuple[OrderLimit, ...]:
    """ORDERS limits of exchangeInfo."""
    return tuple(
        OrderLimit(_INTERVALS[one.interval] * one.number, one.limit)
        for one in rate_limits
        if one.kind == "ORDERS" and one.interval in _INTERVALS
    )


def _count(text: str) -> int | None:
    """A count in a header; None for what is no count (more than nine digits are none)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _wait_ms(reply: Reply, now: int) -> int | None:
    """How long the reply asks us to be silent: Retry-After in seconds, else the end of the ban in its text."""
    after = reply.headers.get("retry-after", "").strip()
    if after.isascii() and after.isdigit():
        return int(after[:9]) * 1000 + SECOND_MS
    if match := _BANNED_UNTIL.search(reply.body[:2000]):
        return max(0, int(match[1]) - now) + SECOND_MS
    return None


class BanFile:
    """The ban of one host, beside those of others in one file: it holds for this machine's address, whichever store or
    command asks next.

    The file is small and rewritten whole. What cannot be read is no ban; what cannot be written is only lost at a
    restart.
    """

    def __init__(self, path: Path, origin: str) -> None:
        self._path = path
        self._origin = origin
        self._lock = threading.Lock()

    def read(self) -> Parked | None:
        """The ban that was last kept, over or not; None where there is none that makes sense."""
        row = self._rows().get(self._origin)
        if not isinstance(row, dict):
            return None
        until, reason = row.get("until_ms"), row.get("reason")
        if not isinstance(until, int) or not isinstance(reason, str):
            return None
        return Parked(until, reason)

    def write(self, parked: Parked) -> None:
        """Keep a ban."""
        with self._lock, suppress(OSError):
            rows = self._rows() | {self._origin: {"until_ms": parked.until_ms, "reason": parked.reason}}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_suffix(f".{os.getpid()}.new")
            beside.write_text(json.dumps(rows, indent=1), "utf-8")
            beside.replace(self._path)

    def _rows(self) -> dict[str, Any]:
        try:
            rows = parse(self._path.read_bytes())
        except (OSError, BadJson):
            return {}
        return rows if isinstance(rows, dict) else {}
