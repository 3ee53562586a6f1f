"""The times that decide over an intent's fate, in one place.

The venue forwards a signed request to its engine only while `serverTime - timestamp <= recvWindow` (and at most 1 s
ahead), and gives up on the engine after 10 s. So an order that is still absent after
timestamp + recvWindow + 1 s + 10 s + a margin for the lag of its queries never arrived and never will
(docs/venue.md §3, docs/order-safety.md §1.2). The moves themselves are the table in `records.intents`.
"""

from __future__ import annotations

RECV_WINDOW_MS = 5_000
AHEAD_MS = 1_000
ENGINE_MS = 10_000
LAG_MS = 60_000
DAY_MS = 86_400_000

# A query after the horizon that finds nothing is said twice before we believe it.
ABSENCES_NEEDED = 2
# A dead intent is looked for during this time after it was sent.
WATCH_MS = DAY_MS

_BACK_OFF_MS = (1_000, 2_000, 4_000, 8_000, 15_000, 30_000)
_WATCH_EVERY_MS = 300_000
_WATCH_LATER_MS = 1_800_000
_WATCH_CLOSE_MS = 3_600_000


def horizon_ms(sent_ms: int, recv_window_ms: int = RECV_WINDOW_MS) -> int:
    """The venue's time after which an order that cannot be found never arrived."""
    return in_flight_until_ms(sent_ms, recv_window_ms) + LAG_MS


def in_flight_until_ms(sent_ms: int, recv_window_ms: int = RECV_WINDOW_MS) -> int:
    """The venue's time after which a request that was sent then cannot take effect any more."""
    return sent_ms + recv_window_ms + AHEAD_MS + ENGINE_MS


def next_look_ms(now_ms: int, looks: int) -> int:
    """When to ask again, after `looks` queries that decided nothing: 1, 2, 4, 8, 15, then every 30 s."""
    return now_ms + _BACK_OFF_MS[min(looks, len(_BACK_OFF_MS) - 1)]


def next_watch_ms(now_ms: int, sent_ms: int) -> int:
    """When to look again for a dead intent: every 5 minutes in the first hour, then every 30 minutes."""
    return now_ms + (_WATCH_EVERY_MS if now_ms - sent_ms < _WATCH_CLOSE_MS else _WATCH_LATER_MS)
