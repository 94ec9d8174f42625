"""After a restore: the backup's own messages stay unsent, one notice goes out, and patients are let be (SF22)."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.adapters.sql.tables.alerting import outbox
from hub.domain.severity import Severity
from hub.errors import Refused
from hub.services import restored
from hub.services.engine.after_restore import AfterRestore
from hub.services.hub import Actor
from tests.scenario.phones import Story, story
from tests.scenario.test_escalation import page
from tests.scenario.texted import PAT, agrees, queue
from tests.unit.alerting.clinic import ANA, BEN, NOON, Clinic, clinics
from tests.unit.ingest.home import ADMIN

URL = "https://rpm.example.org/"


def notice(many: int, at: str, made: str = "02 Mar 07:04") -> str:
    what = f"Riverside: hub restored from {made}, what was done since is lost."
    return f"{what} {many} open alerts; pages begin again {at}. Look now: {URL}"


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path)


@pytest.fixture
def ana(clinic: Clinic) -> Actor:
    return clinic.staff("Ana Example", ANA)


@pytest.fixture
def ben(clinic: Clinic, ana: Actor) -> Actor:
    return clinic.staff("Ben Sample", BEN, "physician")


class Backup:
    """The file as it is now, to come back to."""

    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic
        clinic.engine.dispose()
        self._file = Path(str(clinic.engine.url.database))
        self._kept = self._file.with_name("kept.db")
        shutil.copy(self._file, self._kept)
        self.made_at = clinic.now

    def restore(self) -> tuple[int, int]:
        """As the command does: the file is stamped before any program of the hub opens it."""
        self._clinic.engine.dispose()
        shutil.copy(self._kept, self._file)
        with self._clinic.hub.unit_of_work() as uow:
            done = restored.mark(uow, ADMIN, self.made_at, self._clinic.now)
            uow.commit()
        return done


def wakes(clinic: Clinic) -> list[tuple[str, str]]:
    """The worker's first tick after a start."""
    AfterRestore().run(clinic.hub, clinic.now)
    return clinic.tick()


