"""Held readings become a patient's: into the series and before the rules, as if they came now."""

from collections.abc import Sequence
from datetime import datetime

from hub.domain.patients import Monitoring
from hub.services.hub import Hub
from hub.services.ingest.decode import read_again
from hub.services.ingest.evaluate import Came, evaluate
from hub.services.ingest.samples import Screened, screen_reading
from hub.services.ports.feed import Touched
from hub.services.ports.measuring import HeldEntry
from hub.services.ports.storage import UnitOfWork


def release(
    uow: UnitOfWork, hub: Hub, patient_id: int, entries: Sequence[HeldEntry], now: datetime
) -> list[HeldEntry] | None:
    """Those nobody had decided on before. None: this patient was judged, or ended, meanwhile; nothing may be kept."""
    devices = uow.devices.by_addresses(sorted({entry.device for entry in entries}))
    versions = uow.patients.evaluation_versions([patient_id])
    patient = uow.patients.get(patient_id)
    if patient.state is Monitoring.ENDED:
        return None
    released: list[HeldEntry] = []
    readings: list[Screened] = []
    for entry in entries:
        device = devices.get(entry.device)
        device_id = None if device is None else device.id
        if uow.journal.release(entry.id, patient.id, device_id, "stored"):
            age = now - entry.effective_at
            came = read_again(entry.body)
            readings.append(screen_reading(came, entry.flags, entry.id, device_id, entry.effective_at, age))
            released.append(entry)
    if readings:
        times = [entry.effective_at for entry in released]
        uow.feed.changed(Touched(patient.id, min(times), max(times)), "release")
        evaluate(uow, hub, [Came(patient, readings)], now)
    return released if uow.patients.judged(versions) else None
