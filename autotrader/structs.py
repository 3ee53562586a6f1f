"""`dataclass(..., slots=True)` as the standard library's, without its price at start-up.

The standard decorator writes six methods as text for every class and compiles them at import: about 0.3 ms a class, and
a third of the time that `validate` took before it read a file. Here comparing, hashing and showing are shared functions
over the fields, and `__init__`, which is to be as fast as the standard one, is compiled when the first instance is
made. Fields, `replace`, `fields`, `asdict`, matching, copying and pickling are the standard library's, and so
is what a type checker sees. For values that many commands import; elsewhere the standard decorator does as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - a checker sees the standard decorator
else:

    def dataclass(*, slots, frozen=False, kw_only=False, eq=True, repr=True):  # noqa: A002 - the standard names
        """The decorator, for classes with slots."""
        if not slots:
            raise TypeError("this decorator makes classes with slots")
        return lambda cls: _made(cls, frozen=frozen, kw_only=kw_only, compared=eq, shown=repr)


def _made(cls: type, *, frozen: bool, kw_only: bool, compared: bool, shown: bool) -> type:
    own = set(vars(cls))
    made: type = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    fields = dataclasses.fields(made)
    values = _values_of(tuple(field.name for field in fields if field.compare))
    methods: dict[str, Callable[..., Any] | None] = {"__init__": _first_init(made)}
    if shown:
        methods["__repr__"] = _shows(tuple(field.name for field in fields if field.repr))
    if compared:
        methods["__eq__"] = _equals(values)
        methods["__hash__"] = (lambda self: hash(values(self))) if frozen else None  # what can change has no hash
    if frozen:
        methods |= {"__setattr__": _refuse_set, "__delattr__": _refuse_delete}
        # the usual way to unpickle or copy a class with slots would set its fields one by one
        methods |= {"__getstate__": _state, "__setstate__": _set_state}
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
        real = _real_init(cls)
        cls.__init__ = real  # type: ignore[misc]  # from here on nobody comes by again
        real(self, *args, **named)

    return first


def _real_init(cls: type) -> Callable[..., None]:
    """A function with the fields as its parameters, written as the standard decorator writes it.

    Nothing but names of fields stands in its text; defaults, and what makes a fresh one, are handed over as values.
    """
    fields = dataclasses.fields(cls)
    known: dict[str, Any] = {}
    lines = []
    for each in fields:
        value = each.name
        if each.default_factory is not dataclasses.MISSING:
            known[f"fresh_{each.name}"] = each.default_factory
            value = f"fresh_{each.name}() if {each.name} is fresh_{each.name} else {each.name}"
        known[f"set_{each.name}"] = getattr(cls, each.name).__set__  # the slot itself: a third quicker than by name
        lines.append(f" set_{each.name}(self, {value})")
    lines += [" self.__post_init__()"] if hasattr(cls, "__post_init__") else []
    placed, named = [each for each in fields if not each.kw_only], [each for each in fields if each.kw_only]
    head = ", ".join(
        ["self", *(each.name for each in placed), *(["*"] if named else []), *(each.name for each in named)]
    )
    module = compile(f"def __init__({head}):\n" + "\n".join(lines or [" pass"]), "<structs>", "exec")
    code = next(const for const in module.co_consts if isinstance(const, CodeType))
    made = FunctionType(code, known, "__init__", tuple(_default(each) for each in placed if _has_default(each)))
    made.__kwdefaults__ = {each.name: _default(each) for each in named if _has_default(each)}
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _default(field: dataclasses.Field[Any]) -> object:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory
