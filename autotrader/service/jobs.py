"""Jobs of the runner, held by `schedule` but timed by the runner's own clock.

The package keeps its calendar on the wall clock: set back by an hour it stands still for an hour, an exception in
one job skips the rest of the pass and leaves that job due in a hot loop. So its `Job` is given a clock that never
jumps (real or stepped time alike), and every job is wrapped: whatever it raises goes to `on_error` and the job is
simply due again at its next time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import schedule

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - `schedule` compares naive times; these are monotonic seconds, no date


class MonotonicJob(schedule.Job):
    """A periodic job whose `next_run` counts seconds of the runner's monotonic clock from the epoch."""

    scheduler: JobScheduler

    @property
    def should_run(self) -> bool:
        """Whether its time has come, by the runner's clock."""
        return self.next_run is not None and self.scheduler.moment() >= self.next_run

    def _schedule_next_run(self) -> None:
        self.period = timedelta(**{str(self.unit): self.interval})
        # from now, not from when it was due: what was missed is not made up for
        self.next_run = self.scheduler.moment() + self.period


class JobScheduler(schedule.Scheduler):
    """`schedule.Scheduler` on a monotonic clock, in which no job can stop another."""

    def __init__(self, monotonic: Callable[[], float], on_error: Callable[[str, Exception], None]) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._on_error = on_error

    def moment(self) -> datetime:
        """The runner's monotonic clock in the form that `schedule` compares."""
        return _EPOCH + timedelta(seconds=self._monotonic())

    def every(self, interval: int = 1) -> schedule.Job:
        """A job every `interval` units of the runner's clock."""
        return MonotonicJob(interval, self)

    def add(self, name: str, seconds: int, work: Callable[[], Any]) -> None:
        """Run `work` every so many seconds, the first time one period from now; an exception is reported by name."""
        self.every(seconds).seconds.do(self._guarded, name, work).tag(name)

    def hasten(self, name: str, seconds: float) -> None:
        """Let a job be due in `seconds` from now instead of at its next time."""
        for job in self.get_jobs(name):
            job.next_run = self.moment() + timedelta(seconds=seconds)

    def idle(self) -> float:
        """Seconds until the next job is due; 0 when one is."""
        times = [job.next_run for job in self.jobs if job.next_run is not None]
        return max(0.0, (min(times) - self.moment()).total_seconds()) if times else 1.0

    def _guarded(self, name: str, work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - one job must never stop the others; the error is reported
            self._on_error(name, error)
