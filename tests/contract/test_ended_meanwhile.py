"""A person ends a patient's monitoring while a reading of theirs is being judged: PostgreSQL lets both happen at once.

Whichever commits first, the reading is judged by what is so then, and nobody is paged for who is watched no longer.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.domain.patients import EndReason
from hub.services import enrolment
from hub.services.ingest.commit import JudgedMeanwhile, process
from hub.services.ingest.registry import Registry
from hub.services.ports.storage import UnitOfWork
from tests.unit.ingest.home import ADMIN, OXIMETER, Home, batch, homes, reading, spo2


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
