"""The venue's time, without trusting this machine's wall clock (docs/order-safety.md §6).

`VenueClock`: server time at the middle of the last `/time` round trip, plus monotonic time since. The uncertainty is
half that round trip plus 500 ppm of drift; above 500 ms nothing is signed. A server clock that jumps is believed only
where it is forward and the wall clock saw the same (the machine slept); else the clock is distrusted until the venue
agrees again with what it said before, or has said the same new time for a quarter of an hour (what was wrong before has
come right). Nothing is signed in that quarter, so every order's horizon (76 s after its signature) has passed by the
old time as well before a new one is believed: no horizon comes earlier by it.

`SteppedClock`: a simulator's time, which moves only when somebody sleeps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from autotrader.errors import ExchangeUnavailable, SafetyRefused
from autotrader.structs import dataclass

MOST_UNCERTAIN_MS: Final = 500
RESYNC_SECONDS: Final = 600.0
JUMP_MS: Final = 1000
STEADY_SECONDS: Final = 900.0  # a new time is believed after it held this long; must exceed an order's horizon by far
STEADY_SAMPLES: Final = 4  # and was said this often
SAMPLES_APART: Final = 60.0  # in seconds: answers in a row are one
_DRIFT: Final = 500e-6  # as fast as NTP turns the monotonic clock (adjtimex); quartz alone is ten times better
_NEVER_SYNCED: Final = 10**9


@dataclass(frozen=True, slots=True)
class _Claim:
    """A time of the venue that contradicts the one believed: what it said first, and how often since."""

    server_ms: int
    at: float
    last_at: float
    samples: int = 1


class VenueClock:
    """A clock in the venue's time. `ask` asks the venue for its time in milliseconds."""

    def __init__(
        self,
        ask: Callable[[], int],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._wall = wall
        self._sleep = sleep
        self._lock = threading.Lock()
        self._server_ms = 0.0
        self._at = 0.0
        self._wall_at = 0.0
        self._half_trip_ms: float = _NEVER_SYNCED
        self._synced = False
        self._stale = True
        self._distrusted = ""
        self._claim: _Claim | None = None
        self._news = ""

    def now_ms(self) -> int:
        """The venue's time; before the first sync this machine's own."""
        if not self._synced:
            # Good enough to name a request by; nothing is signed before the first sync.
            return round(self._wall() * 1000)
        return int(self._server_ms + (self._monotonic() - self._at) * 1000)

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""
        return self._monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    def uncertainty_ms(self) -> int:
        """How far `now_ms` may be off; huge before the first sync and while the venue's clock is not trusted."""
        if not self._synced or self._distrusted:  # as good as never synced: nothing is signed either way
            return _NEVER_SYNCED
        return round(self._half_trip_ms + (self._monotonic() - self._at) * 1000 * _DRIFT)

    def skew_ms(self) -> int | None:
        """This machine's wall clock minus the venue's time; None before the first sync."""
        return round(self._wall() * 1000) - self.now_ms() if self._synced else None

    def diverged(self) -> bool:
        """Whether wall and monotonic clock went apart by more than 1 s since the last sync: the machine slept, or
        somebody set the wall clock. `now_ms` may be behind until the next `sync`.
        """
        if not self._synced:
            return False
        return abs((self._wall() - self._wall_at) - (self._monotonic() - self._at)) * 1000 > JUMP_MS

    def suspect(self) -> None:
        """Sync again before anything is signed: the venue refused a timestamp."""
        self._stale = True

    def news(self) -> str:
        """That a new time of the venue is believed, said once; else nothing."""
        news, self._news = self._news, ""
        return news

    def sync(self) -> None:
        """Ask the venue for its time. Raises ExchangeUnavailable, also where its clock jumped."""
        before = self._monotonic()
        server_ms = self._ask()
        after = self._monotonic()
        with self._lock:
            middle, wall, half_trip_ms = (before + after) / 2, self._wall(), (after - before) * 1000 / 2
            if self._synced and self._jumped(server_ms, middle, wall):
                shown = round((server_ms - self._predicted(middle)) / 1000)
                self._distrusted = f"the venue's clock jumped by {shown} s"
                stayed = f"{STEADY_SECONDS / 60:.0f} minutes"
                if half_trip_ms > MOST_UNCERTAIN_MS or not self._has_stayed(server_ms, middle):
                    raise ExchangeUnavailable(
                        f"{self._distrusted}; nothing is signed until it agrees again, or has stayed so for {stayed}"
                    )
                self._news = f"{self._distrusted} and has stayed so for {stayed}: it is believed again"
            self._server_ms, self._at, self._wall_at = float(server_ms), middle, wall
            self._half_trip_ms, self._claim = half_trip_ms, None
            self._synced, self._stale, self._distrusted = True, False, ""

    def certain_ms(self) -> int:
        """The time for a signature, synced again where that is due. Raises SafetyRefused above 500 ms of doubt."""
        # Quartz drifts some ten ppm, and ten minutes of the worst case stay far below what a signature allows.
        old = self._stale or self._monotonic() - self._at > RESYNC_SECONDS
        if old or self.diverged() or self.uncertainty_ms() > MOST_UNCERTAIN_MS:
            self.sync()
        if (doubt := self.uncertainty_ms()) > MOST_UNCERTAIN_MS:
            raise SafetyRefused(
                f"the venue's time is known to {doubt} ms only; nothing is signed above {MOST_UNCERTAIN_MS} ms",
                hint="the connection is slow: try again when it is better",
            )
        return self.now_ms()

    def _predicted(self, at: float) -> float:
        return self._server_ms + (at - self._at) * 1000

    def _has_stayed(self, server_ms: int, at: float) -> bool:
        """Whether the venue has said the same new time for long and often enough to be believed."""
        claim = self._claim
        # Another time than it claimed before: the quarter of an hour begins anew, so a clock that wanders is never
        # believed.
        if claim is None or abs(server_ms - claim.server_ms - (at - claim.at) * 1000) > MOST_UNCERTAIN_MS:
            self._claim = _Claim(server_ms, at, at)
            return False
        # Ten answers in one second say no more than one.
        if at - claim.last_at >= SAMPLES_APART:
            self._claim = claim = _Claim(claim.server_ms, claim.at, at, claim.samples + 1)
        return claim.samples >= STEADY_SAMPLES and at - claim.at >= STEADY_SECONDS

    def _jumped(self, server_ms: int, at: float, wall: float) -> bool:
        allowed = JUMP_MS + self._half_trip_ms + (at - self._at) * 1000 * _DRIFT
        passed = server_ms - self._server_ms
        by_monotonic, by_wall = (at - self._at) * 1000, (wall - self._wall_at) * 1000
        # A machine that slept finds more time gone than its monotonic clock counted, never less.
        has_slept = passed > by_monotonic and abs(passed - by_wall) <= allowed
        return abs(passed - by_monotonic) > allowed and not has_slept


class SteppedClock:
    """The time of a simulator in stepped time: known exactly, and moved by `sleep` alone."""

    def __init__(self, ask: Callable[[], int], advance: Callable[[int], int]) -> None:
        self._ask = ask
        self._advance = advance
        self._now_ms: int | None = None
        self._owed_ms = 0.0

    def now_ms(self) -> int:
        """The simulator's time."""
        if self._now_ms is None:
            self.sync()
        return self._now_ms or 0

    def monotonic(self) -> float:
        """The simulator's time in seconds."""
        return self.now_ms() / 1000

    def sleep(self, seconds: float) -> None:
        """Move the simulator's time; what is less than a millisecond is kept for the next sleep."""
        self._owed_ms += max(seconds, 0.0) * 1000
        if (whole := int(self._owed_ms)) > 0:
            self._owed_ms -= whole
            self._now_ms = self._advance(whole)

    def uncertainty_ms(self) -> int:
        """Nothing: stepped time stands still between steps."""
        return 0

    def skew_ms(self) -> int | None:
        """Nothing: there is no second clock."""
        return 0

    def diverged(self) -> bool:
        """Never: there is no second clock."""
        return False

    def news(self) -> str:
        """Nothing: there is nothing to distrust."""
        return ""

    def suspect(self) -> None:
        """Ask again before anything is signed."""
        self._now_ms = None

    def sync(self) -> None:
        """Ask the simulator for its time. Raises ExchangeUnavailable."""
        self._now_ms = self._ask()

    def certain_ms(self) -> int:
        """The time for a signature."""
        return self.now_ms()


ExchangeClock = VenueClock | SteppedClock
