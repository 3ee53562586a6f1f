"""Request weight, order counts and bans, in fixed windows of the exchange's own time."""

from __future__ import annotations

from typing import Any

from autotrader.simulator.errors import ApiError

MINUTE_US = 60_000_000
RAW_WINDOW_US = 5 * MINUTE_US
RAW_LIMIT = 300_000
TEN_SECONDS_US = 10_000_000
DAY_US = 86_400_000_000
FIRST_BAN_US = 2 * MINUTE_US
LONGEST_BAN_US = 3 * DAY_US
PATIENCE = 20
"""Requests answered with 429 in one minute before the address is banned."""


class Weights:
    """One address's request weight per minute and plain count of requests per five minutes; its bans."""

    def __init__(self, limit: int, raw_limit: int = RAW_LIMIT) -> None:
        self.limit = limit
        self.raw_limit = raw_limit
        self.used = 0
        self.raw = 0
        self.banned_until = 0
        self._minute = 0
        self._raw_window = 0
        self._refused = 0
        self._ban = FIRST_BAN_US

    def _roll(self, now: int) -> None:
        minute = now // MINUTE_US
        if minute != self._minute:
            # fixed windows: all is forgotten at the full minute, not sixty seconds later
            self._minute, self.used, self._refused = minute, 0, 0
        window = now // RAW_WINDOW_US
        if window != self._raw_window:
            self._raw_window, self.raw = window, 0

    def check_ban(self, now: int) -> None:
        """Count the request itself; 418 while the address is banned."""
        self._roll(now)
        self.raw += 1  # counted before the ban is looked at: asking during a ban goes on counting
        if now < self.banned_until:
            raise self._banned(now)

    def add(self, weight: int, now: int) -> None:
        """Count a request's weight; 429 beyond a limit, and 418 for one that goes on all the same."""
        self._roll(now)
        self.used += weight
        if self.used > self.limit:
            what, window = f"{self.limit} request weight per 1 MINUTE", MINUTE_US
        elif self.raw > self.raw_limit:
            what, window = f"{self.raw_limit} raw requests per 5 MINUTE", RAW_WINDOW_US
        else:
            return
        self._refused += 1
        if self._refused > PATIENCE:  # a 429 that is ignored turns into a ban; the exchange does not say after how many
            raise self.ban(now)
        raise ApiError(
            -1003,
            f"Too much request weight used; current limit is {what}. "
            "Please use WebSocket Streams for live updates to avoid polling the API.",
            429,
            {"Retry-After": str(_seconds(window - now % window))},
        )

    def ban(self, now: int) -> ApiError:
        """Ban the address, each time for twice as long (2 minutes to 3 days); the refusal it gets."""
        self.banned_until = now + self._ban
        # never forgiven: the next ban is longer although the last one is long over
        self._ban = min(self._ban * 2, LONGEST_BAN_US)
        return self._banned(now)

    def _banned(self, now: int) -> ApiError:
        return ApiError(
            -1003,
            f"Way too much request weight used; IP banned until {self.banned_until // 1000}. "
            "Please use WebSocket Streams for live updates to avoid bans.",
            418,
            {"Retry-After": str(_seconds(self.banned_until - now))},
        )


class Addresses:
    """The weights of every address that has asked; on loopback 127.0.0.1, 127.0.0.2 … are different ones."""

    def __init__(self, limit: int, raw_limit: int = RAW_LIMIT) -> None:
        self._limits = (limit, raw_limit)
        self._known: dict[str, Weights] = {}

    def of(self, address: str) -> Weights:
        """That address's weights."""
        found = self._known.get(address)
        if found is None:
            found = self._known[address] = Weights(*self._limits)
        return found


class OrderCounts:
    """An account's count of unfilled orders in 10 seconds and in a day."""

    def __init__(self, per_ten_seconds: int, per_day: int) -> None:
        self.limits = (per_ten_seconds, per_day)
        self.counts = [0, 0]
        self._windows = [0, 0]

    def _roll(self, now: int) -> None:
        for i, length in enumerate((TEN_SECONDS_US, DAY_US)):
            window = now // length
            if window != self._windows[i]:
                self._windows[i], self.counts[i] = window, 0

    def check(self, now: int) -> None:
        """-1015 when no further order fits."""
        self._roll(now)
        names = (("10 SECOND", TEN_SECONDS_US), ("1 DAY", DAY_US))
        for count, limit, (name, length) in zip(self.counts, self.limits, names, strict=True):
            if count >= limit:
                raise ApiError(
                    -1015,
                    f"Too many new orders; current limit is {limit} orders per {name}.",
                    429,
                    {"Retry-After": str(_seconds(length - now % length))},
                )

    def add(self, now: int, change: int = 1) -> None:
        """Count an accepted order, or give back for a filled one (negative)."""
        self._roll(now)
        # fills give back more than one, so without the floor a maker could save up
        self.counts = [max(0, count + change) for count in self.counts]

    def shown(self, now: int) -> list[dict[str, Any]]:
        """The rateLimit/order answer."""
        self._roll(now)
        return [limit | {"count": count} for limit, count in zip(order_limits(*self.limits), self.counts, strict=True)]


def order_limits(per_ten_seconds: int, per_day: int) -> list[dict[str, Any]]:
    """The ORDERS entries of exchangeInfo."""
    return [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": per_ten_seconds},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": per_day},
    ]


def rate_limits(weight: int, per_ten_seconds: int, per_day: int, raw: int = RAW_LIMIT) -> list[dict[str, Any]]:
    """The rateLimits of exchangeInfo."""
    return [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight},
        *order_limits(per_ten_seconds, per_day),
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": raw},
    ]


def _seconds(microseconds: int) -> int:
    # rounded up, and never 0: whoever waits as long as told must be let in
    return max(1, -(-microseconds // 1_000_000))
