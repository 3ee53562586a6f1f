"""What was asked of a service that dies while it obeys."""

from __future__ import annotations

import pytest

from autotrader.prove.harness import Harness
from autotrader.records.crash import Crash, listening
from autotrader.runtime import Runtime
from autotrader.service.inbox import Desk


def die_obeying(world: Runtime, point: str) -> None:
    """Obey, and end at a point."""

    def dies(name: str) -> None:
        if name == point:
            raise Crash(point)

    with listening(dies), pytest.raises(Crash):
        obey(world)


def obey(world: Runtime) -> None:
    """What the service does with its inbox in each tick."""
    Desk(world, lambda _level, _text: None, wall=lambda: world.connection.clock.now_ms() / 1000).obey()


def ask(world: Runtime, command: str, **arguments: object) -> int:
    """Put something into the inbox."""
    return world.store.inbox().append(world.connection.clock.now_ms(), command, arguments)


def paused(world: Runtime) -> list[str]:
    """The names of what is paused."""
    return [pause.name for pause in world.cycle.kept.pauses_at(world.connection.clock.now_ms())]


@pytest.mark.parametrize("point", ["command_begun", "head_unwritten", "command_done"])
def test_a_pause_and_its_end_outlive_a_death_at_any_point_of_obeying(harness: Harness, point: str) -> None:
    """After the restart it is in force, written down once, and answered or answerable; so is the resume."""
    for command, expected in (("pause", ["buyer"]), ("resume", [])):
        with harness.open() as world:
            world.start()
            ask(world, command, rules=["buyer"])
            die_obeying(world, point)
        with harness.open() as world:
            world.start()
            obey(world)
            obey(world)
            assert paused(world) == expected
            acts = [act for act in world.store.chain.latest(100) if act.kind == "command" and act.subject == command]
            assert len(acts) == 1


def test_a_pause_that_makes_no_sense_is_answered_once_and_not_tried_again(harness: Harness) -> None:
    """The error is the answer; the next command is obeyed."""
    with harness.open() as world:
        world.start()
        wrong = ask(world, "pause", rules="buyer")
        ask(world, "pause", rules=["buyer"])
        obey(world)
        answered = world.store.inbox().get(wrong)
        assert answered is not None
        assert answered.answer is not None
        assert "no list of names" in str(answered.answer["error"])
        assert paused(world) == ["buyer"]
        assert world.store.settings.get("inbox_done") == wrong + 1
