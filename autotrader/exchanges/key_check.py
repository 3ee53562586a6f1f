"""What a key's permissions mean for going live: refused, warned of, or fine (docs/order-safety.md P14).

A key that can take money away is never used to trade; one that works from anywhere, may do more than it needs, or is
about to end is told. `doctor` and `run --live` ask the same function.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from autotrader.exchanges.venue import KeyPermissions

DAY_MS: Final = 86_400_000
SOON_MS: Final = 30 * DAY_MS


class Said(NamedTuple):
    """One thing about a key, and what to do about it."""

    text: str
    hint: str


class KeyVerdict(NamedTuple):
    """Why the key is not used for live (nothing: it may be), and what is worth a warning."""

    refusals: tuple[Said, ...]
    warnings: tuple[Said, ...]


def judged(may: KeyPermissions, now_ms: int) -> KeyVerdict:
    """The verdict on a key at a moment (milliseconds UTC)."""
    ends = may.expires_ms
    refusals = (
        (may.withdrawals, Said("the key may withdraw", "take that permission away: autotrader never withdraws")),
        (may.transfers, Said("the key may transfer", "take that permission away: autotrader never transfers")),
        (not may.reading, Said("the key may not read", "allow reading for it at the exchange")),
        (not may.trading, Said("the key may not trade", "allow spot trading for it at the exchange")),
        (ends is not None and ends <= now_ms, Said("the key's right to trade has ended", "renew it at the exchange")),
    )
    warnings = (
        (not may.ip_restricted, Said("the key works from any address", "restrict it to this machine's address")),
        (bool(may.more), Said(f"the key may do more than spot: {', '.join(may.more)}", "take that away")),
        (
            ends is not None and now_ms < ends < now_ms + SOON_MS,
            Said(f"the key's right to trade ends in {_days(ends, now_ms)}", "renew it at the exchange"),
        ),
    )
    return KeyVerdict(tuple(said for bad, said in refusals if bad), tuple(said for bad, said in warnings if bad))


def ending(may: KeyPermissions, now_ms: int) -> str:
    """Until when the key may trade, in words."""
    if may.expires_ms is None:
        return "its right to trade has no end that the exchange names"
    return f"its right to trade ends in {_days(may.expires_ms, now_ms)}"


def _days(ends: int | None, now_ms: int) -> str:
    count = max((ends or 0) - now_ms, 0) // DAY_MS
    return "less than a day" if count == 0 else "1 day" if count == 1 else f"{count:,} days"
