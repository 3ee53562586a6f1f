"""How values are kept as JSON, here and nowhere else: the fields of a dataclass by name, decimals as exact text.

The forms stand in stores, in `states`, in `runs`, and in every recorded evaluation, and are pinned by tests/pins. The
work is pydantic's: an adapter is made from a class when the first value of it is written or read, so a command that
reads none waits for nothing. A field that is added to such a class needs a default, and old rows are read with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from autotrader.engine.state import Run
from autotrader.market.account import OwnOrder
from autotrader.orders import Order

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_T = TypeVar("_T")
_KINDS: Mapping[str, type[Order | OwnOrder]] = {"venue": Order, "own": OwnOrder}


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """What reads and writes values of a class."""
    from pydantic import TypeAdapter  # heavy at start-up, and many commands read no such row

    return TypeAdapter(kind)


def to_json(value: Any) -> dict[str, Any]:
    """A dataclass as plain JSON data."""
    kind: Any = type(value)
    found: dict[str, Any] = adapter(kind).dump_python(value, mode="json")
    return found


def from_json(kind: type[_T], data: Mapping[str, Any]) -> _T:
    """The inverse of `to_json`. Raises ValueError for data that no such value was written as."""
    wanted: Any = kind
    unknown = data.keys() - {each.name for each in fields(wanted)}
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    found: _T = adapter(wanted).validate_python(data)
    return found


def order_to_json(order: Order | OwnOrder | None) -> dict[str, Any] | None:
    """An order of the venue's or of our own record's; `kind` says which."""
    if order is None:
        return None
    return {"kind": "venue" if isinstance(order, Order) else "own", **to_json(order)}


def order_from_json(data: Mapping[str, Any] | None) -> Order | OwnOrder | None:
    """The inverse of `order_to_json`. Raises ValueError, LookupError."""
    if data is None:
        return None
    return from_json(_KINDS[data["kind"]], {name: value for name, value in data.items() if name != "kind"})


def run_to_json(run: Run) -> dict[str, Any]:
    """A run, with the order that its actions speak of."""
    return {**to_json(replace(run, latest=None)), "latest": order_to_json(run.latest)}


def run_from_json(data: Mapping[str, Any]) -> Run:
    """The inverse of `run_to_json`. Raises ValueError, LookupError."""
    return replace(from_json(Run, {**data, "latest": None}), latest=order_from_json(data["latest"]))
