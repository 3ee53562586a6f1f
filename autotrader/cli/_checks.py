"""The checks of `autotrader doctor`: each looks at one thing and answers with findings; none changes anything.

What cannot be looked at (no key, no store, no exchange named) is skipped and says how to have it looked at. A check
that raises is itself a finding, so that one broken part does not hide the others.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal, NamedTuple

from autotrader.cli._folders import Folders
from autotrader.cli._rules import checked_rules
from autotrader.cli._written import SourcedText
from autotrader.errors import AutotraderError
from autotrader.exchanges.key_check import ending, judged
from autotrader.exchanges.secret import key_places, load_credentials, secret_places
from autotrader.exchanges.venue import Venue
from autotrader.language.settings import Channel
from autotrader.market.exchanges import DEFAULT_ADDRESS
from autotrader.records.places import stores_in
from autotrader.records.store import Store
from autotrader.service.logs import masked
from autotrader.service.notify import Notices
from autotrader.structs import dataclass
from autotrader.times import age_text

LEAST_DISK, LITTLE_DISK = 100_000_000, 1_000_000_000  # bytes
MOST_SKEW_MS = 1_000  # more is compensated, but says that nothing sets this machine's clock


class Finding(NamedTuple):
    """What a check found. `hint` says what to do about it."""

    level: Literal["ok", "warning", "failed", "skipped"]
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the checks look at. `written` is the account file as written; `venue` the exchange, if one is named."""

    environ: Mapping[str, str]
    folders: Folders
    config: Path | None
    written: Mapping[str, SourcedText] = field(default_factory=dict)
    venue: Venue | None = None
    send_test: bool = False


