"""Logs: JSON lines to a rotated file, one short line each on a terminal; secrets never, control characters escaped.

structlog makes the lines, the standard library's rotating handler keeps them. Everything passes the same last
step, also what other packages log: known secret values and whatever looks like a signature, key or token are masked
in the finished line, so that no way of logging gets around it. A disk that is full loses log lines, never a cycle.

`hide` and `masked` are used elsewhere too (internal errors, failures of notifications) and import nothing heavy.
"""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

from autotrader.errors import ConfigError
from autotrader.text import printable

MASK = "***"
_KNOWN: set[str] = set()
_SHORTEST = 6  # a shorter "secret" would blank out ordinary text
_LOOKS_SECRET = re.compile(
    r"""(?ix) (?P<name> \b(?: signature | x-mbx-apikey | api[-_]?key | api[-_]?secret | secret(?:[-_]?key)? | password
              | passwd | (?:access[-_]?|bot[-_]?)?token | authorization )
        ["']? \s* [=:] \s* (?: (?:bearer|basic) \s+ )? ["']? )
        [^\s&"',;<>)}\]]+"""
)
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")


def hide(secret: str) -> None:
    """Mask this value wherever it turns up from now on, also written as part of a URL."""
    if len(secret) >= _SHORTEST:
        _KNOWN.update({secret, quote(secret, safe=""), quote_plus(secret)})


def masked(text: str) -> str:
    """Text without known secrets and without anything that looks like one."""
    for secret in sorted(_KNOWN, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _LOOKS_SECRET.sub(lambda found: found["name"] + MASK, _USER_INFO.sub(MASK + "@", text))


def _clean(value: Any) -> Any:
    """A logged value, masked, and harmless in its texts."""
    if isinstance(value, str):
        return printable(masked(value))
    if isinstance(value, Mapping):
        return {str(key): _clean(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(entry) for entry in value]
    return value if isinstance(value, int | float | bool | None) else printable(masked(str(value)))


def clean_event(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: every value masked and harmless; keys that name a secret lose their value."""
    for key, value in list(event.items()):
        if not key.startswith("_"):
            event[key] = MASK if _LOOKS_SECRET.match(f"{key}=x") else _clean(value)
    return event


def _terminal_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """`09:00:02Z warning  text  key=value`: the details of an exception are in the file alone."""
    stamp = str(event.pop("time", ""))[11:19]
    level, text = str(event.pop("level", "")), str(event.pop("event", ""))
    rest = "  ".join(f"{key}={value}" for key, value in event.items() if key != "exception" and not key.startswith("_"))
    return f"{stamp}Z {level:<8} {text}" + (f"  {rest}" if rest else "")


class _PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    """A rotated file that only its owner reads; a failing disk is told once and stops nothing."""

    told = False

    def _open(self) -> Any:
        def opener(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        # RotatingFileHandler always gives a mode, an encoding and an errors policy
        return open(self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors, opener=opener)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the standard library's names
        if not self.told:
            self.told = True
            error = sys.exc_info()[1]
            sys.stderr.write(f"warning: cannot write the log: {printable(masked(str(error)))}\n")


class Logs:
    """The logs of one process. `log` takes a level, a text and named values; `close` lets go of the file."""

    def __init__(self, handlers: list[logging.Handler]) -> None:
        import structlog  # only a service writes logs

        self._handlers = handlers
        self.logger: Any = structlog.get_logger("autotrader")

    def log(self, level: str, text: str, **values: object) -> None:
        """Write one line. `level`: debug, info, warn(ing), error, critical."""
        getattr(self.logger, {"warn": "warning"}.get(level, level))(text, **values)

    def close(self) -> None:
        """Flush, and take the handlers out of the process."""
        root = logging.getLogger()
        for handler in self._handlers:
            root.removeHandler(handler)
            with contextlib.suppress(OSError, ValueError):  # what a full disk did not take is lost; it was told
                handler.close()


def set_up(
    folder: Path,
    *,
    level: str = "info",
    terminal: TextIO | None = None,
    max_bytes: int = 10_000_000,
    backups: int = 5,
) -> Logs:
    """Log to `autotrader.log` in a folder, and to a terminal (stderr) if one is given.

    Raises ConfigError when the file cannot be opened.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = _PrivateRotatingFile(
            folder / "autotrader.log",
            maxBytes=max_bytes,
            backupCount=backups,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        raise ConfigError(f"cannot write logs in {folder}: {error.strerror}", hint="see --state DIR") from None
    handlers: list[logging.Handler] = [file]
    if terminal is not None:
        handlers.append(logging.StreamHandler(terminal))
    _connect(handlers, level)
    return Logs(handlers)


def _connect(handlers: list[logging.Handler], level: str) -> None:
    """Let structlog and the standard library's loggers end in the same handlers."""
    import structlog  # only a service writes logs

    shared: list[Callable[..., Any]] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderers: list[Callable[..., Any]] = [structlog.processors.JSONRenderer(ensure_ascii=False), _terminal_line]
    root = logging.getLogger()
    for handler, renderer in zip(handlers, renderers, strict=False):
        handler.setFormatter(_formatter(shared, renderer))
        root.addHandler(handler)
    root.setLevel(level.upper())
    for noisy in ("urllib3", "requests", "schedule"):  # at DEBUG urllib3 writes whole request lines, signature and all
        logging.getLogger(noisy).setLevel(max(logging.INFO, root.level))
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its failures are ours to tell, masked


def _formatter(shared: list[Callable[..., Any]], renderer: Callable[..., Any]) -> logging.Formatter:
    import structlog  # only a service writes logs

    class Formatter(structlog.stdlib.ProcessorFormatter):
        """The finished line is masked once more: the last step that nothing gets around."""

        def format(self, record: logging.LogRecord) -> str:
            return masked(super().format(record))

    return Formatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, clean_event, renderer],
    )
