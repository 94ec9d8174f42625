"""Raises what a reading asked for and nothing answered: no valid repeat (SF1), no re-weigh (SF6)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.liveness import LIVE
from hub.domain.patients import Monitoring
from hub.domain.severity import Severity
from hub.services.alerting import Raised, raise_alert
from hub.services.engine.guard import one_by_one
from hub.services.hub import Hub
from hub.services.ports.care import InForce
from hub.services.ports.measuring import DueDeadline
from hub.services.ports.storage import UnitOfWork

BATCH = 200


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Duties that readings set."""

    name: str = "deadlines"
    deadline: timedelta = timedelta(seconds=30)

    def run(self, hub: Hub, now: datetime) -> int:
        """Each duty in a transaction of its own; compare-and-set, so that a repeat that comes meanwhile wins."""
        with hub.unit_of_work() as uow:
            due = uow.duties.due_deadlines(now, BATCH)
        return one_by_one(hub, now, due, lambda uow, duty: _raise(uow, hub, duty, now), self.name, lambda duty: duty.id)


def _raise(uow: UnitOfWork, hub: Hub, duty: DueDeadline, now: datetime) -> None:
    after = duty.finding.at + timedelta(milliseconds=1)
    if any(sample.answers for sample in uow.series.range(duty.patient_id, duty.metric, after, now)):
        uow.duties.cancel(duty.id)  # a repeat that was stored and not judged is a repeat
        return
    patient = uow.patients.get(duty.patient_id)
    if not uow.duties.raised(duty.id) or (patient.state is Monitoring.PAUSED and duty.finding.severity < Severity.RED):
        return
    in_force = _in_force(uow, duty, now)
    signed = in_force is not None and in_force.protocol.signed_by is not None
    version_id = None if in_force is None else in_force.version_id
    # A duty of a recording that came late was over before the hub knew of it: a person reviews it (SF2).
    page = now - duty.due_at <= LIVE
    raised = Raised(duty.finding, "clinical", signed, version_id, page)
    raise_alert(uow, hub, patient, raised, f"patient:{patient.id}", now)


def _in_force(uow: UnitOfWork, duty: DueDeadline, now: datetime) -> InForce | None:
    for enrolment in uow.protocols.of_patient(duty.patient_id, now):
        if any(rule.id == duty.finding.rule for rule in enrolment.in_force.protocol.rules):
            return enrolment.in_force
    return None
