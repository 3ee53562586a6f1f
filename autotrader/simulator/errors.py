"""The venue's refusals: HTTP status, code and text, exactly as it writes them."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refused request; becomes ``{"code":…,"msg":…}`` with its HTTP status."""

    def __init__(
        self,
        code: int,
        message: str,
        status: int = 400,
        headers: dict[str, str] | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}
        self.data = data

    @property
    def body(self) -> dict[str, Any]:
        """The reply's JSON: code, text, and for cancelReplace what became of each half."""
        return {"code": self.code, "msg": self.message} | ({} if self.data is None else {"data": self.data})


def illegal(name: str, pattern: str) -> ApiError:
    """-1100: the text of a parameter does not match its pattern."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def missing(name: str) -> ApiError:
    """-1102: a mandatory parameter is absent."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def either(first: str, second: str) -> ApiError:
    """-1102: neither of two parameters was sent."""
    return ApiError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def empty(name: str) -> ApiError:
    """-1105: a parameter was sent without a value."""
    return ApiError(-1105, f"Parameter '{name}' was empty.")


def not_required(name: str) -> ApiError:
    """-1106: a parameter that this kind of request does not take."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def too_precise(name: str) -> ApiError:
    """-1111: more decimals than the asset has."""
    return ApiError(-1111, f"Parameter '{name}' has too much precision.")


def not_valid(name: str) -> ApiError:
    """-1130: well-formed but not one of the allowed values."""
    return ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")


def bad_combination() -> ApiError:
    """-1128: optional parameters that do not go together."""
    return ApiError(-1128, "Combination of optional parameters invalid.")


def filter_failure(name: str) -> ApiError:
    """-1013: an order outside a filter."""
    return ApiError(-1013, f"Filter failure: {name}")


def rejected(text: str) -> ApiError:
    """-2010: the engine does not take the order."""
    return ApiError(-2010, text)


def cancel_rejected(text: str = "Unknown order sent.") -> ApiError:
    """-2011: the engine does not cancel."""
    return ApiError(-2011, text)


def amend_rejected(text: str) -> ApiError:
    """-2038: the engine does not amend."""
    return ApiError(-2038, text)


def unsupported(what: str) -> ApiError:
    """-2010: the symbol does not allow this kind of order."""
    return rejected(f"{what} not supported for this symbol.")


INSUFFICIENT = "Account has insufficient balance for requested action."
DUPLICATE = "Duplicate order sent."
CLOSED = "Market is closed."
WRONG_PHASE = "This order type is not possible in this trading phase."
WOULD_TAKE = "Order would immediately match and take."
NOT_PERMITTED = "This symbol is not permitted for this account."
MAY_NOT_TRADE = "This account may not place or cancel orders."
WOULD_TRIGGER = "Order would trigger immediately."
BAD_PRICES = "The relationship of the prices for the orders is not correct."
NO_CHANGE = "The requested action would change no state; rejecting"
NO_INCREASE = "Order amend (quantity increase) is not supported."
