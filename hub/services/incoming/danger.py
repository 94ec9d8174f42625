"""Danger words in a text that came in: a red that pages, and the emergency number back at once (SF16)."""

import unicodedata

from hub.domain import patient_texts
from hub.domain.findings import Finding
from hub.domain.severity import Severity
from hub.services.alerting import Raised, raise_alert
from hub.services.hub import Hub
from hub.services.incoming.received import Received, too_many
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import Answer, answer_text, signature

PROBLEM = "text-danger"
_QUOTED = 160


def raise_danger(uow: UnitOfWork, hub: Hub, received: Received, kind: str) -> None:
    """One red a patient, or a number where nobody knows whose it is. Another such text pages who took it again."""
    text, patient = received.text, received.one
    finding = Finding(
        rule=PROBLEM,
        problem=PROBLEM,
        severity=Severity.RED,
        at=text.received_at,
        sentence=f"{_whose(received)} speaks of {kind}: {_quoted(text.body)}",
        inputs={"text": text.body, "received": text.received_at.isoformat()},
    )
    raised = Raised(finding, "clinical", True, None, page=True, retold=True, afresh=True)
    subject = f"phone:{text.sender}" if patient is None else f"patient:{patient.id}"
    raise_alert(uow, hub, patient, raised, subject, received.now)


def answer_danger(uow: UnitOfWork, hub: Hub, received: Received) -> None:
    """What to do in an emergency, to whoever wrote it. Needs no consent: it answers their own text."""
    if too_many(uow, received):
        return
    patient = received.one
    body = patient_texts.safety(signature(hub, patient))
    answer = Answer(
        to=received.text.sender,
        body=body,
        cause=f"inbound:{received.id}:safety",
        said_at=received.text.received_at,
        patient_id=None if patient is None else patient.id,
        urgent=True,
    )
    answer_text(uow, answer, received.now)


def _whose(received: Received) -> str:
    if received.one is not None:
        return "A text from the patient's phone"
    if received.patients:
        names = " or ".join(patient.name for patient in received.patients)
        return f"A text from {received.text.sender}, a phone of several ({names}: whose?),"
    return f"A text from {received.text.sender}, which is no patient's phone,"


def _quoted(body: str) -> str:
    shown = "".join(letter for letter in body if unicodedata.category(letter) != "Cf")  # those turn a line around
    words = " ".join(shown.split())
    return f"“{words}”" if len(words) <= _QUOTED else f"“{words[:_QUOTED]}…”"
