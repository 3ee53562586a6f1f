"""The measures of `dev.py house` find what they must and nothing else, each on a small package made for it.

`dev.py check` fails where circles, doubles or unused definitions are more than `house.toml` allows; a measure that
could not see them would hold nothing.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.house.measures import imports, names, shape
from tests.house.measures.allowed import House, judged
from tests.house.measures.changes import CHANGES, Change, DoesNotFitError, Patch, patched, touched
from tests.house.measures.source import Module, read
from tests.house.measures.walks import LEFT_OUT, PACKAGE, recorded


def house_of(folder: Path, **files: str) -> list[Module]:
    """A package `autotrader` of these files; `a__b` is `a/b.py`."""
    for name, text in {"__init__": "", **files}.items():
        path = folder / "autotrader" / f"{name.replace('__', '/') if name != '__init__' else name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return read(folder)


def test_blank_lines_comments_and_docstrings_are_no_code(tmp_path: Path) -> None:
    """Of ten lines, three are code; an ornament, an order to a tool and a blank give no reason."""
    modules = house_of(
        tmp_path,
        one='''\
        """A head
        of two lines."""

        # ---- a ruler ----------
        # Because of this.
        def f() -> int:
            """Say it."""
            x = 1  # why one
            return x  # noqa: RET504
        ''',
    )
    size = shape.sizes(modules)["trader"]
    assert (size.files, size.lines) == (2, 3)
    assert size.tokens == 12  # def f ( ) -> int : x = 1 return x
    assert shape.comments(modules).reasons == 2
    assert shape.functions(modules).longest == 4


@pytest.mark.parametrize(
    "way",
    ["from autotrader import two", "if TYPE_CHECKING:\n    import autotrader.two", "def f():\n    from . import two",
     "def f():\n    importlib.import_module('autotrader.two')"],
)  # fmt: skip
def test_modules_that_import_each_other_are_found_in_every_way_of_importing(tmp_path: Path, way: str) -> None:
    """At the top, under TYPE_CHECKING, inside a function, by name: a circle is a circle."""
    modules = house_of(tmp_path, one=way, two="from autotrader.three import x", three="import autotrader.one")
    assert imports.circles(imports.graph(modules)) == [["autotrader.one", "autotrader.three", "autotrader.two"]]
    assert not imports.circles(imports.graph(modules[:-1]))


def test_imports_inside_functions_and_lazy_doors_are_counted(tmp_path: Path) -> None:
    """Each hides an arrow; a comment on its line or above it is its reason, an order to a tool is none."""
    modules = house_of(
        tmp_path,
        one="""\
        import importlib
        def f():
            import a  # heavy
            import b  # noqa: X1
            # Only where it is asked for.
            import c
            return importlib.import_module("d")
        def __getattr__(name):
            return name
        """,
    )
    found = imports.local_imports(modules)
    assert {one.what: one.reason for one in found} == {
        "import a": True, "import b": False, "import c": True, "importlib.import_module('d')": False,
        "module __getattr__": False,
    }  # fmt: skip


def test_a_class_name_borne_twice_is_found(tmp_path: Path) -> None:
    """Two classes of one name, wherever they stand; one that is imported is not a second one."""
    modules = house_of(tmp_path, one="class Told: ...", two="class Told: ...", three="from autotrader.one import Told")
    assert names.doubles(modules) == {"Told": ["autotrader.one", "autotrader.two"]}


def test_definitions_nobody_uses_are_found(tmp_path: Path) -> None:
    """A function, a method and a class that no other line names; recursion is no use, a decorator or a hook is one."""
    modules = house_of(
        tmp_path,
        one="""\
        import click
        def alone(n): return alone(n - 1)
        def asked(): ...
        def named(): ...
        def hook(): ...
        @click.command("x")
        def command(): ...
        class Thing:
            def used(self): ...
            def lost(self): ...
            def __len__(self): return 0
        class Lonely: ...
        """,
        two="""\
        from autotrader.one import asked, Thing
        def run():
            asked()
            Thing().used()
        TABLE = {"run": "two:run", "n": "one:named"}
        """,
    )
    found = names.unused(modules, {"hook": "a framework calls it"})
    assert sorted(found) == ["autotrader.one:Lonely", "autotrader.one:Thing.lost", "autotrader.one:alone"]


def test_callers_and_forwarders(tmp_path: Path) -> None:
    """A function that one place names; one that hands on all its arguments, and one that changes something."""
    modules = house_of(
        tmp_path,
        one="""\
        def once(a): return a
        def twice(a, b): return a + b
        def hand(a, b): return twice(a, b)
        def changed(a, b): return twice(b, a)
        x = once(twice(1, 2))
        """,
    )
    once, count = names.callers(modules)
    assert (once, count) == (["autotrader.one:once"], 4)
    assert names.forwarders(modules) == ["autotrader.one:hand"]


def test_dataclasses_that_hold_the_same_are_found(tmp_path: Path) -> None:
    """Four of five fields are shared; with three it is no pair."""
    fields = "; ".join(f"{name}: int" for name in "abcde")
    modules = house_of(
        tmp_path,
        one=f"@dataclass\nclass A: {fields}\n@dataclass\nclass B: {fields.replace('e:', 'f:')}\n"
        "@dataclass\nclass C: a: int; b: int; c: int; x: int; y: int\n",
    )
    assert names.near_equal(modules) == [("autotrader.one:A", "autotrader.one:B", 4)]


def test_more_than_the_file_allows_is_refused_and_less_is_told(tmp_path: Path) -> None:
    """A circle too many fails, with its modules; a double less than allowed asks for a lower figure."""
    modules = house_of(tmp_path, one="import autotrader.two", two="import autotrader.one")
    hooks = {"gone": "nobody is called so any more"}
    more, less = judged(modules, House({"circles": 0, "doubles": 1, "unused": 0}, hooks))
    assert more == [
        "circles: 1 and not more than 0 are allowed (house.toml)",
        "  autotrader.one ↔ autotrader.two",
    ]
    assert less == [
        "doubles: house.toml allows 1, there are 0: write that down",
        "hooks: nothing is called gone any more (house.toml)",
    ]
    assert judged(modules[:1], House({"circles": 0, "doubles": 0, "unused": 0}, {})) == ([], [])


def test_a_walk_counts_files_and_crossings_and_stops_at_the_exchange() -> None:
    """Two files of ours that call each other through a library; what the exchange's client calls is not."""

    def made(path: str, text: str, **known: object) -> dict[str, object]:
        space: dict[str, object] = dict(known)
        exec(compile(text, f"{PACKAGE}/{path}", "exec"), space)  # noqa: S102 - code under a path of the package
        return space

    leaf = made("b.py", "def leaf(*_): return 1")["leaf"]
    client = made(f"{LEFT_OUT[0]}c.py", "def send(): return leaf()", leaf=leaf)["send"]
    root = made("a.py", "def root():\n    list(map(leaf, [1, 2]))\n    send()\n    mine()\ndef mine(): pass")
    root |= {"leaf": leaf, "send": client}
    walk = recorded(lambda: eval("root()", root))  # noqa: S307
    assert (sorted(walk.files), walk.crossings, walk.calls) == (["a.py", "b.py"], 2, 4)


def test_a_change_that_does_not_work_is_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A patch whose place is gone is refused; a change is counted only where its own test passes in the copy."""
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n", encoding="utf-8")
    for patch in (Patch("a.py", "x = 1", "x = 2"), Patch("a.py", "y", "z"), Patch("a.py", "", "new")):
        with pytest.raises(DoesNotFitError):
            patched(tmp_path, [patch])
    patched(tmp_path, [Patch("a.py", "x = 1\nx", "y"), Patch("b/c.py", "", "made")])
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == "y = 1\n"
    assert (tmp_path / "b/c.py").read_text(encoding="utf-8") == "made"


@pytest.mark.parametrize("change", [one for one in CHANGES if one.module], ids=lambda one: one.name)
def test_each_scripted_change_works_in_a_copy(change: Change) -> None:
    """Its own test passes there: what a newcomer would add in so many files really is added by them."""
    assert touched(change)
