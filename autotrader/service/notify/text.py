"""What a message may hold once it leaves: no control characters, no mention that wakes a whole channel, bounded."""

from __future__ import annotations

import re

from autotrader.text import printable

LONGEST = 1_500  # below the shortest limit among the usual services (Discord takes 2,000 characters)
_MENTION = re.compile(r"@(?=[\w&!])")
_CONTROL_LINK = re.compile(r"<(?=[!@#|])")


def harmless(text: str) -> str:
    """Text for chat services: lines stay, control characters are escaped, mentions lose their effect.

    `@everyone`, `<@id>`, `<!here>` are written with a full-width `＠` or a `‹`, which no service acts on; `0.1 @ ¥5`
    stays as it is.
    """
    lines = "\n".join(printable(line) for line in text.split("\n"))
    plain = _MENTION.sub("＠", _CONTROL_LINK.sub("‹", lines))
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"
