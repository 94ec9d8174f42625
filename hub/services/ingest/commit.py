"""One group of messages, one transaction: journal, readings, findings, alerts, audit and outbox; then the answers.

Nothing is acknowledged before ``process`` has returned, and it returns after COMMIT.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ingest.decode import BadMessage
from hub.services.ingest.evaluate import Came, evaluate
from hub.services.ingest.holding import held_in_the_table
from hub.services.ingest.intake import Accepted, Arrival, Intake, Placed
from hub.services.ingest.latency import Latencies
from hub.services.ingest.messages import Message
from hub.services.ingest.recordings import judge_recordings
from hub.services.ingest.registry import Registry
from hub.services.ingest.samples import Screened, screened
from hub.services.ingest.status import BadStatus, note_status, read_status
from hub.services.ingest.wire import BatchAck, ErrorAck, Result
from hub.services.ports.devices import Sender
from hub.services.ports.measuring import AnsweredKey, JournalEntry
from hub.services.ports.storage import UnitOfWork

Answers = dict[str, list[BatchAck | ErrorAck]]
"""By gateway."""


class JudgedMeanwhile(Transient):
    """Another process changed what these patients are judged by; the group is done again on what is there now."""


@dataclass(slots=True)
class Group:
    """What one transaction gathers."""

    now: datetime
    registry: Registry
    all_new: bool
    gateways: dict[str, Sender] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    placed: list[tuple[Arrival, list[Placed]]] = field(default_factory=list)
    answers: Answers = field(default_factory=dict)
    replayed: dict[int, list[Screened]] = field(default_factory=dict)
    """Readings of recordings, by patient."""
    added: tuple[Mapping[int, int], Mapping[int, Mapping[str, datetime]]] = field(default_factory=lambda: ({}, {}))
    """Evaluation versions before, and by patient and metric the newest sample of the group."""
    spoken: list[datetime] = field(default_factory=list)
    """When the messages arrived whose readings made a rule speak."""

    def answer(self, gateway_id: str, ack: BatchAck | ErrorAck) -> None:
        """Keep an answer for after the commit."""
        self.answers.setdefault(gateway_id, []).append(ack)


def process(
    hub: Hub,
    messages: Sequence[Message],
    registry: Registry | None = None,
    *,
    latencies: Latencies | None = None,
    all_new: bool = False,
) -> Answers:
    """Make ``messages`` durable and judge them; what to answer to whom. Raises ``Transient`` to be tried again.

    ``registry``: what the caller keeps from group to group. ``latencies`` is told how long alerts took. ``all_new``: no
    key is looked for, since nearly every reading comes once; where one did come before, the database refuses it and
    this raises ``KeyTaken``.
    """
    with hub.unit_of_work() as uow:
        group = Group(hub.clock.now(), registry or Registry(), all_new)
        group.registry.refresh(uow)
        group.gateways |= uow.gateways.in_use({message.gateway_id for message in messages})
        for message in messages:
            _read(uow, hub, group, message)
        if group.arrivals:
            _store_and_judge(uow, hub, group)
        uow.commit()
    group.registry.added(*group.added)
    if group.spoken and latencies is not None:
        now = hub.clock.now()
        latencies.add((now - at).total_seconds() for at in group.spoken)
    return group.answers


def _read(uow: UnitOfWork, hub: Hub, group: Group, message: Message) -> None:
    """Sort one message: a status is noted, a batch is decoded, the rest is put aside with the reason."""
    gateway_id = message.gateway_id
    known = group.gateways.get(gateway_id)
    if known is None:
        # No answer: an unknown sender must not be able to empty a spool that another hub may own.
        _unanswered(uow, group, message, "unknown_gateway", "no such gateway is registered here")
        sentence = f"Gateway {gateway_id[:40]!r} sends readings and is not registered; its spool is filling up"
        technical(uow, hub, f"gateway:{gateway_id[:40]}", "unknown-gateway", Severity.AMBER, sentence, group.now)
    elif message.lane == "status":
        try:
            note_status(uow, hub, known, message, read_status(message))
        except BadStatus as bad:
            _unanswered(uow, group, message, "schema", f"a status message: {bad}")
    else:
        try:
            group.arrivals.append(Arrival(message, message.batch()))
        except BadMessage as bad:
            _quarantine(uow, group, message, bad.code, bad.sentence, message.payload)
            digest = hashlib.sha256(message.payload).hexdigest()
            group.answer(gateway_id, ErrorAck(bad.batch, digest, bad.code))


def _store_and_judge(uow: UnitOfWork, hub: Hub, group: Group) -> None:
    intake = Intake(uow, group.registry, group.arrivals, group.gateways, demo=hub.site.demo, all_new=group.all_new)
    for arrival in group.arrivals:
        group.placed.append((arrival, [intake.place(arrival, reading) for reading in arrival.batch.readings]))
    accepted = [one.accepted for _, placed in group.placed for one in placed if one.accepted is not None]
    patients = sorted({one.entry.patient_id for one in accepted if one.entry.patient_id is not None})
    situations = uow.patients.situations(patients)
    versions = {patient_id: found.version for patient_id, found in situations.items()}
    stored = _append(uow, hub, group, intake, accepted)
    _put_aside(uow, group)
    came = [Came(intake.patients[one], [reading for _, reading in stored[one]]) for one in patients if one in stored]
    for patient_id in evaluate(uow, hub, came, group.now, group.registry, situations) if came else ():
        group.spoken.append(min(received_at for received_at, _ in stored[patient_id]))
    if group.replayed:
        judge_recordings(uow, [Came(intake.patients[one], theirs) for one, theirs in group.replayed.items()], group.now)
    if not uow.patients.judged(versions, group.registry.version):
        raise JudgedMeanwhile("these patients, or what they are judged by, were changed by another process")
    group.added = versions, {one.patient.id: one.newest for one in came}
    for arrival, placed in group.placed:
        results = [Result(one.seq, one.status, one.code) for one in placed]
        group.answer(arrival.message.gateway_id, BatchAck(arrival.batch.batch, arrival.batch.spool, results))
    uow.gateways.note_heard(sorted({a.message.gateway_id for a in group.arrivals}), group.now)


def _append(
    uow: UnitOfWork, hub: Hub, group: Group, intake: Intake, accepted: Sequence[Accepted]
) -> dict[int, list[tuple[datetime, Screened]]]:
    """Write the journal; by patient the readings to watch over, each with when its message came."""
    ids = uow.journal.append([one.entry for one in accepted])
    stored: dict[int, list[tuple[datetime, Screened]]] = {}
    seen: dict[int, tuple[datetime, int | None]] = {}
    for one, journal_id in zip(accepted, ids, strict=True):
        entry = one.entry
        reading = screened(entry, one.measured, journal_id, group.now)
        if entry.replayed and entry.patient_id is not None:
            group.replayed.setdefault(entry.patient_id, []).append(reading)
        elif entry.patient_id is not None:
            stored.setdefault(entry.patient_id, []).append((entry.received_at, reading))
        else:
            held_in_the_table(uow, hub, one, reading, intake.patients, group.now)
        if entry.device_id is not None:
            at, level = seen.get(entry.device_id, (entry.effective_at, None))
            told = one.measured.battery_percent
            seen[entry.device_id] = max(at, entry.effective_at), level if told is None else told
    for (status, code), count in Counter([_counted_as(one.entry) for one in accepted]).items():
        uow.operations.count(f"rpmhub_readings_{status}_total", code or "", count)
    uow.devices.note_seen([(device_id, *newest) for device_id, newest in sorted(seen.items())])
    return stored


def _counted_as(entry: JournalEntry) -> tuple[str, str | None]:
    return "replayed" if entry.replayed else entry.status, entry.code


def _put_aside(uow: UnitOfWork, group: Group) -> None:
    """What is not in the journal: rejected readings with their bytes, and the keys, for a replay is answered alike."""
    keys: list[AnsweredKey] = []
    for arrival, placed in group.placed:
        for one, reading in zip(placed, arrival.batch.readings, strict=True):
            if one.quarantine is not None:
                raw = arrival.message.payload[reading.begin : reading.end]
                _quarantine(uow, group, arrival.message, one.code or "", one.quarantine, raw)
            if one.status == "duplicate":
                uow.operations.count("rpmhub_readings_duplicate_total")
            if one.accepted is None and one.new_key:
                sender = arrival.message.gateway_id, arrival.batch.spool, one.seq
                keys.append(AnsweredKey(*sender, reading.digest, one.status, one.code))
    uow.journal.note_answered(keys)


def _quarantine(uow: UnitOfWork, group: Group, message: Message, code: str, sentence: str, raw: bytes) -> None:
    uow.quarantine.add(message.gateway_id, message.topic, code, sentence, raw, group.now)
    uow.operations.count("rpmhub_readings_rejected_total", code)


def _unanswered(uow: UnitOfWork, group: Group, message: Message, code: str, sentence: str) -> None:
    sender = message.gateway_id, message.topic
    uow.quarantine.add_unanswered(*sender, code, sentence, message.payload, group.now)
    uow.operations.count("rpmhub_readings_rejected_total", code)
