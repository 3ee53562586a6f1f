"""The tree of exceptions, split by what the caller can do about them.

Expected answers (rejected, not sent, unknown) are values, in `orders`; exceptions are for what stops a command or an
order: a denial that could be overlooked would be an order. Each class carries the exit code with which the command line
ends, so that there is one table of codes and no command invents its own.

AutotraderError
├── UsageError            2   flags or arguments that make no sense
├── ConfigError           2   the account file, the environment, a file that cannot be read
├── RulesInvalid          1   rule files with problems (the problems are listed before)
├── RecordsBroken         1   a chain that does not verify, a store that cannot be trusted
├── SafetyRefused         4   autotrader itself refuses: live without its three keys, a second writer, ...
│   └── OrderDenied       4   a limit of the account file refuses an order
├── ExchangeUnavailable   5   no usable answer after retries
└── ExchangeRefused       6   the exchange answered, and said no
"""

from __future__ import annotations


class AutotraderError(Exception):
    """Base of all errors that end a command with one clear message.

    `hint` says the likely fix in one line; it is shown behind `help:`.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AutotraderError):
    """Flags or arguments that make no sense together."""

    exit_code = 2


class ConfigError(AutotraderError):
    """The account file, the environment or a file that cannot be used."""

    exit_code = 2


class RulesInvalid(AutotraderError):
    """Rule files with problems; nothing runs on them."""

    exit_code = 1


class RecordsBroken(AutotraderError):
    """A store or chain that does not verify and therefore is not trusted."""

    exit_code = 1


class SafetyRefused(AutotraderError):
    """autotrader itself refuses, to protect money."""

    exit_code = 4


class OrderDenied(SafetyRefused):
    """A limit refuses an order before anything of it is written or sent. `limit` is that limit's name; not `known`:
    it refuses because it cannot know what it must.
    """

    def __init__(self, reason: str, limit: str, *, known: bool = True) -> None:
        super().__init__(f"denied: {reason}")
        self.reason = reason
        self.limit = limit
        self.known = known


class ExchangeUnavailable(AutotraderError):
    """No usable answer from the exchange, after retries where those are allowed."""

    exit_code = 5


class ExchangeRefused(AutotraderError):
    """The exchange answered and refused; `code` is the venue's own."""

    exit_code = 6

    def __init__(self, message: str, *, code: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
