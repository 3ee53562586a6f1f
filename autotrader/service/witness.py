"""The chain's head, sent away: a witness that no one on this machine can change.

A copy of the whole state folder, put back together, verifies by itself. What a channel was told does not come back with
it: `autotrader audit verify --head N:HASH` finds that the chain ends earlier, or differs.
"""

from __future__ import annotations

from autotrader.ports import Notifier
from autotrader.records.store import Store


def send_head(store: Store, notifier: Notifier, channel: str, when: str) -> None:
    """Tell a channel number and hash of the newest record; nothing where there is none yet."""
    head = store.head()
    if head is not None:
        notifier.notify(channel, "info", f"audit head {head.n}:{head.hash} (store {store.id[:4]}, {when})")
