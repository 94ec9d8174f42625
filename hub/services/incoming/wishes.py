"""STOP, HELP and START from patients, and the plain wish for no more texts (SF16)."""

from collections.abc import Callable

from hub.domain import patient_texts
from hub.domain.keywords import Keyword, wants_to_stop
from hub.domain.patient_texts import Signature
from hub.services.hub import Hub
from hub.services.incoming.received import Received, provider_answered, too_many
from hub.services.opting_out import BY_TEXT, start_texts, stop_texts
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import Answer, answer_text, signature

WRITER = "the patient"


def heed(uow: UnitOfWork, hub: Hub, received: Received) -> str | None:
    """Do what the text wishes of texts themselves; what it was understood as. None: it wishes nothing of the kind.

    STOP counts for everybody who has this number: whose phone it is, nobody knows.
    """
    said = received.said
    if said is Keyword.STOP or (said is None and wants_to_stop(received.text.body)):
        return _stop(uow, hub, received)
    if said is Keyword.HELP:
        _answer(uow, hub, received, patient_texts.help_text)
        return "help"
    if said is Keyword.START and received.one is not None and start_texts(uow, received.one, received.now):
        _answer(uow, hub, received, patient_texts.started)
        return "started texts"
    return None


def _stop(uow: UnitOfWork, hub: Hub, received: Received) -> str | None:
    if not received.patients:
        return None  # nobody here texts this number: a person finds out who it is
    for patient in received.patients:
        stop_texts(uow, patient, BY_TEXT, WRITER, received.now)
    _answer(uow, hub, received, patient_texts.stopped)
    return "stopped texts"


def _answer(uow: UnitOfWork, hub: Hub, received: Received, words: Callable[[Signature], str]) -> None:
    if provider_answered(hub, received) or too_many(uow, received):
        return
    patient = received.one
    answer = Answer(
        to=received.text.sender,
        body=words(signature(hub, patient)),
        cause=f"inbound:{received.id}:wish",
        patient_id=None if patient is None else patient.id,
    )
    answer_text(uow, answer, received.now)
