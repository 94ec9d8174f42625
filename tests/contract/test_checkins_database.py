"""Check-ins and conversations in the real database: one open with a patient, every change a compare-and-set."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.errors import NotFound
from hub.services.ports.checkins import ANSWERED, MISSING, OPEN, SCHEDULE, CheckInDue
from tests.scenario.talks import DAILY, HOUR, PRESSURE, Talks, talks


@pytest.fixture
def talk(tmp_path: Path, database_url: str | None) -> Iterator[Talks]:
    yield from talks(tmp_path, url=database_url)


def test_a_newer_copy_retires_the_one_before_and_both_are_kept(talk: Talks) -> None:
    old, new = talk.sign(DAILY), talk.sign(DAILY, lambda d: d.update(version=2))
    with talk.hub.unit_of_work() as uow:
        current = uow.checkins.current(DAILY)
        assert current is not None
        assert (current.version_id, current.checkin.version, current.checkin.signed_by) == (new, 2, "Dr Imaginary")
        assert uow.checkins.get(old).checkin.version == 1
        assert [one.version_id for one in uow.checkins.all_current()] == [new]
        assert uow.checkins.current("other") is None
        with pytest.raises(NotFound):
            uow.checkins.get(99)


def test_one_conversation_is_open_and_one_cause_asks_once(talk: Talks) -> None:
    version, now = talk.sign(PRESSURE), talk.home.now
    with talk.hub.unit_of_work() as uow:
        first = uow.conversations.open(talk.patient_id, version, MISSING, "a", now, now)
        assert first is not None
        assert uow.conversations.open(talk.patient_id, version, MISSING, "b", now, now) is None
        row = uow.conversations.get(first)
        assert uow.conversations.open_of(talk.patient_id) == row == uow.conversations.by_key("a")
        assert uow.conversations.save(replace(row, state=ANSWERED, check_at=None, ended_at=now))
        assert uow.conversations.open_of(talk.patient_id) is None
        assert uow.conversations.open(talk.patient_id, version, MISSING, "a", now, now) is None
        assert uow.conversations.open(talk.patient_id, version, MISSING, "b", now, now) is not None
        with pytest.raises(NotFound):
            uow.conversations.get(99)


def test_who_saw_an_older_version_changes_nothing(talk: Talks) -> None:
    version, now = talk.sign(PRESSURE), talk.home.now
    with talk.hub.unit_of_work() as uow:
        row = uow.conversations.get(uow.conversations.open(talk.patient_id, version, MISSING, "a", now, now) or 0)
        assert uow.conversations.save(replace(row, prompts=1))
        assert not uow.conversations.save(replace(row, prompts=7))
        assert (uow.conversations.get(row.id).prompts, uow.conversations.get(row.id).version) == (1, 1)


def test_what_is_over_is_not_opened_again_beside_another(talk: Talks) -> None:
    version, now = talk.sign(PRESSURE), talk.home.now
    with talk.hub.unit_of_work() as uow:
        row = uow.conversations.get(uow.conversations.open(talk.patient_id, version, MISSING, "a", now, now) or 0)
        assert uow.conversations.save(replace(row, state=ANSWERED))
        assert uow.conversations.open(talk.patient_id, version, SCHEDULE, "b", now, now) is not None
        assert not uow.conversations.save(replace(row, state=OPEN, version=1))


def test_open_ones_are_due_by_their_time(talk: Talks) -> None:
    version, now = talk.sign(PRESSURE), talk.home.now
    other = talk.home.enrol("A2", "Sam Invented")
    with talk.hub.unit_of_work() as uow:
        late = uow.conversations.open(talk.patient_id, version, MISSING, "a", now, now + HOUR)
        early = uow.conversations.open(other, version, MISSING, "b", now, now)
        assert [row.id for row in uow.conversations.due(now + HOUR, 9)] == [early, late]
        assert [row.id for row in uow.conversations.due(now, 9)] == [early]
        assert [row.id for row in uow.conversations.due(now + HOUR, 1)] == [early]


def test_what_is_planned_waits_while_a_conversation_is_open(talk: Talks) -> None:
    version, now = talk.sign(PRESSURE), talk.home.now
    with talk.hub.unit_of_work() as uow:
        due = CheckInDue(talk.patient_id, "x", now - HOUR)
        uow.checkins.plan(replace(due, due_at=now + HOUR))
        uow.checkins.plan(due)
        assert uow.checkins.planned(talk.patient_id) == uow.checkins.due(now, 9) == [due]
        opened = uow.conversations.open(talk.patient_id, version, MISSING, "a", now, now) or 0
        assert uow.checkins.due(now, 9) == []
        uow.conversations.save(replace(uow.conversations.get(opened), state=ANSWERED))
        assert uow.checkins.due(now, 9) == [due]
        uow.checkins.plan(CheckInDue(talk.patient_id, "y", now))
        uow.checkins.forget(talk.patient_id, "x")
        assert [row.checkin for row in uow.checkins.planned(talk.patient_id)] == ["y"]
        uow.checkins.forget_checkin("y")
        uow.checkins.plan(due)
        uow.checkins.forget_patient(talk.patient_id)
        assert uow.checkins.planned(talk.patient_id) == []


def test_an_answer_is_withdrawn_once(talk: Talks) -> None:
    version, now = talk.sign(PRESSURE), talk.home.now
    talk.writes("hello")
    with talk.hub.unit_of_work() as uow:
        talk_id = uow.conversations.open(talk.patient_id, version, MISSING, "a", now, now) or 0
        first = uow.conversations.keep_answer(talk_id, 1, "pressure", "{}", now, None)
        second = uow.conversations.keep_answer(talk_id, 1, "pressure", "{}", now + HOUR, 5)
        last = uow.conversations.last_answer(talk.patient_id, now)
        assert last is not None
        assert (last.id, last.journal_id) == (second, 5)
        assert uow.conversations.withdraw(second, now)
        assert not uow.conversations.withdraw(second, now)
        last = uow.conversations.last_answer(talk.patient_id, now)
        assert last is not None
        assert last.id == first
        assert uow.conversations.last_answer(talk.patient_id, now + timedelta(seconds=1)) is None
        assert [answer.withdrawn_at for answer in uow.conversations.answers(talk_id)] == [None, now]
