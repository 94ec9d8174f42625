"""STOP, HELP and START from patients, and the plain wish for no more texts (SF16)."""

from collections.abc import Callable

from hub.domain import patient_texts
from hub.domain.keywords import Keyword
from hub.domain.patient_texts import Signature
from hub.services.hub import Hub
from hub.services.incoming.received import Received, provider_answered, says_stop, too_many
from hub.services.opting_out import BY_TEXT, IN_OWN_WORDS, start_texts, stop_texts
from hub.services.ports.storage import UnitOfWork
from hub.services.texting import Answer, answer_text, signature

WRITER = "the patient"
HELP = "help"
"""What a HELP is understood as."""


def heed(uow: UnitOfWork, hub: Hub, received: Received) -> str | None:
    """Do what the text wishes of texts themselves; what it was understood as. None: it wishes nothing of the kind.

    STOP counts for everybody who has this number: whose phone it is, nobody knows.
    """
    said = received.said
    answered = provider_answered(hub, received)
    if says_stop(received.text):
        known = answered or (said is Keyword.STOP and not hub.channel.answers_keywords)
        return _stop(uow, hub, received, BY_TEXT if known else IN_OWN_WORDS)
    if said is Keyword.HELP:
        if not answered:
            _answer(uow, hub, received, patient_texts.help_text)
        return HELP
    return _start(uow, hub, received) if said is Keyword.START else None


def heed_stop(uow: UnitOfWork, received: Received) -> None:
    """End the texts to patients on a number that staff use as well. The provider blocks it for both."""
    if received.said is Keyword.STOP:
        for patient in received.patients:
            stop_texts(uow, patient, BY_TEXT, WRITER, received.now)


def _stop(uow: UnitOfWork, hub: Hub, received: Received, source: str) -> str | None:
    if not received.patients:
        return None  # nobody here texts this number: a person finds out who it is
    for patient in received.patients:
        stop_texts(uow, patient, source, WRITER, received.now)
    if not provider_answered(hub, received):
        _answer(uow, hub, received, patient_texts.stopped)
    return "stopped texts"


def _start(uow: UnitOfWork, hub: Hub, received: Received) -> str | None:
    """The provider confirms only what it had blocked itself. A START that was brought late undoes no STOP after it."""
    later = uow.outbox.inbound.after(received.text.sender, received.text.received_at)
    if any(says_stop(text) for text in later):
        return None
    ended = None if received.one is None else start_texts(uow, received.one, received.now)
    if ended is None:
        return None
    if ended == IN_OWN_WORDS or not provider_answered(hub, received):
        _answer(uow, hub, received, patient_texts.started)
    return "started texts"


def _answer(uow: UnitOfWork, hub: Hub, received: Received, words: Callable[[Signature], str]) -> None:
    if too_many(uow, received):
        return
    patient = received.one
    answer = Answer(
        to=received.text.sender,
        body=words(signature(hub, patient)),
        cause=f"inbound:{received.id}:wish",
        said_at=received.text.received_at,
        patient_id=None if patient is None else patient.id,
    )
    answer_text(uow, answer, received.now)
