"""A clock that is set anew while an alert waits for its next page."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.services.engine.clock_steps import TOLERATED, ClockSteps, alerts_follow, messages_follow
from tests.unit.alerting.clinic import Clinic, MovedClock, clinics

HOURS = timedelta(hours=2)


class SetClock(MovedClock):
    """``step`` sets the wall clock; the monotonic one does not know."""

    def __init__(self, moved: MovedClock) -> None:
        super().__init__(moved.now())
        self._stepped = timedelta(0)

    def step(self, by: timedelta) -> None:
        self.forward(by)
        self._stepped += by

    def monotonic(self) -> float:
        return (self.now() - self._stepped).timestamp()


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    for made in clinics(tmp_path):
        made.staff("Ana Example", "+15550101")
        made.staff("Ben Example", "+15550102")
        yield made


def following(clinic: Clinic) -> tuple[SetClock, list[ClockSteps]]:
    clock, steps = SetClock(clinic.clock), [alerts_follow(), messages_follow()]
    object.__setattr__(clinic.hub, "clock", clock)
    clinic.clock = clock
    assert [step.run(clinic.hub, clock.now()) for step in steps] == [0, 0]
    return clock, steps


def test_set_back_an_alert_pages_on_after_the_same_while(clinic: Clinic) -> None:
    clock, steps = following(clinic)
    clinic.finds(clinic.patient())
    assert [who for who, _ in clinic.tick()] == ["Ana"]
    clock.forward(timedelta(minutes=2))
    clock.step(-HOURS)
    assert steps[0].run(clinic.hub, clock.now()) == 1
    clock.forward(timedelta(minutes=2, seconds=59))
    assert clinic.tick() == []
    clock.forward(timedelta(seconds=1))
    assert [who for who, _ in clinic.tick()] == ["Ben"]


def test_set_back_a_page_that_waits_leaves_at_once(clinic: Clinic) -> None:
    clock, steps = following(clinic)
    clinic.finds(clinic.patient())
    clock.step(-HOURS)
    assert [step.run(clinic.hub, clock.now()) for step in steps] == [1, 1]
    assert [who for who, _ in clinic.tick()] == ["Ana"]


def test_set_forward_a_page_that_waits_is_not_too_old_to_leave(clinic: Clinic) -> None:
    clock, steps = following(clinic)
    clinic.finds(clinic.patient())
    clock.step(HOURS)
    assert [step.run(clinic.hub, clock.now()) for step in steps] == [0, 1]
    assert [who for who, _ in clinic.tick()][:1] == ["Ana"]


@pytest.mark.parametrize("by", [TOLERATED, -TOLERATED])
def test_a_clock_that_runs_unevenly_moves_nothing(clinic: Clinic, by: timedelta) -> None:
    clock, steps = following(clinic)
    clinic.finds(clinic.patient())
    clock.step(by)
    assert [step.run(clinic.hub, clock.now()) for step in steps] == [0, 0]
