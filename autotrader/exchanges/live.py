"""The permission to place and cancel orders, as a value that only three keys together can make.

The keys lie in different hands: `mode: live` in the account file, `--live` on the command line, and a confirmation
(typed, or for services AUTOTRADER_LIVE=1 in the environment). Without the value no signer signs an order, so no
flag that is read wrongly somewhere can trade (docs/order-safety.md P6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn, final

from autotrader.errors import SafetyRefused

CONFIRMATION: Final = "live"
VARIABLE: Final = "AUTOTRADER_LIVE"
_SEAL: Final = object()


@final
class LiveToken:
    """Proof that the owner turned all three keys. Cannot be built, copied or stored by other code."""

    __slots__ = ()

    def __init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise SafetyRefused("permission to trade cannot be made here", hint="only grant_live makes it")

    def __copy__(self) -> NoReturn:
        raise SafetyRefused("permission to trade cannot be copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise SafetyRefused("permission to trade cannot be copied")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise SafetyRefused("permission to trade cannot be stored")


def grant_live(settings_mode: str, live_flag: bool, confirmation: str) -> LiveToken:  # noqa: FBT001 - a command-line flag
    """Make the permission; `confirmation` is what the owner typed, or `confirmation_from(environment)`.

    Raises SafetyRefused naming every key that is missing.
    """
    keys = (
        (settings_mode == "live", "`mode: live` in the account file"),
        (live_flag, "the flag --live"),
        (confirmation == CONFIRMATION, f"the typed confirmation `{CONFIRMATION}` (services: {VARIABLE}=1)"),
    )
    absent = [name for turned, name in keys if not turned]
    if absent:
        raise SafetyRefused(
            f"live trading is off: missing {', '.join(absent)}",
            hint="without all three keys autotrader only simulates orders",
        )
    return LiveToken(_SEAL)


def confirmation_from(environment: Mapping[str, str]) -> str:
    """The confirmation that a service gives through its environment, or the empty text."""
    return CONFIRMATION if environment.get(VARIABLE) == "1" else ""