def later(clinic: Clinic, minutes: int) -> list[tuple[int, str, str]]:
    """Ticks of a life that has just begun; minutes since then."""
    began, seen = int((clinic.now - NOON).total_seconds() // 60), []
    for _ in range(minutes):
        seen += [(at - began, who, body) for at, who, body in clinic.forward(1)]
        AfterRestore().run(clinic.hub, clinic.now)
    return seen


@pytest.mark.usefixtures("ben")
def test_pages_of_the_backup_are_never_sent_and_one_notice_comes_before_any_page(clinic: Clinic) -> None:
    first, second = clinic.patient(), clinic.patient(mrn="A2")
    clinic.finds(first)
    clinic.finds(second)
    backup = Backup(clinic)
    assert clinic.outbox() == [("page", "pending"), ("page", "pending")]
    clinic.tick()
    clinic.clock.forward(timedelta(hours=3))
    assert backup.restore() == (2, 2)
    told = wakes(clinic)
    assert sorted(told) == sorted([(who, notice(2, "10:09")) for who in ("Ana", "Ben", "last resort")])
    seen = later(clinic, 4)
    assert seen == []
    seen = later(clinic, 1)
    assert [(who, body[:46]) for _at, who, body in seen] == [
        ("Ana", "Riverside RED 07:04 ref K7Q2. Reply 1a to take"),
        ("Ana", "Riverside RED 07:04 ref M3XT. Reply 2a to take"),
    ]
    assert [state for kind, state in clinic.outbox()[:2]] == ["stale", "stale"]
    assert [(at, who) for at, who, _body in later(clinic, 5)] == [(5, "Ben"), (5, "Ben")]


@pytest.mark.usefixtures("ben")
def test_the_wait_begins_when_the_hub_does_however_late_that_is(clinic: Clinic) -> None:
    clinic.finds(clinic.patient())
    backup = Backup(clinic)
    backup.restore()
    clinic.clock.forward(timedelta(hours=9))
    assert len(wakes(clinic)) == 3
    assert later(clinic, 4) == []
    assert [who for _at, who, _body in later(clinic, 1)] == ["Ana"]


@pytest.mark.usefixtures("ben")
def test_a_red_that_something_measured_since_speaks_for_does_not_wait(clinic: Clinic) -> None:
    patient = clinic.patient()
    backup = Backup(clinic)
    clinic.clock.forward(timedelta(hours=1))
    backup.restore()
    assert len(wakes(clinic)) == 1
    clinic.clock.forward(timedelta(minutes=1))
    clinic.finds(patient)
    assert clinic.tick() == [("Ana", page("08:05", "08:10", digit=41))]


@pytest.mark.usefixtures("ben")
def test_a_red_of_readings_that_come_again_waits_with_the_others(clinic: Clinic) -> None:
    patient = clinic.patient()
    backup = Backup(clinic)
    clinic.clock.forward(timedelta(hours=1))
    backup.restore()
    wakes(clinic)
    clinic.finds(patient, at=clinic.now - timedelta(minutes=30))
    assert clinic.tick() == []
    assert later(clinic, 4) == []
    assert [who for _at, who, _body in later(clinic, 1)] == ["Ana"]


@pytest.mark.usefixtures("ben")
def test_a_number_that_was_told_since_the_backup_takes_no_other_alert(clinic: Clinic) -> None:
    """Ana got 1a for an alert that the backup does not know; her late answer must not take the one she never saw."""
    backup = Backup(clinic)
    clinic.finds(clinic.patient())
    assert clinic.tick() == [("Ana", page("07:04", "07:09"))]
    backup.restore()
    wakes(clinic)
    clinic.clock.forward(timedelta(minutes=1))
    clinic.finds(clinic.patient(mrn="A2"))
    assert clinic.tick() == [("Ana", page("07:05", "07:10", digit=41).replace("K7Q2", "M3XT"))]
    assert clinic.text(ANA, "1a") == [("Ana", "There is no page 1 on this phone. Reply 41a for M3XT.")]
    assert clinic.alert("M3XT").acknowledged_at is None


@pytest.mark.usefixtures("ben")
def test_an_alert_that_somebody_has_taken_in_the_backup_is_theirs_still(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.take(ana)
    backup = Backup(clinic)
    clinic.clock.forward(timedelta(minutes=5))
    assert backup.restore()[1] == 0
    wakes(clinic)
    assert later(clinic, 6) == []
    assert clinic.alert().acknowledged_name == "Ana Example"


def test_whoever_was_signed_in_then_signs_in_again(clinic: Clinic, ana: Actor) -> None:
    assert ana.staff_id is not None
    with clinic.hub.unit_of_work() as uow:
        uow.sessions.start(b"token", ana.staff_id, "csrf", clinic.now)
        uow.commit()
    backup = Backup(clinic)
    with clinic.hub.unit_of_work() as uow:
        assert uow.sessions.find(b"token") is not None
    backup.restore()
    with clinic.hub.unit_of_work() as uow:
        assert uow.sessions.find(b"token") is None


def test_a_row_that_cannot_be_read_hinders_no_restore(clinic: Clinic, ben: Actor) -> None:
    clinic.finds(clinic.patient(), Severity.RED)
    clinic.finds(clinic.patient(mrn="A2"), Severity.RED)
    clinic.break_alert("K7Q2")
    assert Backup(clinic).restore() == (2, 1)
    assert len(wakes(clinic)) == 3


def test_no_patient_is_texted_until_an_operator_has_spoken(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana, clinic.patient(phone=PAT))
    queue(clinic, patient)
    backup = Backup(clinic)
    with pytest.raises(Refused, match=r"No restore waits"):
        restored.opt_outs_entered(clinic.hub, ADMIN)
    clinic.clock.forward(timedelta(hours=1))
    backup.restore()
    wakes(clinic)
    assert clinic.outbox()[0] == ("checkin", "stale")
    queue(clinic, patient, "two")
    assert [who for _at, who, _body in later(clinic, 30)] == []
    assert len([kind for kind, _state in clinic.outbox() if kind == "checkin"]) == 1, "it was not even queued"
    restored.opt_outs_entered(clinic.hub, ADMIN)
    later(clinic, 1)
    queue(clinic, patient, "three")
    assert clinic.tick() == [(PAT, "Riverside: how are you?")]


def test_a_text_that_was_queued_all_the_same_is_stopped_when_it_is_claimed(clinic: Clinic, ana: Actor) -> None:
    patient = agrees(clinic, ana, clinic.patient(phone=PAT))
    Backup(clinic).restore()
    wakes(clinic)
    with clinic.hub.unit_of_work() as uow:
        of = uow.operations.stamp("restored-began")
        assert of is not None
        uow.operations.restamp("restored-over", of)
        uow.commit()
    queue(clinic, patient)
    with clinic.hub.unit_of_work() as uow:
        uow.operations.restamp("restored-over", of.replace("2026", "2025"))
        uow.commit()
    assert clinic.tick() == []
    with clinic.engine.connect() as connection:
        row = connection.execute(select(outbox).where(outbox.c.kind == "checkin")).one()
    assert (row.state, row.error) == ("cancelled", "restored: opt-outs are not entered yet")


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path) as one:
        one.agrees()
        one.moment()
        yield one


def test_a_stop_since_the_backup_is_read_from_the_provider_however_long_ago(told: Story) -> None:
    backup = Backup(told.clinic)
    told.forward(minutes=2)
    told.pat.texts("STOP")
    told.worker_down(days=12)
    backup.restore()
    told.start()
    told.moment()
    assert "hub restored from 02 Mar 07:04" in told.last.unread.pop(0)
    restored.opt_outs_entered(told.hub, ADMIN)
    told.forward(minutes=3)
    with told.hub.unit_of_work() as uow:
        known = restored.last(uow)
        assert known is not None
        assert (known.listed, known.over) == (True, True)
        assert not uow.consents.stands(told.home.patient_id, "sms", told.pat.number)


def test_texts_stay_away_while_the_providers_list_cannot_be_read(told: Story) -> None:
    backup = Backup(told.clinic)
    told.worker_down(hours=1)
    backup.restore()
    told.start()
    restored.opt_outs_entered(told.hub, ADMIN)
    with told.hub.unit_of_work() as uow:
        known = restored.last(uow)
        assert known is not None
        assert not restored.end_if_known(uow, told.hub, known, told.now), "the list was not read yet"
        assert restored.texts_wait(uow)
        assert restored.list_from(uow) == backup.made_at
    told.moment()
    told.moment()
    with told.hub.unit_of_work() as uow:
        assert not restored.texts_wait(uow)
    for phone in (told.ana, told.ben, told.last):
        phone.unread.clear()


def test_a_second_restore_does_not_forget_what_the_first_waits_for(clinic: Clinic, ana: Actor) -> None:
    first = Backup(clinic)
    clinic.clock.forward(timedelta(days=2))
    first.restore()
    second = Backup(clinic)
    clinic.clock.forward(timedelta(days=1))
    second.restore()
    with clinic.hub.unit_of_work() as uow:
        assert restored.list_from(uow) == first.made_at
