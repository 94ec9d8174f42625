"""A person ends a patient's monitoring while a reading of theirs is being judged: PostgreSQL lets both happen at once.

Whichever commits first, the reading is judged by what is so then, and nobody is paged for who is watched no longer.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hub.adapters.sql.patients import SqlPatients
from hub.domain.patients import EndReason
from hub.errors import Conflict, Invalid
from hub.services import enrolment
from hub.services.amending import void_reading
from hub.services.engine.missing import Missing
from hub.services.held import assign
from hub.services.ingest.commit import JudgedMeanwhile, process
from hub.services.ingest.registry import Registry
from hub.services.ports.storage import UnitOfWork
from tests.contract.test_data_and_silence import NO_DATA
from tests.unit.ingest.home import ADMIN, OXIMETER, Home, batch, homes, kg, reading, spo2


@pytest.fixture
def home(tmp_path: Path, postgres_url: str) -> Iterator[Home]:
    yield from homes(tmp_path, url=postgres_url)


class Overtaken(Registry):
    """Once a group has been told that nothing changed, monitoring ends."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home
        self.ends = False

    def refresh(self, uow: UnitOfWork) -> None:
        super().refresh(uow)
        if self.ends:
            self.ends = False
            enrolment.end(self._home.hub, ADMIN, self._home.patient_id, EndReason.MOVED)


def ends_before_versions_are_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has read the patient before has an older one than the version says."""
    before_versions_are_read(monkeypatch, lambda: enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.MOVED))


def before_versions_are_read(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Somebody else does this first, once."""
    reads = SqlPatients.evaluation_versions

    def after_the_change(patients: SqlPatients, ids: Iterable[int]) -> dict[int, int]:
        monkeypatch.setattr(SqlPatients, "evaluation_versions", reads)
        change()
        return reads(patients, ids)

    monkeypatch.setattr(SqlPatients, "evaluation_versions", after_the_change)


def test_monitoring_ends_while_a_held_reading_is_given_to_the_patient(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.measures(spo2(79), "AA:BB:CC:00:00:99", profile="pulse-oximeter").startswith("held")
    (held,) = home.rows("journal", "id")
    ends_before_versions_are_read(home, monkeypatch)
    with pytest.raises(Conflict):
        assign(home.hub, home.ana, held, home.patient_id)
    assert home.rows("journal", "status") == ["held"]
    assert home.alerts() == ["held-reading:unknown_device open"]
    with pytest.raises(Invalid, match="has ended"):
        assign(home.hub, home.ana, held, home.patient_id)


def weighed_after_somebody_else(home: Home) -> int:
    """The number of a reading without which the weights after it are a gain."""
    for days, kilograms in ((2, 84), (1, 75), (0, 78)):
        home.measures(kg(kilograms), old=timedelta(days=days))
    assert home.alerts() == []
    first: int = home.rows("journal", "id")[0]
    return first


def test_monitoring_ends_while_a_reading_is_left_out(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    others = weighed_after_somebody_else(home)
    ends_before_versions_are_read(home, monkeypatch)
    void_reading(home.hub, ADMIN, others, "her husband stood on the scale")
    assert home.alerts() == []


def test_a_dry_weight_is_set_while_a_reading_is_left_out(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    others = weighed_after_somebody_else(home)
    dry = Decimal("76.5")
    before_versions_are_read(monkeypatch, lambda: enrolment.set_dry_weight(home.hub, home.ana, home.patient_id, dry))
    void_reading(home.hub, ADMIN, others, "her husband stood on the scale")
    assert home.sentences() == ["Weight +3.0 kg in 24 h (75.0 -> 78.0 kg); dry 76.5"]


def test_monitoring_ends_while_the_worker_looks_what_is_missing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.forward(NO_DATA - timedelta(minutes=1) - home.now, every=timedelta(hours=1))
    home.clinic.clock.forward(timedelta(minutes=1))
    ends_before_versions_are_read(home, monkeypatch)
    Missing().run(home.hub, home.now)
    assert home.alerts() == []


def test_monitoring_ends_after_the_registry_was_found_to_stand(home: Home) -> None:
    registry = Overtaken(home)
    calm, low = (batch(home.now, reading(n, home.now, spo2(now), OXIMETER)) for n, now in ((1, 97), (2, 79)))
    process(home.hub, [home.message(calm)], registry)
    registry.ends = True
    with pytest.raises(JudgedMeanwhile):
        process(home.hub, [home.message(low)], registry)
    assert (home.count("journal"), home.alerts()) == (1, [])
    process(home.hub, [home.message(low)], registry)
    assert (home.rows("quarantine", "code"), home.alerts()) == (["ended"], [])


def test_a_device_is_taken_back_while_its_reading_is_placed(home: Home) -> None:
    """Nobody of the group is judged then, and what it is placed by is compared all the same."""
    registry = Overtaken(home)
    process(home.hub, [home.message(batch(home.now, reading(1, home.now, kg(78))))], registry)
    registry.ends = True
    with pytest.raises(JudgedMeanwhile):
        process(home.hub, [home.message(batch(home.now, reading(2, home.now, spo2(79), OXIMETER)))], registry)
    assert home.rows("journal", "status") == ["stored"]
