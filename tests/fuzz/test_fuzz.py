"""What fuzzing has found stays mended, and a few seconds of chance each day; `python3 dev.py fuzz` is the long way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.child import Kept
from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import seeds, words
from tests.fuzz.targets import TARGETS

FOUND = sorted(path for path in (Path(__file__).parent / "found").glob("*-*") if path.is_file())
SEEDS = {name: seeds(name) for name in TARGETS}
WORDS = {name: [word.encode() for word in words(name)] for name in TARGETS}


@pytest.mark.parametrize("path", FOUND, ids=[path.name for path in FOUND])
def test_what_was_found_stays_mended(path: Path) -> None:
    """Each input that once broke a promise is answered now."""
    TARGETS[path.name.partition("-")[0]](path.read_bytes())


@pytest.mark.parametrize("name", list(TARGETS))
def test_the_seeds_are_answered(name: str) -> None:
    """The inputs that fuzzing begins with hold every promise themselves."""
    for data in SEEDS[name]:
        TARGETS[name](data)


@st.composite
def mutations(draw: st.DrawFn, name: str) -> bytes:
    """A seed with a few pieces cut out, doubled, replaced or put in."""
    data = draw(st.sampled_from(SEEDS[name]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 20)))
        piece = draw(st.sampled_from(WORDS[name]) | st.binary(max_size=4) | st.just(data[start:end] * 2))
        data = data[:start] + piece + data[end:]
    return data


@settings(max_examples=150, deadline=None)
@given(data=st.sampled_from(SEEDS["reply"]), seed=st.integers(0, 2**32))
def test_a_reply_that_is_still_json_is_answered(data: bytes, seed: int) -> None:
    """Fields taken away, doubled, or of another kind: every reader gives a value or refuses."""
    made = mutated(data, seed)
    assert made is not None
    TARGETS["reply"](made)


@pytest.mark.parametrize("name", list(TARGETS))
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_mutated_seed_is_answered(name: str, data: st.DataObject) -> None:
    """Whatever chance makes of a seed, every promise holds."""
    TARGETS[name](data.draw(mutations(name)))


def test_a_finding_is_kept_once_and_does_not_end_the_run(tmp_path: Path) -> None:
    """A target that breaks on some inputs: one file for each kind of exception, the rest is still tried."""
    tried: list[bytes] = []

    def broken(data: bytes) -> None:
        tried.append(data)
        if data[:1] < b"\x40":
            raise ValueError("here")
        if data[:1] > b"\xf0":
            raise KeyError("there")

    kept = Kept("broken", broken, tmp_path)
    chance = random.Random(7)
    for _ in range(200):
        kept(chance.randbytes(4))
    assert len(tried) == 200
    found = [path.read_bytes() for path in tmp_path.iterdir()]
    assert sorted(data[:1] < b"\x40" for data in found) == [False, True]
