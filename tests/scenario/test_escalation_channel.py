"""What happens to pages on their way: dead channels, dead workers, consoles, damaged rows (E10, G5, SF10, SF12)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.adapters.channels.console import Console
from hub.adapters.channels.demo_phone import DemoPhone
from hub.adapters.sql.tables.alerting import demo_phone
from hub.domain.messages import Sending
from hub.domain.severity import Severity
from hub.services import alerting
from hub.services.delivery import receive_status
from hub.services.engine.delivery import _claim, _send
from hub.services.hub import Actor
from hub.services.ports.base import Delivery as Told
from tests.unit.alerting.clinic import ANA, BEN, LAST, SITE, Clinic, Killed, clinics


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path)


@pytest.fixture(autouse=True)
def ana(clinic: Clinic) -> Actor:
    return clinic.staff("Ana Example", ANA)


@pytest.fixture(autouse=True)
def ben(clinic: Clinic, ana: Actor) -> Actor:
    return clinic.staff("Ben Sample", BEN, "physician")


def says(state: str, *, permanent: bool = False) -> Callable[[], Told]:
    return lambda: Told(state, error="30003", permanent=permanent)


def people(seen: list[tuple[int, str, str]]) -> list[tuple[int, str]]:
    return [(at, who) for at, who, _ in seen]


@pytest.mark.parametrize("state", ["failed", "undelivered"])
def test_a_page_that_fails_goes_to_the_next_person_now(clinic: Clinic, state: str) -> None:
    clinic.phones.behaves[ANA] = says(state, permanent=True)
    clinic.finds(clinic.patient())
    assert [who for who, _ in clinic.tick()] == ["Ben"]
    assert people(clinic.forward(12)) == [(5, "last resort")]
    assert clinic.transitions() == ["OPEN-1", "ESC-1", "ESC-3", "ESC-1", "ESC-1"]


def test_a_page_that_may_or_may_not_have_left_is_never_sent_again(clinic: Clinic) -> None:
    clinic.phones.behaves[ANA] = says("unknown")
    clinic.finds(clinic.patient())
    assert [who for who, _ in clinic.tick()] == ["Ben"]
    del clinic.phones.behaves[ANA]
    assert people(clinic.forward(12)) == [(5, "last resort")]
    assert clinic.outbox()[0] == ("page", "unknown")


def test_a_page_that_surely_did_not_leave_is_tried_again_beside_the_next_person(clinic: Clinic) -> None:
    clinic.phones.behaves[ANA] = says("failed")
    clinic.finds(clinic.patient())
    assert [who for who, _ in clinic.tick()] == ["Ben"]
    del clinic.phones.behaves[ANA]
    assert people(clinic.forward(1)) == [(1, "Ana")]


def test_a_receipt_that_says_undelivered_pages_the_next_person_now(clinic: Clinic) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.clock.forward(timedelta(seconds=20))
    assert receive_status(clinic.hub, "sid-1", Sending.UNDELIVERED, "30003")
    assert not receive_status(clinic.hub, "sid-1", Sending.SENT)
    assert [who for who, _ in clinic.tick()] == ["Ben"]


def test_a_channel_that_reaches_nobody_is_an_alarm_and_the_red_goes_on(clinic: Clinic) -> None:
    for phone in (ANA, BEN, LAST):
        clinic.phones.behaves[phone] = says("failed", permanent=True)
    clinic.finds(clinic.patient())
    assert clinic.forward(2) == []
    assert clinic.alert().nobody_reached_at is not None
    assert clinic.all_alerts() == ["oxygen-low open", "nobody-reached open"]
    clinic.phones.behaves.clear()
    assert "last resort" in {who for _, who in people(clinic.forward(12))}
    assert "NOB-1" in clinic.transitions()


def test_a_console_never_counts_as_reaching_a_person(clinic: Clinic) -> None:
    clinic.phones.reaches_people = False
    clinic.finds(clinic.patient())
    assert [(who, body.split(" ref ")[0]) for who, body in clinic.tick()] == [
        ("Ana", "Riverside RED 07:04"),
        ("last resort", "Riverside SYSTEM RED 07:04"),
    ]
    assert clinic.alert().nobody_reached_at is not None
    assert clinic.all_alerts() == ["oxygen-low open", "nobody-reached open"]
    assert [who for at, who, body in clinic.forward(10) if "K7Q2" in body] == ["Ben", "last resort"]


def test_in_the_demo_an_invented_phone_does_count(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    for clinic in clinics(folder, replace(SITE, mode="demo", escalation_scale=0.2)):
        clinic.phones.reaches_people = False
        clinic.staff("Ana Example", ANA)
        clinic.finds(clinic.patient())
        (page,) = clinic.tick()
        assert page[1].startswith("DEMO Riverside RED 07:04 ref K7Q2.")
        assert clinic.all_alerts() == ["oxygen-low open"]
        assert people(clinic.forward(4)) == [(1, "last resort"), (3, "last resort")]


def die() -> Told:
    raise Killed


def test_a_worker_killed_while_sending_makes_the_page_unknown_and_the_next_person_is_paged(clinic: Clinic) -> None:
    clinic.phones.behaves[ANA] = die
    clinic.finds(clinic.patient())
    with pytest.raises(Killed):
        clinic.tick()
    del clinic.phones.behaves[ANA]
    assert clinic.outbox() == [("page", "sending")]
    assert people(clinic.forward(2)) == [(1, "Ben")]
    assert clinic.outbox() == [("page", "unknown"), ("page", "accepted")]


def test_where_a_second_one_shows_once_a_killed_worker_sends_again(clinic: Clinic) -> None:
    clinic.phones.idempotent = True
    clinic.phones.behaves[ANA] = die
    clinic.finds(clinic.patient())
    with pytest.raises(Killed):
        clinic.tick()
    del clinic.phones.behaves[ANA]
    assert people(clinic.forward(4)) == [(1, "Ana")]


def test_a_message_that_kills_every_worker_is_given_up(clinic: Clinic) -> None:
    clinic.phones.idempotent = True
    clinic.phones.behaves[ANA] = die
    clinic.finds(clinic.patient())
    for _ in range(5):
        with pytest.raises(Killed):
            clinic.tick()
        clinic.clock.forward(timedelta(seconds=61))
    clinic.tick()
    assert clinic.outbox()[0] == ("page", "failed")


def test_a_worker_that_slept_past_its_lease_does_not_send(clinic: Clinic) -> None:
    clinic.finds(clinic.patient())
    with clinic.hub.unit_of_work() as uow:
        (slept,) = uow.outbox.claim(clinic.now, clinic.now + timedelta(seconds=60), "phones", 10)
        uow.commit()
    clinic.clock.forward(timedelta(seconds=61))
    with clinic.hub.unit_of_work() as uow:
        assert not uow.outbox.mine(slept.id, slept.fence, clinic.now)
    assert [who for who, _ in clinic.tick()] == ["Ben"]
    with clinic.hub.unit_of_work() as uow:
        assert not uow.outbox.record(slept.id, slept.fence, Sending.ACCEPTED, "sid-x", None, clinic.now)


def test_a_page_claimed_before_the_acknowledgement_is_not_sent_after_it(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    claimed = _claim(clinic.hub, clinic.now)
    clinic.take(ana)
    assert claimed is not None
    assert not _send(clinic.hub, claimed)
    assert (clinic.phones.drain(), clinic.outbox()) == ([], [("page", "cancelled")])


def test_a_page_that_waited_too_long_is_not_sent_at_all(clinic: Clinic) -> None:
    clinic.finds(clinic.patient())
    clinic.clock.forward(timedelta(minutes=16))
    assert [who for who, _ in clinic.tick()] == ["Ben"]
    assert clinic.outbox()[0] == ("page", "stale")


def test_the_first_red_jumps_the_queue(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient, Severity.AMBER, problem="weight-up")
    clinic.clock.forward(timedelta(hours=2))
    with clinic.hub.unit_of_work() as uow:
        assert len(uow.alerts.due_pages(clinic.now, 10)) == 1
    clinic.finds(patient)
    assert [body.split()[1] for _, body in clinic.tick()] == ["RED", "AMBER"]


def test_one_damaged_row_stops_no_other_and_is_an_alarm(clinic: Clinic) -> None:
    patient = clinic.patient()
    clinic.finds(patient)
    clinic.tick()
    clinic.finds(patient, problem="pulse-high")
    clinic.tick()
    clinic.break_alert("K7Q2")
    seen = [body.split("ref ")[1][:4] for _, _, body in clinic.forward(5)]
    assert "M3XT" in seen
    assert "row-failed open" in clinic.all_alerts()


def test_the_first_page_is_written_with_the_alert_or_not_at_all(clinic: Clinic) -> None:
    def dies_before_the_commit() -> None:
        with clinic.hub.unit_of_work() as uow:
            alerting.technical(uow, clinic.hub, "hub", "broken", Severity.RED, "Broken", clinic.now)
            raise Killed

    with pytest.raises(Killed):
        dies_before_the_commit()
    assert (clinic.all_alerts(), clinic.outbox(), clinic.history_rows()) == ([], [], 0)
    clinic.technical()
    assert (clinic.all_alerts(), clinic.outbox()) == (["offline open"], [("page", "pending")])


def test_nobody_with_a_phone_is_said_at_once_and_looked_for_again(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    for clinic in clinics(folder, replace(SITE, last_resort_phone=None)):
        clinic.finds(clinic.patient())
        assert clinic.all_alerts() == ["oxygen-low open", "nobody-can-be-paged open"]
        assert clinic.alert().nobody_reached_at is not None
        clinic.staff("Ana Example", ANA)
        assert people(clinic.forward(12)) == [(10, "Ana")]


def test_no_member_with_a_phone_pages_the_last_resort_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    for clinic in clinics(folder):
        clinic.finds(clinic.patient())
        assert [who for who, _ in clinic.tick()] == ["last resort"]


def test_a_demo_phone_shows_a_message_once_and_only_on_an_invented_number(clinic: Clinic) -> None:
    channel = DemoPhone(clinic.engine)
    first = channel.send(7, ANA, "text", clinic.now)
    assert channel.send(7, ANA, "text", clinic.now) == first == Told("delivered", "demo-7")
    assert channel.send(8, "+4930123456", "text", clinic.now).permanent
    with clinic.engine.connect() as connection:
        assert [row.body for row in connection.execute(select(demo_phone.c.body))] == ["text"]


def test_the_console_says_neither_number_nor_text(clinic: Clinic, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        Console().send(7, ANA, "secret words", clinic.now)
    assert "7" in str([vars(record) for record in caplog.records])
    assert ANA not in str([vars(record) for record in caplog.records])
    assert "secret" not in str([vars(record) for record in caplog.records])
