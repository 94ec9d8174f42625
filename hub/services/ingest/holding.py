"""A held reading that lies in SF3's table opens a red that names the candidates (SF18)."""

from collections.abc import Mapping
from datetime import datetime

from hub.domain.at_once import at_once
from hub.domain.findings import Finding
from hub.domain.metrics import METRICS, unit_word
from hub.domain.patients import Patient
from hub.domain.severity import Severity
from hub.services.alerting import Raised, raise_alert
from hub.services.hub import Hub
from hub.services.ingest.intake import Placed
from hub.services.ingest.samples import Screened
from hub.services.ports.storage import UnitOfWork

_WHY = {
    "unknown_device": "this device is not known here",
    "foreign_gateway": "this device was not accepted on the gateway that sent it",
    "unassigned": "nobody has this device",
    "ambiguous": "several patients share this device",
}


def held_in_the_table(
    uow: UnitOfWork, hub: Hub, placed: Placed, reading: Screened, patients: Mapping[int, Patient], now: datetime
) -> None:
    """Open the red for the first of the reading's values that must page at once, if any does."""
    urgent = next((sample for sample in reading.samples if at_once(sample)), None)
    if urgent is None or placed.entry is None:
        return
    names = [patients[patient_id].name for patient_id in placed.candidates if patient_id in patients]
    whose = f"Whose? {' or '.join(names)}" if names else "Whose is not known"
    label, unit = METRICS[urgent.metric].label, unit_word(METRICS[urgent.metric].unit)
    finding = Finding(
        rule="held-reading",
        problem="held-reading",
        severity=Severity.RED,
        at=urgent.at,
        sentence=f"{label} {urgent.value.normalize():f} {unit} is held: {_WHY[placed.code or '']}. {whose}",
        reading_id=urgent.reading_id,
        inputs={"device": placed.entry.device, "reason": placed.code or "", "candidates": ", ".join(names) or "none"},
    )
    raised = Raised(finding, "clinical", signed_off=True, protocol_version_id=None, page=True)
    raise_alert(uow, hub, None, raised, f"device:{placed.entry.device}", now)
