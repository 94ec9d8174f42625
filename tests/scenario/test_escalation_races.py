"""Many at once on one database file: one alert, one owner, one message (E2, G4, G5)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from hub.domain.severity import Severity
from hub.errors import Conflict
from hub.services.engine.delivery import Delivery
from hub.services.engine.escalation import Escalation
from tests.unit.alerting.clinic import ANA, BEN, Clinic, clinics

MANY = 6


@pytest.fixture
def clinic(tmp_path: Path, database_url: str | None) -> Iterator[Clinic]:
    for clinic in clinics(tmp_path, url=database_url):
        clinic.staff("Ana Example", ANA)
        yield clinic


def at_once(act: Callable[[int], object]) -> list[object]:
    barrier = Barrier(MANY)

    def one(number: int) -> object:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def test_six_readings_at_once_are_one_alert_and_one_page(clinic: Clinic) -> None:
    patient = clinic.patient()
    (alert_id,) = set(at_once(lambda number: clinic.finds(patient, rule=f"rule-{number}")))
    assert isinstance(alert_id, int)
    with clinic.hub.unit_of_work() as uow:
        assert uow.alerts.get(alert_id).findings == MANY
    assert [who for who, _ in clinic.tick()] == ["Ana"]


def test_six_nurses_at_once_are_one_owner_and_five_who_hear_the_name(clinic: Clinic) -> None:
    nurses = [clinic.staff(f"N{number} Nurse", f"+155501{number + 20}") for number in range(MANY)]
    clinic.finds(clinic.patient())

    def take(number: int) -> str:
        try:
            return f"{clinic.take(nurses[number]).acknowledged_name} acknowledged"
        except Conflict as refused:
            return str(refused).removesuffix(" 0 s ago")

    assert len(set(at_once(take))) == 1
    assert clinic.transitions().count("ACK-1") == 1


def test_six_workers_at_once_send_each_page_once(clinic: Clinic) -> None:
    clinic.staff("Ben Sample", BEN)
    patient = clinic.patient()
    for number in range(10):
        clinic.finds(patient, Severity.RED, problem=f"problem-{number}")

    def work(_: int) -> int:
        return Escalation().run(clinic.hub, clinic.now) + Delivery().run(clinic.hub, clinic.now)

    at_once(work)
    assert len(clinic.phones.drain()) == 10
    assert clinic.outbox() == [("page", "accepted")] * 10


def test_an_acknowledgement_and_an_escalation_at_once_leave_no_page_behind(clinic: Clinic) -> None:
    ben = clinic.staff("Ben Sample", BEN)
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.clock.forward(clinic.alert().chain.wait_before(1))

    def act(number: int) -> object:
        return clinic.take(ben) if number == 0 else Escalation().run(clinic.hub, clinic.now)

    at_once(act)
    texts = [body for _, body in clinic.tick()]
    assert texts == ["K7Q2 is with Ben since 07:09. You need do nothing."]
    assert clinic.alert().next_page_at is None
