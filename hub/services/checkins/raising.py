"""Alerts that an option of a question opens, also where nobody waits for the answer any more."""

from datetime import datetime, timedelta

from hub.domain.answers import Chosen, parse_answer
from hub.domain.checkins import Choice, heard_as
from hub.domain.findings import Finding
from hub.domain.messages import LEFT
from hub.domain.patients import Patient
from hub.domain.severity import Severity
from hub.services.alerting import Raised, raise_alert
from hub.services.checkins.talk import Talk, talk_of
from hub.services.hub import Hub
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import CHECKIN

HEARD_FOR = timedelta(hours=24)
"""How long after a question was asked an option of it still opens its alert."""


def raise_chosen(
    uow: UnitOfWork, hub: Hub, talk: Talk, choice: Choice, severity: Severity, now: datetime, *, late: bool = False
) -> None:
    """Open the alert of an option. A red one pages through an acknowledgement: they are worse again (SF13)."""
    checkin = talk.checkin
    finding = Finding(
        rule=f"checkin-{checkin.id}",
        problem=f"checkin-{checkin.id}-{talk.step.id}",
        severity=severity,
        at=now,
        sentence=f"{choice.sentence}, says the patient by text{', unasked or late' if late else ''}",
        inputs={"check-in": f"{checkin.id} version {checkin.version}", "answer": f"{choice.digit}, {choice.words}"},
    )
    again = severity is Severity.RED
    raised = Raised(finding, "clinical", checkin.signed_by is not None, None, page=True, afresh=again)
    raise_alert(uow, hub, talk.patient, raised, f"patient:{talk.patient.id}", now)


def raise_unbelieved(uow: UnitOfWork, hub: Hub, talk: Talk, body: str, now: datetime) -> None:
    """A red where what was typed again can hardly be: the sickest values page, unconfirmed (SF1)."""
    checkin = talk.checkin
    finding = Finding(
        rule=f"checkin-{checkin.id}",
        problem=f"checkin-{checkin.id}-{talk.step.id}",
        severity=Severity.RED,
        at=now,
        sentence=f"The patient typed \u201c{heard_as(body)}\u201d: unconfirmed, may be a typing error",
        inputs={"check-in": f"{checkin.id} version {checkin.version}", "text": body},
        confirmed=False,
    )
    raised = Raised(finding, "clinical", checkin.signed_by is not None, None, page=True, retold=True, afresh=True)
    raise_alert(uow, hub, talk.patient, raised, f"patient:{talk.patient.id}", now)


def hear_late(uow: UnitOfWork, hub: Hub, patient: Patient, body: str, said_at: datetime, now: datetime) -> None:
    """Open the alert of an option that nobody waits for any more: "much worse" must not wait to be read.

    Nothing else is made of it: it stays an unread text, and what was well opens nothing.
    """
    for row in uow.conversations.ended_since(patient.id, said_at - HEARD_FOR):
        messages = uow.outbox.of_conversation(row.id)
        if not any(message.kind == CHECKIN and message.state in LEFT for message in messages):
            continue
        talk = talk_of(uow, patient, row)
        found = parse_answer(talk.step, body)
        if isinstance(found, Chosen):
            if found.choice.severity is not None:
                raise_chosen(uow, hub, talk, found.choice, found.choice.severity, now, late=True)
            return
