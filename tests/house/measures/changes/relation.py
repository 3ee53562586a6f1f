"""A relation: `outside a and b`, true beyond either end."""

from tests.house.measures.changes import Patch
from tests.house.measures.changes.trying import evaluated, lived

PATCHES = [
    Patch(
        "autotrader/language/relations.py",
        """\
    "near": RelationEntry(
""",
        """\
    "outside": RelationEntry(
        example="outside a and b",
        grammar=(Keyword("and", "between the two ends of `outside`", "write `outside a and b`"),),
        sides=("value", "low", "high"),
        written="{0} outside {1} and {2}",
        english="{0} is outside {1} to {2}",
        holds=lambda o, v, low, high: o.negated(o.both(o.negated(o.below(v, low)), o.negated(o.below(high, v)))),
        short=lambda o, v, low, high: o.smaller(o.subtract(v, low), o.subtract(high, v)),
        ends=(1, 2),
        stored="Outside key 0=value 1=low 2=high",
    ),
    "near": RelationEntry(
""",
    ),
]


def tried() -> None:
    """Both sides of both ends; live it fires; `why` says how far it is off; readback, schema and reference know it."""
    from autotrader.language.expression import Origin, Scope, parse_condition
    from autotrader.language.meant import OFFLINE
    from autotrader.language.reference import rendered
    from autotrader.language.schema import rule_file_schema

    assert evaluated("last outside 1_010 and 1_020")[:4] == ["true", "false", "false", "true"]
    scope = Scope(symbol="BTCJPY", instruments=OFFLINE)
    for text, told in (
        ("last outside 2 and 1", "the ends of `outside` are the wrong way round"),
        ("last outside 2 to 3", "expected `and` between the two ends of `outside`, found `to`"),
        ("rsi(14, 1h) outside -1 and 101", "`rsi(14, 1h) outside -1 and 101` can never be true"),
    ):
        problems = parse_condition(text, Origin("f", 1, 1), "k", scope)[1]
        assert [each.message for each in problems] == [told], problems
    with lived("last outside 1 and 2") as yes:
        assert yes.orders
        assert "is outside 1 JPY to 2 JPY" in yes.project("show"), yes.project("show")
        assert "last outside 1 and 2" in yes.asked("why", "tried")
    with lived("last outside 1 and 99_000_000 JPY") as no:
        assert not no.orders
        assert "short" in no.asked("why", "tried")
    assert "outside" in rule_file_schema()["$comment"]
    assert "outside" in rendered()
