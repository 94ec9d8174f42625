"""Raises what a reading asked for and nothing answered: no valid repeat (SF1), no re-weigh (SF6)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.findings import Finding
from hub.domain.liveness import LIVE
from hub.services.alerting import Raised, raise_alert
from hub.services.engine.guard import one_by_one
from hub.services.hub import Hub
from hub.services.ports.storage import UnitOfWork

BATCH = 200

Due = tuple[int, int, datetime, Finding]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Duties that readings set."""

    name: str = "deadlines"
    deadline: timedelta = timedelta(seconds=30)

    def run(self, hub: Hub, now: datetime) -> int:
        """Each duty in a transaction of its own; compare-and-set, so that a repeat that comes meanwhile wins."""
        with hub.unit_of_work() as uow:
            due = uow.duties.due_deadlines(now, BATCH)

        def raise_it(uow: UnitOfWork, row: Due) -> None:
            deadline_id, patient_id, due_at, finding = row
            if uow.duties.raised(deadline_id):
                patient = uow.patients.get(patient_id)
                in_force = next(
                    (
                        e.in_force
                        for e in uow.protocols.of_patient(patient_id, now)
                        if any(rule.id == finding.rule for rule in e.in_force.protocol.rules)
                    ),
                    None,
                )
                signed = in_force is not None and in_force.protocol.signed_by is not None
                version_id = None if in_force is None else in_force.version_id
                # A duty of a recording that came late was over before the hub knew of it: a person reviews it (SF2).
                page = now - due_at <= LIVE
                raised = Raised(finding, "clinical", signed, version_id, page)
                raise_alert(uow, hub, patient, raised, f"patient:{patient_id}", now)

        return one_by_one(hub, now, due, raise_it, "deadlines", lambda row: row[0])
