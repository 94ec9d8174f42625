"""The first minutes after a restore: one notice to the responsible, and texts to patients once all is known (SF22)."""

from datetime import datetime, timedelta

from hub.domain import texts
from hub.domain.messages import NEWS_VALID
from hub.services import restored
from hub.services.hub import Hub
from hub.services.paging import clinic, last_resort, operators
from hub.services.ports.alerting import NewMessage
from hub.services.ports.storage import UnitOfWork
from hub.services.restored import Restored

KIND = "restored"


class AfterRestore:
    """Comes first: whoever is paged afterwards has heard why."""

    name = "after-restore"
    deadline = timedelta(seconds=5)

    def __init__(self) -> None:
        self._nothing = False
        """A database is restored only while no hub uses it."""

    def run(self, hub: Hub, now: datetime) -> int:
        """How much was done."""
        if self._nothing:
            return 0
        with hub.unit_of_work() as uow:
            known = restored.last(uow)
            if known is None or known.over:
                self._nothing = known is None or known.noticed
            if known is None or self._nothing:
                return 0
            done = 0 if known.noticed else _notice(uow, hub, known, now)
            done += restored.end_if_known(uow, hub, known, now)
            uow.commit()
        return done


def _notice(uow: UnitOfWork, hub: Hub, known: Restored, now: datetime) -> int:
    """One text to everybody who would be paged, and to whoever answers for the system."""
    began = restored.begun(uow, known, now)
    people = {person.phone: person.staff_id for person in operators(uow)}
    final = last_resort(hub)
    if final is not None:
        people.setdefault(final.phone, None)
    open_alerts = restored.paging(uow, now)
    for alert in open_alerts:
        for step in alert.chain.steps:
            if step.staff_id is None or uow.staff.get(step.staff_id).disabled_at is None:
                people.setdefault(step.phone, step.staff_id)
    body = texts.restored(clinic(hub), known.made_at, len(open_alerts), began + restored.WAIT)
    for phone, staff_id in people.items():
        message = NewMessage(
            dedupe=f"restored:{known.at:%Y-%m-%dT%H:%M:%S}:{phone}",
            kind=KIND,
            to=phone,
            body=body,
            send_after=now,
            valid_until=now + NEWS_VALID,
            staff_id=staff_id,
            urgent=True,
        )
        uow.outbox.add(message, now)
    restored.noticed(uow, known, now)
    return len(people)
