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


EXPECTED: tuple[Expected, ...] = (
    Expected(
        re.compile(r"^\.problems (lack|have also) \['AT506', .* needs every limit; missing: "),
        "a limit that is written in a wrong shape is no longer called missing too",
    ),
    Expected(
        re.compile(r"^\.problems (lack \[.*nothing is written here|have also \[.*` is not an asset)"),
        "of an amount without text the name of the asset is judged first",
    ),
    Expected(
        re.compile(r"^\.problems have also \[.* beside .*\bAT[25]01\b"),
        "a key in a wrong place hides no other mistake: what follows the same file now says more",
    ),
)
