"""Conversations that are over."""

from dataclasses import replace
from datetime import datetime

from hub.errors import Transient
from hub.services.ports.checkins import MEASURED, OPEN, Conversation
from hub.services.ports.storage import UnitOfWork


def change(uow: UnitOfWork, conversation: Conversation) -> Conversation:
    """Write it; the next version. Raises ``Transient`` if it changed meanwhile: the caller does its row again."""
    if not uow.conversations.save(conversation):
        raise Transient("the conversation changed meanwhile")
    return replace(conversation, version=conversation.version + 1)


def finish(uow: UnitOfWork, conversation: Conversation, state: str, now: datetime) -> None:
    """End it, and cancel its texts that have not left."""
    uow.outbox.cancel_of_conversation(conversation.id)
    change(uow, replace(conversation, state=state, check_at=None, ended_at=now))


def end_conversations(uow: UnitOfWork, patient_id: int, state: str, now: datetime) -> int:
    """End what is open with the patient and cancel its unsent texts; how many."""
    conversation = uow.conversations.open_of(patient_id)
    if conversation is None:
        return 0
    finish(uow, conversation, state, now)
    return 1


def reading_came(uow: UnitOfWork, key: str, now: datetime) -> None:
    """What was asked for was measured meanwhile: nobody is asked any more. A conversation that goes on, goes on."""
    conversation = uow.conversations.by_key(key)
    if conversation is None or conversation.state != OPEN:
        return
    if all(answer.withdrawn_at is not None for answer in uow.conversations.answers(conversation.id)):
        finish(uow, conversation, MEASURED, now)
