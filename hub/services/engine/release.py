"""Readings held for their gateway are released once the device is accepted on it and it is known who had the device."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.custody import Held, owner
from hub.domain.patients import Monitoring
from hub.errors import Transient
from hub.services.engine.guard import one_by_one
from hub.services.hub import HUB, Hub
from hub.services.ingest.decode import read_again
from hub.services.ports.measuring import HeldEntry
from hub.services.ports.storage import UnitOfWork
from hub.services.releasing import release

BATCH = 200
IDLE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Owned:
    patient_id: int
    entries: Sequence[HeldEntry]


class Release:
    """What the click on "accept" began, ``BATCH`` readings a tick, each patient's in a transaction."""

    name = "release"
    deadline = timedelta(seconds=30)

    def __init__(self) -> None:
        self._after = 0
        """Where the next look begins: a row that cannot be released stops none behind it."""
        self._idle_since: datetime | None = None

    def run(self, hub: Hub, now: datetime) -> int:
        """How many patients' readings were released."""
        if self._idle_since is not None and timedelta(0) <= now - self._idle_since < IDLE:
            return 0
        with hub.unit_of_work() as uow:
            entries = uow.journal.accepted(self._after, BATCH)
            owned = _sorted(uow, entries)
            uow.commit()
        self._after = entries[-1].id if entries else 0
        self._idle_since = None if entries else now
        return one_by_one(
            hub, now, owned, lambda uow, one: _release(uow, hub, one, now), self.name, lambda one: one.entries[0].id
        )


def _sorted(uow: UnitOfWork, entries: Sequence[HeldEntry]) -> list[_Owned]:
    """By patient. What is nobody's for certain waits on, with that as its reason."""
    devices = uow.devices.by_addresses(sorted({entry.device for entry in entries}))
    periods = uow.devices.assignments([device.id for device in devices.values()])
    found: dict[int, list[HeldEntry]] = {}
    for entry in entries:
        theirs = periods.get(devices[entry.device].id, [])
        whose = owner(theirs, entry.effective_at, read_again(entry.body).user_index)
        if isinstance(whose, Held):
            uow.journal.hold_for(entry.id, whose.code)
        else:
            found.setdefault(whose.patient_id, []).append(entry)
    patients = uow.patients.many(found)
    for patient_id, mine in list(found.items()):
        if patients[patient_id].state is Monitoring.ENDED:
            for entry in mine:
                uow.journal.hold_for(entry.id, "unassigned")
            del found[patient_id]
    return [_Owned(patient_id, mine) for patient_id, mine in found.items()]


def _release(uow: UnitOfWork, hub: Hub, one: _Owned, now: datetime) -> None:
    released = release(uow, hub, one.patient_id, one.entries, now)
    if released is None:
        raise Transient("readings of this patient came in at this moment")
    if released:
        detail = {"patient": one.patient_id, "readings": len(released), "last": released[-1].id}
        uow.audit.write(now, HUB.name, "reading.release", f"journal:{released[0].id}", detail)
