"""What a notification may say of its own firing, beside the words of the vocabulary."""

from __future__ import annotations

from typing import Literal

from autotrader.structs import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """A placeholder that is not a vocabulary word: `{symbol}`, `{rule}`, `{state}`."""

    name: Literal["symbol", "rule", "state"]
