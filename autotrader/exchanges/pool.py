"""A few threads that fetch at the same time, and a total time after which nobody is waited for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from autotrader.errors import AutotraderError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Pool:
    """Runs jobs side by side. What is late is left behind; it ends by its own deadline."""

    def __init__(self, threads: int) -> None:
        """With 0 threads jobs run one after the other in the caller's, in their order: for simulations."""
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="fetch") if threads else None

    def run(self, jobs: Mapping[K, Callable[[], V]], seconds: float) -> dict[K, V | AutotraderError | None]:
        """The value or error of each job, or None where it was not ready in time. Other errors are raised."""
        if seconds <= 0:
            return dict.fromkeys(jobs)
        if self._executor is None:
            return {key: _outcome(job) for key, job in jobs.items()}
        futures = {key: self._executor.submit(job) for key, job in jobs.items()}
        wait(futures.values(), timeout=seconds)
        found: dict[K, V | AutotraderError | None] = {}
        for key, future in futures.items():
            if not future.done():
                future.cancel()
                found[key] = None
                continue
            error = future.exception()
            if error is not None and not isinstance(error, AutotraderError):
                raise error
            found[key] = error if error is not None else future.result()
        return found

    def close(self) -> None:
        """End the threads; jobs that have not begun are dropped."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)


def _outcome(job: Callable[[], V]) -> V | AutotraderError:
    try:
        return job()
    except AutotraderError as error:
        return error
