"""How much work something is, told without a clock on the wall: a busy machine must not fail a test.

`calls` counts and is the same on every machine. `cost` compares processor time with that of a yardstick measured right
before and after it, for work that is done inside C and makes no calls; its bounds must be generous.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from types import FrameType


def calls(job: Callable[[], object]) -> int:
    """How many functions, of Python and of C, the job calls in this thread."""
    count = 0

    def heard(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(heard)
    try:
        job()
    finally:
        sys.setprofile(before)
    return count


def cost(job: Callable[[], object]) -> float:
    """This thread's processor time for the job, in yardsticks: a thousand small texts read, written and hashed."""
    before = _yardstick()
    begun = time.thread_time()
    job()
    spent = time.thread_time() - begun
    return spent / max(before, _yardstick())


def _yardstick() -> float:
    begun = time.thread_time()
    for number in range(1_000):
        text = json.dumps({"number": number, "values": [number] * 20})
        hashlib.sha256(json.dumps(json.loads(text)).encode()).hexdigest()
    return time.thread_time() - begun
