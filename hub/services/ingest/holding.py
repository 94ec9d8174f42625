"""A held reading that lies in SF3's table opens a red that names the candidates (SF18).

One red a gateway and reason, however many devices it hears: it names the newest. A device that was not in it yet pages
through an acknowledgement, as another rule would.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from hub.domain.at_once import at_once
from hub.domain.custody import WHY_HELD
from hub.domain.findings import Finding
from hub.domain.liveness import Route, verdict
from hub.domain.metrics import METRICS, unit_word
from hub.domain.patients import Patient
from hub.domain.samples import TIME_SUSPECT, Sample
from hub.domain.severity import Severity
from hub.domain.wording import inputs_of
from hub.services.alerting import Raised, raise_alert
from hub.services.hub import Hub
from hub.services.ingest.intake import Accepted
from hub.services.ingest.samples import Screened
from hub.services.ports.storage import UnitOfWork

MOST_DEVICES = 50
"""Devices told apart in one alert; a gateway that hears more hears a building."""

_OTHERS = "held:others"


def held_in_the_table(
    uow: UnitOfWork, hub: Hub, held: Accepted, reading: Screened, patients: Mapping[int, Patient], now: datetime
) -> None:
    """Raise the first of the reading's values that must page at once; an old one is for review."""
    urgent = next((sample for sample in reading.samples if at_once(sample)), None)
    if urgent is None:
        return
    device, code = held.entry.device, held.entry.code or ""
    subject, problem = f"gateway:{held.entry.gateway_id}", f"held-reading:{code}"
    alert = uow.alerts.open_of(subject, problem)
    before = alert.rules if alert is not None else frozenset()
    rule = _rule(device, before)
    suspect = TIME_SUSPECT in urgent.flags
    live = verdict(now - reading.age, now, metric=urgent.metric, time_suspect=suspect, newer_in_range=0)
    names = [patients[patient_id].name for patient_id in held.candidates if patient_id in patients]
    sentence = f"{_measured(urgent)} is held: {WHY_HELD[code]}. "
    sentence += f"Whose? {' or '.join(names)}" if names else "Whose is not known"
    sentence += f"; device {device}{_how_many(before | {rule})}"
    finding = Finding(
        rule=rule,
        problem=problem,
        severity=Severity.RED,
        at=urgent.at,
        sentence=f"{sentence}; {live.words}" if live.words else sentence,
        reading_id=urgent.reading_id,
        inputs=inputs_of(urgent) | {"device": device, "reason": code, "candidates": ", ".join(names) or "none"},
    )
    page = live.route is Route.PAGE
    raised = Raised(finding, "clinical", signed_off=True, protocol_version_id=None, page=page, retold=True)
    raise_alert(uow, hub, None, raised, subject, now)


def _rule(device: str, before: Collection[str]) -> str:
    rule = f"held:{device[-59:]}"  # the end of a long serial tells more than its beginning
    return rule if rule in before or len(before) < MOST_DEVICES else _OTHERS


def _how_many(rules: Collection[str]) -> str:
    if _OTHERS in rules:
        return f", the newest of over {MOST_DEVICES} devices"
    return f", the newest of {len(rules)} devices" if len(rules) > 1 else ""


def _measured(sample: Sample) -> str:
    label, unit = METRICS[sample.metric].label, unit_word(METRICS[sample.metric].unit)
    return f"{label} {sample.comparator or ''}{sample.value.normalize():f} {unit}"
