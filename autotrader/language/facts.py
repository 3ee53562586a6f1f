"""What a notification may say of its own firing, beside the words of the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Fact:
    """A placeholder that is not a vocabulary word: `{symbol}`, `{rule}`, `{state}`."""

    name: Literal["symbol", "rule", "state"]
