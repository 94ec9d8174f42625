"""The database is read whole after a start and daily; damage is a red, and silence about it none."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.services.engine.room import Room
from hub.services.engine.soundness import SAYS_DAMAGED, SAYS_UNCHECKED, Soundness, last_good
from hub.services.ports.soundness import Verdict
from tests.unit.ingest.home import Home, homes

SOUND, DAMAGED, UNFINISHED = Verdict(None, True, 0.2), Verdict("Tree 5 page 6", True, 0.2), Verdict(None, False, 9.0)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


@dataclass
class Given:
    """A check that finds what the test says, and takes as long; what is owed stays so as ``BackgroundCheck`` has it."""

    verdict: Verdict = SOUND
    owed: bool = False
    settled: list[Verdict] = field(default_factory=list)
    takes: Callable[[], None] = lambda: None

    def run(self) -> Verdict:
        self.takes()
        return self.verdict

    def settle(self, verdict: Verdict) -> None:
        self.settled.append(verdict)
        self.owed = not verdict.sound and (self.owed or verdict.said is not None)


def runs(home: Home, module: Soundness, *after: timedelta) -> list[int]:
    done = []
    for step in after:
        home.clinic.clock.forward(step)
        done.append(module.run(home.hub, home.hub.clock.now()))
    return done


def good(home: Home) -> object:
    with home.hub.unit_of_work() as uow:
        return last_good(uow.operations)


def test_it_is_read_at_the_start_and_every_day(home: Home) -> None:
    module = Soundness(Given())
    assert runs(home, module, MINUTE, HOUR, DAY, HOUR) == [1, 0, 1, 0]
    assert good(home) == home.hub.clock.now() - HOUR
    assert home.alerts() == []


def test_a_start_soon_after_a_good_check_does_not_read_it_again(home: Home) -> None:
    runs(home, Soundness(Given()), MINUTE)
    assert runs(home, Soundness(Given()), MINUTE, DAY) == [0, 1]
    assert runs(home, Soundness(Given()), 11 * MINUTE) == [1]


def test_damage_is_a_red_that_a_person_closes(home: Home) -> None:
    check = Given(DAMAGED)
    module = Soundness(check)
    runs(home, module, MINUTE)
    assert home.alerts() == ["database-damaged open"]
    assert home.sentences() == [SAYS_DAMAGED]
    assert home.rows("alert", "severity", "over_at") == [(3, None)]
    assert good(home) is None
    check.verdict = SOUND
    runs(home, module, DAY)
    assert home.rows("alert", "state", "over_at") == [("open", home.hub.clock.now())]
    assert check.settled == [DAMAGED, SOUND]


def test_what_is_owed_is_not_left_until_tomorrow(home: Home) -> None:
    check = Given()
    module = Soundness(check)
    runs(home, module, MINUTE)
    check.owed = True
    assert runs(home, module, MINUTE, 10 * MINUTE, MINUTE) == [0, 1, 0]
    assert not check.owed


def test_one_that_is_owed_and_cannot_be_finished_is_tried_an_hour_after_it_gave_up(home: Home) -> None:
    """Each of them keeps the WAL from beginning anew: between them there must be room for that."""
    check = Given(replace(UNFINISHED), owed=True, takes=lambda: home.clinic.clock.forward(31 * MINUTE))
    module = Soundness(check)
    assert runs(home, module, MINUTE, MINUTE, 28 * MINUTE, 30 * MINUTE, MINUTE) == [1, 0, 0, 0, 1]
    check.verdict = SOUND
    assert runs(home, module, HOUR, 11 * MINUTE) == [1, 0]
    check.owed = True
    assert runs(home, module, MINUTE) == [1], "a new reason, after one that was sound"


def test_damage_is_not_read_again_until_tomorrow_though_that_is_owed(home: Home) -> None:
    check = Given(DAMAGED)
    module = Soundness(check)
    assert runs(home, module, MINUTE, 11 * MINUTE, HOUR, DAY) == [1, 0, 0, 1]
    assert check.owed


def test_one_that_cannot_be_finished_is_tried_each_hour_and_told_after_three_days(home: Home) -> None:
    check = Given()
    module = Soundness(check)
    runs(home, module, MINUTE)
    check.verdict = replace(UNFINISHED)
    assert runs(home, module, DAY, HOUR) == [1, 1]
    assert home.alerts() == []
    runs(home, module, 2 * DAY)
    assert home.sentences() == [SAYS_UNCHECKED]
    check.verdict = SOUND
    runs(home, module, HOUR)
    assert home.alerts() == ["database-unchecked closed"]


def test_a_full_disk_is_one_red_and_its_end_is_noted(home: Home) -> None:
    full = True
    module = Room(lambda: full)
    now = home.hub.clock.now()
    assert [module.run(home.hub, now), module.run(home.hub, now)] == [1, 1]
    assert home.alerts() == ["disk-full open"]
    full = False
    assert module.run(home.hub, now) == 0
    assert home.rows("alert", "severity", "state", "over_at") == [(3, "open", now)]
