"""`for` timers and checks: what counts, what pauses, what resets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autotrader.language.algebra import Truth
from autotrader.language.shapes import (
    NOTHING,
    LeafMemory,
    Moment,
    checked,
    held,
)

MINUTE = 60_000


def timer(*answers: Truth | str, span: int = 2 * MINUTE, period: int = 30_000) -> list[Truth]:
    """The answers of `part for span`, one slot apart; "-" is a slot that was missed."""
    memory, before, found = NOTHING, None, []
    for index, answer in enumerate(answers):
        at = (index + 1) * period
        if answer == "-":
            continue
        assert not isinstance(answer, str)
        memory, holds, _ = held(memory, answer, Moment(at, before, period), span)
        before = at
        found.append(holds)
    return found


def test_for_counts_from_the_first_true_evaluation() -> None:
    """Two minutes at 30 s are five evaluations in a row."""
    assert timer(*[True] * 6) == [False, False, False, False, True, True]


def test_false_resets() -> None:
    """A single false evaluation starts the span anew."""
    assert timer(True, True, True, False, *[True] * 5) == [False] * 3 + [False] + [False] * 4 + [True]


def test_unknown_pauses() -> None:
    """Unknown neither counts nor resets: the time around it is left out."""
    assert timer(True, True, True, None, True, True, True) == [False, False, False, None, False, False, True]


def test_a_long_pause_resets() -> None:
    """A pause longer than three periods starts the span anew."""
    answers = timer(True, True, True, None, None, None, None, True, True, True, True, True)
    assert answers == [False, False, False, None, None, None, None, False, False, False, False, True]


def test_missed_slots_are_a_pause() -> None:
    """A restart is just such a gap: short ones pause, long ones reset."""
    assert timer(True, True, True, "-", True, True, True) == [False, False, False, False, False, True]
    assert timer(True, True, True, "-", "-", "-", True, True, True, True, True) == [
        False,
        False,
        False,
        False,
        False,
        False,
        False,
        True,
    ]


@given(st.lists(st.sampled_from((True, False, None)), max_size=30))
def test_a_timer_is_never_early(answers: list[Truth]) -> None:
    """`for` is never true unless the last span of evaluations holds nothing false."""
    for index, holds in enumerate(timer(*answers)):
        if holds:
            assert False not in answers[max(0, index - 4) : index + 1]
            assert answers[index] is True


def test_checks_that_were_never_made_are_unknown() -> None:
    """`within last 3 checks` is unknown until three checks were made or one was true."""
    memory, found = NOTHING, []
    for answer in (False, False, False, True, False, False, False):
        memory, holds = checked(memory, answer, 1, 3)
        found.append(holds)
    assert found == [None, None, False, True, True, True, False]


@given(st.lists(st.sampled_from((True, False, None)), min_size=1, max_size=12), st.integers(1, 4))
def test_k_of_n_counts(answers: list[Truth], least: int) -> None:
    """`k of last n checks` is the count over the last n answers; those never made may still be anything."""
    memory: LeafMemory = NOTHING
    for answer in answers:
        memory, holds = checked(memory, answer, least, 4)
    last = answers[-4:]
    possible = 4 - last.count(False)
    assert holds is (True if last.count(True) >= least else False if possible < least else None)
