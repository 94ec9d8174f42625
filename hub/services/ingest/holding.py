"""A held reading that lies in SF3's table opens a red that names the candidates (SF18)."""

from collections.abc import Mapping
from datetime import datetime

from hub.domain.at_once import at_once
from hub.domain.findings import Finding
from hub.domain.liveness import Route, verdict
from hub.domain.metrics import METRICS, unit_word
from hub.domain.patients import Patient
from hub.domain.samples import TIME_SUSPECT, Sample
from hub.domain.severity import Severity
from hub.services.alerting import Raised, raise_alert
from hub.services.hub import Hub
from hub.services.ingest.intake import Accepted
from hub.services.ingest.samples import Screened
from hub.services.ports.storage import UnitOfWork

_WHY = {
    "unknown_device": "this device is not known here",
    "foreign_gateway": "this device was not accepted on the gateway that sent it",
    "unassigned": "nobody has this device",
    "ambiguous": "several patients share this device",
}


def held_in_the_table(
    uow: UnitOfWork, hub: Hub, held: Accepted, reading: Screened, patients: Mapping[int, Patient], now: datetime
) -> None:
    """Open the red for the first of the reading's values that must page at once; an old one is for review."""
    urgent = next((sample for sample in reading.samples if at_once(sample)), None)
    if urgent is None:
        return
    device, reason = held.entry.device, held.entry.code or ""
    suspect = TIME_SUSPECT in urgent.flags
    live = verdict(now - reading.age, now, metric=urgent.metric, time_suspect=suspect, newer_in_range=0)
    names = [patients[patient_id].name for patient_id in held.candidates if patient_id in patients]
    sentence = f"{_measured(urgent)} is held: {_WHY[reason]}. "
    sentence += f"Whose? {' or '.join(names)}" if names else "Whose is not known"
    finding = Finding(
        rule="held-reading",
        problem="held-reading",
        severity=Severity.RED,
        at=urgent.at,
        sentence=f"{sentence}; {live.words}" if live.words else sentence,
        reading_id=urgent.reading_id,
        inputs={"device": device, "reason": reason, "candidates": ", ".join(names) or "none"},
    )
    page = live.route is Route.PAGE
    raised = Raised(finding, "clinical", signed_off=True, protocol_version_id=None, page=page)
    raise_alert(uow, hub, None, raised, f"device:{device}", now)


def _measured(sample: Sample) -> str:
    label, unit = METRICS[sample.metric].label, unit_word(METRICS[sample.metric].unit)
    return f"{label} {sample.comparator or ''}{sample.value.normalize():f} {unit}"
