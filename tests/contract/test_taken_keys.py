"""A reading whose key is taken came before, and its message is looked at again; nothing else is mistaken for that."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from hub.services.ports.measuring import AnsweredKey, JournalEntry, KeyTaken
from hub.services.ports.storage import UnitOfWork
from tests.unit.ingest.home import GATEWAY, Home

NOW = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)
UNSORTED = datetime(2031, 3, 2, 12, 4, tzinfo=UTC)
"""In a month of which there is no partition."""


def entry(seq: int, **more: Any) -> JournalEntry:
    fields: dict[str, Any] = {
        "gateway_id": GATEWAY,
        "spool": "s",
        "seq": seq,
        "device": "D",
        "record": f"r-{seq}",
        "digest": bytes([seq]) * 16,
        "record_digest": bytes([seq]) * 16,
        "status": "stored",
        "code": None,
        "device_id": None,
        "patient_id": 1,
        "effective_at": NOW,
        "received_at": NOW,
        "age": timedelta(0),
        "flags": frozenset(),
        "body": b"{}",
    }
    return JournalEntry(**(fields | more))


def answered(seq: int, **more: Any) -> AnsweredKey:
    return AnsweredKey(**({"gateway_id": GATEWAY, "spool": "s", "seq": seq, "digest": b"x", "status": "y"} | more))


@pytest.mark.parametrize(
    "again",
    [[entry(1, record="other")], [entry(2, record="r-1")], [entry(2), entry(3), entry(1, record=None)]],
    ids=["transport key", "record key", "one of several"],
)
def test_a_key_that_is_taken_is_told_as_such(uow: UnitOfWork, again: list[JournalEntry]) -> None:
    uow.journal.append([entry(1)])
    with pytest.raises(KeyTaken, match="stored before"):
        uow.journal.append(again)


def test_a_key_that_was_answered_is_taken(uow: UnitOfWork) -> None:
    uow.journal.note_answered([answered(1, code="schema")])
    with pytest.raises(KeyTaken, match="stored before"):
        uow.journal.note_answered([answered(2, code=None), answered(1, code=None)])


@pytest.mark.parametrize("wrong", [entry(2, device=None, record=None), entry(2, digest=None)], ids=["journal", "key"])
def test_a_row_that_can_never_be_is_no_taken_key(uow: UnitOfWork, wrong: JournalEntry) -> None:
    uow.journal.append([entry(1)])
    with pytest.raises(IntegrityError, match=r"(?i)not.null constraint"):
        uow.journal.append([wrong])


def test_an_answer_that_can_never_be_is_no_taken_key(uow: UnitOfWork) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)not.null constraint"):
        uow.journal.note_answered([answered(1, digest=None, code=None)])


@pytest.mark.parametrize("received_at", [NOW, UNSORTED], ids=["month", "default partition"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_ids_that_are_given_a_second_time_are_no_taken_key(home: Home, received_at: datetime) -> None:
    """As after a restore that left the sequence behind: the same message would fail for the same reason."""
    with home.hub.unit_of_work() as uow:
        (first,) = uow.journal.append([entry(1, received_at=received_at)])
        uow.commit()
    with home.clinic.engine.begin() as connection:
        connection.exec_driver_sql("SELECT setval('journal_id_seq', %s, false)", (first,))
    with home.hub.unit_of_work() as uow, pytest.raises(IntegrityError, match="duplicate key"):
        uow.journal.append([entry(2, received_at=received_at)])
