"""What a turn has to say: into the record first, then to people. Failing to reach them stops nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autotrader.engine.outcome import Notice
from autotrader.language.requests import NotifyRequest, PlaceRequest
from autotrader.market.needs import Need
from autotrader.ports import Notifier
from autotrader.records.store import Store


class Teller:
    """Tells messages of rules, notices and alerts; remembers what is throttled."""

    def __init__(self, store: Store, notifier: Notifier) -> None:
        self._store = store
        self._notifier = notifier
        self._throttled: dict[str, int] = {}

    def passes(self, request: NotifyRequest, now_ms: int) -> bool:
        """Whether a message is not held back by its `throttle`; one that passes counts from now."""
        last = self._throttled.get(request.throttle_key) if request.throttle_ms else None
        if last is not None and now_ms - last < request.throttle_ms:
            return False
        if request.throttle_ms:
            self._throttled[request.throttle_key] = now_ms
        return True

    def tell(
        self,
        now_ms: int,
        messages: Sequence[NotifyRequest],
        notices: Sequence[Notice],
        missing: Mapping[Need, str],
        alerts: Iterable[str],
    ) -> None:
        """Record, then send. `missing` is recorded as failed requests; alerts are in the record already."""
        with self._store.transaction() as store:
            for message in messages:
                rule = message.run[0] if message.run else ""
                store.notice(now_ms, message.level, message.text, channel=message.to, rule=rule)
            for notice in notices:
                store.notice(now_ms, notice.level, notice.text, rule=notice.rule)
            for channel, reason in self._notifier.failures():
                store.notice(now_ms, "warn", f"a message to {channel} was not delivered: {reason}")
            for need, reason in missing.items():
                store.errors.add(now_ms, f"{type(need).__name__}: {reason}")
        for message in messages:
            self._notifier.notify(message.to, message.level, message.text)
        for notice in notices:
            self._notifier.notify("default", notice.level, notice.text)
        for alert in alerts:
            self._notifier.notify("default", "warn", alert)


def denial(request: PlaceRequest, reason: str) -> Notice:
    """What people hear of an order that a limit denied."""
    order = request.order
    text = f"{request.key.rule or 'order by hand'} ({order.symbol}): {order.side.lower()} denied: {reason}"
    return Notice("warn", text, request.key.rule, order.symbol)
