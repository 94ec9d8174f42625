"""What a patient typed becomes a reading: in the journal, told apart by its flag, and judged by the same rules."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from hub.domain.answers import Value
from hub.domain.patients import Patient
from hub.domain.samples import PATIENT_REPORTED, WITHDRAWN, Sample
from hub.errors import Transient
from hub.services.hub import Hub
from hub.services.ingest import wire
from hub.services.ingest.evaluate import Came, evaluate
from hub.services.ingest.samples import VALUES_PER_READING, screen_reading
from hub.services.ports.alerting import InboundText
from hub.services.ports.devices import TEXTS
from hub.services.ports.measuring import JournalEntry
from hub.services.ports.storage import UnitOfWork

SPOOL = "inbound"
"""A text's row is what a number in a spool is to a gateway: the same text is never two readings."""


def keep_reading(
    uow: UnitOfWork, hub: Hub, patient: Patient, inbound_id: int, values: Sequence[Value], now: datetime
) -> tuple[int, bool]:
    """Its row in the journal, and whether a rule spoke. Raises ``Transient`` if the patient was judged meanwhile."""
    text = uow.outbox.inbound.get(inbound_id)
    at = min(text.received_at, now)
    reading = _reading(patient, inbound_id, text, values, at)
    versions = uow.patients.evaluation_versions([patient.id])
    patient = uow.patients.get(patient.id)  # after its version: it may have ended since it was read
    (journal_id,) = uow.journal.append([_entry(patient, reading, at, now)])
    screened = screen_reading(reading, frozenset(reading.flags), journal_id, None, at, now - at)
    spoke = evaluate(uow, hub, [Came(patient, [screened])], now)
    uow.operations.count("rpmhub_readings_stored_total", "")
    _judged(uow, versions)
    return journal_id, bool(spoke)


def take_reading_back(uow: UnitOfWork, patient: Patient, journal_id: int) -> list[Sample]:
    """Mark the samples of a reading that was mistyped: kept, believed no more. What they raised stays for a person.

    The samples as they were before.
    """
    versions = uow.patients.evaluation_versions([patient.id])
    first = journal_id * VALUES_PER_READING
    samples = [one for place in range(VALUES_PER_READING) for one in uow.series.get(patient.id, first + place)]
    for sample in samples:
        uow.series.mark(patient.id, sample.flagged(sample.flags | {WITHDRAWN}))
    _judged(uow, versions)
    return samples


def _judged(uow: UnitOfWork, versions: dict[int, int]) -> None:
    if not uow.patients.judged(versions):
        raise Transient("this patient was judged by another process")


def _reading(
    patient: Patient, inbound_id: int, text: InboundText, values: Sequence[Value], at: datetime
) -> wire.Reading:
    """The reading as a gateway would have sent it, with the text's own bytes."""
    return wire.Reading(
        seq=inbound_id,
        device=f"patient:{patient.id}",
        profile="manual",
        measured_at=at.isoformat(),
        received_at=at.isoformat(),
        values=[_value(value) for value in values],
        flags=[PATIENT_REPORTED],
        raw=[wire.Packet("text", text.body.encode().hex())],
    )


def _value(value: Value) -> wire.Value:
    shown = None if value.shown is None else wire.Shown(float(value.shown.value), value.shown.unit)
    return wire.Value(value.metric, float(value.value), wire.UNITS[value.metric], None, shown)


def _entry(patient: Patient, reading: wire.Reading, at: datetime, now: datetime) -> JournalEntry:
    body = msgspec.json.encode({"sent_at": at.isoformat(), "sent_mono_ms": None, "reading": reading})
    digest = hashlib.blake2b(body, digest_size=16).digest()
    return JournalEntry(
        gateway_id=TEXTS,
        spool=SPOOL,
        seq=reading.seq,
        device=reading.device,
        record=None,
        digest=digest,
        record_digest=digest,
        status="stored",
        code=None,
        device_id=None,
        patient_id=patient.id,
        effective_at=at,
        received_at=now,
        age=max(now - at, timedelta(0)),
        flags=frozenset(reading.flags),
        body=body,
    )
