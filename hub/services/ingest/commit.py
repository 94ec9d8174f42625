"""One group of messages, one transaction: journal, readings, findings, alerts, audit and outbox; then the answers.

Nothing is acknowledged before ``process`` has returned, and it returns after COMMIT.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ingest.decode import BadMessage, decode
from hub.services.ingest.evaluate import evaluate
from hub.services.ingest.holding import held_in_the_table
from hub.services.ingest.intake import Arrival, Intake, Placed
from hub.services.ingest.messages import Message
from hub.services.ingest.samples import Screened, screened
from hub.services.ingest.status import BadStatus, note_status, read_status
from hub.services.ingest.wire import BatchAck, ErrorAck, Result
from hub.services.ports.devices import GatewayRow
from hub.services.ports.storage import UnitOfWork

log = logging.getLogger(__name__)

Answers = dict[str, list[BatchAck | ErrorAck]]
"""By gateway."""


class JudgedMeanwhile(Transient):
    """Another ingest process judged one of these patients; the group is done again on what is there now."""


@dataclass(slots=True)
class Group:
    """What one transaction gathers."""

    now: datetime
    gateways: dict[str, GatewayRow | None] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    placed: list[tuple[Arrival, list[Placed]]] = field(default_factory=list)
    answers: Answers = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    spoken: list[datetime] = field(default_factory=list)
    """When the messages arrived whose readings made a rule speak."""

    def count(self, name: str, label: str = "", by: int = 1) -> None:
        """Add to a counter that is written with the commit."""
        self.counts[name, label] = self.counts.get((name, label), 0) + by

    def answer(self, gateway_id: str, ack: BatchAck | ErrorAck) -> None:
        """Keep an answer for after the commit."""
        self.answers.setdefault(gateway_id, []).append(ack)


def process(hub: Hub, messages: Sequence[Message]) -> Answers:
    """Make ``messages`` durable and judge them; what to answer to whom. Raises ``Transient`` to be tried again."""
    with hub.unit_of_work() as uow:
        group = Group(hub.clock.now())
        for message in messages:
            _read(uow, hub, group, message)
        if group.arrivals:
            _store_and_judge(uow, hub, group)
        for (name, label), by in group.counts.items():
            uow.operations.count(name, label, by)
        written_at = hub.clock.now()
        uow.operations.observe(
            "rpmhub_alert_latency_seconds", [(written_at - arrived).total_seconds() for arrived in group.spoken]
        )
        uow.commit()
    return group.answers


def _read(uow: UnitOfWork, hub: Hub, group: Group, message: Message) -> None:
    """Sort one message: a status is noted, a batch is decoded, the rest is put aside with the reason."""
    gateway_id = message.gateway_id
    if gateway_id not in group.gateways:
        found = uow.gateways.find(gateway_id)
        group.gateways[gateway_id] = found if found is not None and found.retired_at is None else None
    if group.gateways[gateway_id] is None:
        # No answer: an unknown sender must not be able to empty a spool that another hub may own.
        _quarantine(uow, group, message, "unknown_gateway", "no such gateway is registered here", message.payload)
        sentence = f"Gateway {gateway_id[:40]!r} sends readings and is not registered; its spool is filling up"
        technical(uow, hub, f"gateway:{gateway_id[:40]}", "unknown-gateway", Severity.AMBER, sentence, group.now)
        return
    if message.lane == "status":
        _note_status(uow, group, message)
        return
    try:
        group.arrivals.append(Arrival(message, decode(message.payload)))
    except BadMessage as bad:
        _quarantine(uow, group, message, bad.code, bad.sentence, message.payload)
        digest = hashlib.sha256(message.payload).hexdigest()
        group.answer(gateway_id, ErrorAck(bad.batch, digest, bad.code))


def _note_status(uow: UnitOfWork, group: Group, message: Message) -> None:
    try:
        note_status(uow, message, read_status(message))
    except BadStatus as bad:
        _quarantine(uow, group, message, "schema", f"a status message: {bad}", message.payload)


def _store_and_judge(uow: UnitOfWork, hub: Hub, group: Group) -> None:
    known = {gateway_id: row for gateway_id, row in group.gateways.items() if row is not None}
    intake = Intake(uow, group.arrivals, known)
    versions = {patient_id: uow.patients.evaluation_version(patient_id) for patient_id in intake.patients}
    for arrival in group.arrivals:
        group.placed.append((arrival, [intake.place(arrival, reading) for reading in arrival.batch.readings]))
    stored = _append(uow, hub, group, intake)
    for patient_id, readings in stored.items():
        if evaluate(uow, hub, intake.patients[patient_id], readings, group.now):
            group.spoken.append(min(arrival.message.received_at for arrival in group.arrivals))
        if not uow.patients.judged(patient_id, versions[patient_id]):
            raise JudgedMeanwhile("these patients were judged by another process")
    for arrival, placed in group.placed:
        results = [Result(one.seq, one.status, one.code) for one in placed]
        group.answer(arrival.message.gateway_id, BatchAck(arrival.batch.batch, arrival.batch.spool, results))
    uow.gateways.note_heard(sorted({a.message.gateway_id for a in group.arrivals}), group.now)


def _append(uow: UnitOfWork, hub: Hub, group: Group, intake: Intake) -> dict[int, list[Screened]]:
    """Journal, keys and quarantine; the stored readings by patient."""
    flat = [(arrival, one) for arrival, placed in group.placed for one in placed]
    entries = [one for _, one in flat if one.entry is not None]
    ids = uow.journal.append([one.entry for one in entries if one.entry is not None])
    stored: dict[int, list[Screened]] = {}
    seen: list[tuple[int, datetime, int | None]] = []
    for one, journal_id in zip(entries, ids, strict=True):
        if one.entry is None or one.good is None:
            continue
        reading = screened(one.entry, one.good, journal_id)
        if one.entry.patient_id is not None:
            stored.setdefault(one.entry.patient_id, []).append(reading)
        else:
            held_in_the_table(uow, hub, one, reading, intake.patients, group.now)
        if one.entry.device_id is not None:
            seen.append((one.entry.device_id, group.now, one.good.reading.battery_percent))
    uow.devices.note_seen(seen)
    _refuse(uow, group, flat)
    return stored


def _refuse(uow: UnitOfWork, group: Group, flat: Sequence[tuple[Arrival, Placed]]) -> None:
    keys: list[tuple[str, str, int, bytes, str]] = []
    for arrival, one in flat:
        bodies = {reading.seq: reading for reading in arrival.batch.readings}
        if one.quarantine is not None:
            _quarantine(uow, group, arrival.message, one.code or "", one.quarantine, bodies[one.seq].body)
            if one.new_key:
                digest = bodies[one.seq].digest
                keys.append((arrival.message.gateway_id, arrival.batch.spool, one.seq, digest, one.code or ""))
        if one.status == "rejected":
            continue
        name = "duplicate" if one.status == "duplicate" else one.status
        group.count(f"rpmhub_readings_{name}_total", one.code or "" if one.status == "held" else "")
    uow.journal.refuse(keys)


def _quarantine(uow: UnitOfWork, group: Group, message: Message, code: str, sentence: str, raw: bytes) -> None:
    uow.quarantine.add(message.gateway_id[:40], message.topic[:200], code, sentence, raw, group.now)
    group.count("rpmhub_readings_rejected_total", code)
