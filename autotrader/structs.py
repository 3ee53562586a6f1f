"""`dataclass(frozen=True, slots=True)` as the standard library's, without its price at start-up.

The standard decorator writes six methods as text for every class and compiles them at import: about 0.3 ms a class, and
a third of the time that `validate` took before it read a file. Here comparing, hashing and showing are shared functions
over the fields, and `__init__`, which is to be as fast as the standard one, is the standard one, made when the first
instance is. Fields, `replace`, `fields`, `asdict`, matching, copying and pickling are the standard library's, and so
is what a type checker sees. For values that many commands import; elsewhere the standard decorator does as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - a checker sees the standard decorator
else:

    def dataclass(*, frozen, slots, kw_only=False):
        """The decorator, in the one form that the house uses everywhere."""
        if not (frozen and slots):
            raise TypeError("this decorator makes frozen classes with slots")
        return lambda cls: _made(cls, kw_only=kw_only)


def _made(cls: type, *, kw_only: bool) -> type:
    own = set(vars(cls))
    made: type = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    fields = dataclasses.fields(made)
    values = _values_of(tuple(field.name for field in fields if field.compare))
    methods: dict[str, Callable[..., Any]] = {
        "__init__": _first_init(made),
        "__repr__": _shows(tuple(field.name for field in fields if field.repr)),
        "__eq__": _equals(values),
        "__hash__": lambda self: hash(values(self)),
        "__setattr__": _refuse_set,
        "__delattr__": _refuse_delete,
        "__getstate__": _state,  # the standard way of a class with slots would set its fields one by one
        "__setstate__": _set_state,
    }
    for name, method in methods.items():
        if name not in own:
            setattr(made, name, method)
    return made


def _values_of(names: tuple[str, ...]) -> Callable[[Any], tuple[object, ...]]:
    """The fields as a tuple, always: tuples compare by identity first, so a value that holds a NaN equals itself."""
    if not names:
        return lambda _: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda self: (get(self),)


# ---------------------------------------------------------------------------------------------------- shared methods
def _shows(names: tuple[str, ...]) -> Callable[[Any], str]:
    def show(self: Any) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({shown})"

    return show


def _equals(values: Callable[[Any], tuple[object, ...]]) -> Callable[[Any, object], bool]:
    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return equal


def _refuse_set(_: object, name: str, __: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(_: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


# ---------------------------------------------------------------------------------------------------- __init__
def _first_init(cls: type) -> Callable[..., None]:
    """Takes the place of `__init__` until the first call, which makes the real one."""

    def first(self: object, *args: object, **named: object) -> None:
        real = _standard_init(cls)
        cls.__init__ = real  # type: ignore[misc]  # from here on nobody comes by again
        real(self, *args, **named)

    return first


def _standard_init(cls: type) -> Callable[..., None]:
    """What the standard decorator makes of the same fields; the class around it is thrown away."""
    fields = dataclasses.fields(cls)
    names: dict[str, Any] = {
        "__qualname__": cls.__qualname__,
        "__annotations__": {each.name: each.type for each in fields},
    }
    for each in fields:
        names[each.name] = dataclasses.field(
            default=each.default, default_factory=each.default_factory, kw_only=each.kw_only
        )
    if hasattr(cls, "__post_init__"):
        names["__post_init__"] = cls.__post_init__
    shadow: Any = type(cls.__name__, (), names)
    made: Callable[..., None] = dataclasses.dataclass(repr=False, eq=False, frozen=True)(shadow).__init__
    return made