def python(_facts: Facts) -> Iterator[Finding]:
    """The interpreter."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 11)
    yield Finding("ok" if good else "failed", f"Python {version}", "" if good else "autotrader needs 3.11 or newer")


def packages(_facts: Facts) -> Iterator[Finding]:
    """The compiled packages, which break when they are copied between machines."""
    try:
        import numpy as np  # whether these two can be imported is what is checked
        import talib  # the other
    except ImportError as error:
        yield Finding("failed", f"a package cannot be loaded: {error}", "run `python3 dev.py test` once to set it up")
        return
    yield Finding("ok", f"indicators: TA-Lib {talib.__version__} on numpy {np.__version__}")


def rules(facts: Facts) -> Iterator[Finding]:
    """The account file and all rule files that it includes, as `validate` checks them."""
    if facts.config is None:
        yield Finding("skipped", "no account file here", "`autotrader init DIR` writes one")
        return

    checked = checked_rules((), facts.config)
    if checked.plan is None:
        text = f"{checked.errors} mistakes in {len(checked.files)} files"
        yield Finding("failed", text, f"`autotrader validate --config {facts.config}` shows them")
        return
    count = len({rule.id for rule in checked.plan.rules})
    yield Finding("ok", f"{count} rule{'' if count == 1 else 's'} valid")
    if checked.warnings:
        yield Finding("warning", f"{checked.warnings} warnings in the rules", "`autotrader validate` shows them")


def clock(facts: Facts) -> Iterator[Finding]:
    """This machine's clock against the exchange's. A simulator has a time of its own, which says nothing."""
    if facts.venue is None:
        yield Finding("skipped", "no exchange asked", f"--base-url {DEFAULT_ADDRESS} asks the exchange")
        return
    clock, url = facts.venue.clock, facts.venue.url
    clock.sync()
    skew, doubt = clock.skew_ms() or 0, clock.uncertainty_ms()
    if url.loopback:
        yield Finding("ok", f"{url.origin} answers in {2 * doubt} ms")
    elif abs(skew) > MOST_SKEW_MS:
        yield Finding("warning", f"clock {age_text(skew)} off the exchange's (compensated)", "let NTP set this clock")
    else:
        yield Finding("ok", f"clock {skew:+d} ms against the exchange, known to {doubt} ms")


def key(facts: Facts) -> Iterator[Finding]:
    """The API key: whole, private, and allowed no more than it needs."""
    credentials = load_credentials(facts.environ)
    if credentials is None:
        yield Finding("skipped", "no API key (dry-run needs none)")
        return
    found = f"API key {credentials.fingerprint} from {credentials.key_place}, its secret from"
    yield Finding("ok", f"{found} {credentials.secret_place}")
    unused = (*key_places(facts.environ)[1:], *secret_places(facts.environ)[1:])
    if unused:
        yield Finding("warning", f"not used: {', '.join(place.name for place in unused)}", "keep one place")
    if facts.venue is None or facts.venue.account is None:
        yield Finding("skipped", "what the key may do", "--base-url URL asks the exchange")
        return

    may, now_ms = facts.venue.account.restrictions(), facts.venue.clock.now_ms()
    verdict = judged(may, now_ms)
    for refusal in verdict.refusals:
        only_live = may.reading and not (may.withdrawals or may.transfers)  # a key that only looks is fine for looking
        yield Finding("warning" if only_live else "failed", refusal.text, refusal.hint)
    for warning in verdict.warnings:
        yield Finding("warning", *warning)
    if not verdict.refusals and may.ip_restricted:
        yield Finding("ok", "key: trading yes, withdrawals no, IP-restricted")
    if not verdict.refusals:
        yield Finding("ok", f"key: {ending(may, now_ms)}")


def channels(facts: Facts) -> Iterator[Finding]:
    """Notification addresses: there, and with --send-test reached."""
    named = {
        name.split(".")[1]: entry.text
        for name, entry in facts.written.items()
        if name.startswith("notify.") and name.endswith(".url_env")
    }
    for channel, variable in named.items():
        if not facts.environ.get(variable):
            yield Finding("warning", f"notify `{channel}`: {variable} is not set", "set it to an apprise address")
        elif not facts.send_test:
            yield Finding("skipped", f"notify `{channel}`: the address is set", "--send-test sends a message")
        else:
            yield _sent(channel, variable, facts.environ)


def _sent(channel: str, variable: str, environ: Mapping[str, str]) -> Finding:
    notices = Notices({channel: Channel(channel, "url", variable)}, channel, environ=environ)
    notices.notify(channel, "info", "autotrader doctor: this channel works")
    notices.close(15.0)
    failures = notices.failures()
    if failures:
        return Finding("failed", f"notify `{channel}`: {failures[0][1]}")
    return Finding("ok", f"notify `{channel}`: test message sent")


def stores(facts: Facts) -> Iterator[Finding]:
    """Every store: its chain and tables verify, and who writes to it."""
    found = stores_in(facts.folders.state)
    if not found:
        yield Finding("skipped", f"no store yet in {facts.folders.state}")
    for folder in found:
        with Store.read(folder) as store:
            report, halted = store.verify(), store.halted()
        if report.whole:
            yield Finding("ok", f"store {folder.name}: {report.rows:,} records, chain whole")
        else:
            yield Finding("failed", f"store {folder.name}: {report.problems[0]}", "`autotrader audit verify` says more")
        if halted:
            yield Finding("warning", f"store {folder.name} is halted: {halted}", "`autotrader resume` ends a halt")


def disk(facts: Facts) -> Iterator[Finding]:
    """Room where the records are kept."""
    place = facts.folders.state
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    text = f"disk: {free / 1e9:,.1f} GB free for records"
    if free < LEAST_DISK:
        yield Finding("failed", text, "a full disk stops trading: make room")
    elif free < LITTLE_DISK:
        yield Finding("warning", text, "a full disk stops trading")
    else:
        yield Finding("ok", text)


Check = Callable[[Facts], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (python, packages, rules, clock, key, channels, stores, disk)


def look(check: Check, facts: Facts) -> list[Finding]:
    """The findings of one check; what it raises is one too."""
    found: list[Finding] = []
    try:
        for finding in check(facts):
            found.append(finding)  # noqa: PERF402 - what was found before an exception counts
    except AutotraderError as error:
        found.append(Finding("failed", masked(error.message), error.hint))
    except Exception as error:  # noqa: BLE001 - one broken part must not hide what the others say
        found.append(
            Finding("failed", f"the check `{check.__name__}` broke: {type(error).__name__}", "please report it")
        )
    return found
