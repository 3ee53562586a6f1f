"""Notifications: to stdout, the log, or addresses of the apprise package (LINE, Telegram, Slack, e-mail, webhooks).

Strategy: `notify` only puts a message into a bounded queue; one worker thread delivers, each delivery in a thread of
its own with a deadline (`deliver`), so that a server that drips costs one parked thread and no trading. Failures are
kept for the caller to record, without addresses. Texts are made harmless before they leave (`text`).
"""

from autotrader.service.notify.notices import Notices, Tuning
from autotrader.service.notify.text import harmless

__all__ = ["Notices", "Tuning", "harmless"]
