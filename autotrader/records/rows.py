"""How a dataclass stands in a table: a column for each field, those of the dataclasses inside it too.

What a table must say for this to work is said once, in its definition (`schema`): a column bears its field's name, or
the one that `renamed` gives it. Money is exact text ("" for none), a list is JSON text, a truth is 0 or 1. Acts of the
chain hold the same columns, so their form is the table's. A row is read by pydantic's adapter of the class, made when
the first row is read: a value that cannot be is an error and never a guess.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints

from autotrader.money import plain
from autotrader.records.database import Value
from autotrader.records.forms import adapter

_T = TypeVar("_T")


class _Field(NamedTuple):
    """One field with its column; `outer` is the dataclass that it stands in, "" for the row's own."""

    outer: str
    name: str
    column: str
    is_list: bool
    may_lack: bool  # money that may be unknown

    @property
    def path(self) -> str:
        """What leads from the row's value to it."""
        return f"{self.outer}.{self.name}" if self.outer else self.name


class RowTable(Generic[_T]):
    """Rows of one table as values of one class.

    `renamed`: "path.to.field" → its column. `absent`: fields without a column, whose values `read` is given or which
    keep their defaults. `columns` are in the order of the definition.
    """

    def __init__(
        self, name: str, kind: type[_T], columns: str, *, renamed: Mapping[str, str] = {}, absent: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.columns = tuple(columns.split())
        self._kind: Any = kind
        self._renamed = renamed
        self._absent = absent

    @cached_property
    def _fields(self) -> tuple[_Field, ...]:
        return tuple(self._walk(self._kind, ""))

    def _walk(self, kind: Any, outer: str) -> Iterator[_Field]:
        hints = get_type_hints(kind)
        for each in fields(kind):
            path, hint = f"{outer}.{each.name}" if outer else each.name, hints[each.name]
            if path in self._absent:
                continue
            if is_dataclass(hint):
                yield from self._walk(hint, path)
            else:
                is_list = getattr(hint, "__origin__", None) is tuple
                yield _Field(outer, each.name, self._renamed.get(path, each.name), is_list, hint == Decimal | None)

    @cached_property
    def _getters(self) -> tuple[tuple[str, Any, bool], ...]:
        known = {one.column: one for one in self._fields}
        return tuple((name, attrgetter(known[name].path), known[name].may_lack) for name in self.columns)

    def write(self, value: _T) -> dict[str, Value]:
        """The value's columns."""
        return {column: _cell(get(value), may_lack=may_lack) for column, get, may_lack in self._getters}

    def read(self, row: sqlite3.Row, given: Mapping[str, object] = {}) -> _T:
        """The value of a row; `given` is by "outer.field" what stands in no column. Raises ValueError."""
        cells: Mapping[str, Any] = dict(zip(row.keys(), row, strict=True))
        whole: dict[str, Any] = {}
        for outer, name, column, is_list, may_lack in self._fields:
            cell = cells[column]
            if is_list:
                cell = json.loads(cell)
            elif may_lack and cell == "":
                cell = None
            if outer:
                whole.setdefault(outer, {})[name] = cell
            else:
                whole[name] = cell
        for path, value in given.items():
            outer, _, name = path.rpartition(".")
            whole[outer][name] = value
        found: _T = self._adapter.validate_python(whole)
        return found

    @cached_property
    def _adapter(self) -> Any:
        return adapter(self._kind)


def _cell(value: Any, *, may_lack: bool) -> Value:
    match value:
        case Decimal():
            return plain(value)
        case bool():
            return int(value)
        case tuple():
            return json.dumps(value)
        case None if may_lack:
            return ""
    cell: Value = value
    return cell


def inserted(table: str, columns: Iterable[str], how: str = "") -> str:
    """SQL that adds a row of these columns."""
    names = tuple(columns)
    return f"INSERT {how} INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - our names
