"""Differences that are meant, each with its reason: what an older commit answers otherwise, on purpose.

An entry is a pattern over a difference as it is printed (`where: theirs -> ours`) and the reason. A pattern is as
narrow as it can be; an entry that no difference meets any more, against every base that is compared, is deleted.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Expected(NamedTuple):
    """One kind of difference, and why it is meant."""

    pattern: re.Pattern[str]
    reason: str


EXPECTED: tuple[Expected, ...] = ()
