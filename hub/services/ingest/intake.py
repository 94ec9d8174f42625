"""What becomes of each reading of a batch: stored, duplicate, held or rejected. Nothing is guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.custody import Assignment, Held, owner
from hub.domain.effective import Stamp, age_at_receipt, effective_time
from hub.domain.patients import Monitoring, Patient
from hub.domain.samples import TIME_SUSPECT
from hub.services.ingest.decode import Bad, Batch, Good
from hub.services.ingest.messages import Message
from hub.services.ports.devices import DeviceRow, GatewayRow
from hub.services.ports.measuring import JournalEntry, KnownKey
from hub.services.ports.storage import UnitOfWork

TransportKey = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Placed:
    """One reading's fate.

    ``entry`` goes into the journal; ``quarantine`` is the sentence with which its bytes are put aside; ``new_key`` says
    that its transport key was not known.
    """

    seq: int
    status: str
    code: str | None
    entry: JournalEntry | None = None
    good: Good | None = None
    candidates: tuple[int, ...] = ()
    quarantine: str | None = None
    new_key: bool = True


@dataclass(frozen=True, slots=True)
class Arrival:
    """A decoded batch and the message it came in."""

    message: Message
    batch: Batch


class Intake:
    """The keys, devices and people that a group of batches speaks of, read once."""

    def __init__(self, uow: UnitOfWork, arrivals: Sequence[Arrival], gateways: Mapping[str, GatewayRow]) -> None:
        self.gateways = gateways
        self._transport: dict[TransportKey, KnownKey] = dict(
            uow.journal.transport_keys(
                [(a.message.gateway_id, a.batch.spool, reading.seq) for a in arrivals for reading in a.batch.readings]
            )
        )
        goods = [reading for a in arrivals for reading in a.batch.readings if isinstance(reading, Good)]
        records = {(g.reading.device, record) for g in goods if (record := g.reading.record) is not None}
        self._records: dict[tuple[str, str], bytes] = dict(uow.journal.record_keys(sorted(records)))
        self.devices: dict[str, DeviceRow] = uow.devices.by_addresses(sorted({g.reading.device for g in goods}))
        self._assignments = uow.devices.assignments([device.id for device in self.devices.values()])
        self.patients: dict[int, Patient] = uow.patients.many(
            {period.patient_id for periods in self._assignments.values() for period in periods}
        )

    def place(self, arrival: Arrival, candidate: Good | Bad) -> Placed:
        """The fate of one reading. Its keys are remembered, so that a copy later in the same group is a duplicate."""
        key = (arrival.message.gateway_id, arrival.batch.spool, candidate.seq)
        known = self._transport.get(key)
        if known is not None:
            return _seen_before(candidate, known)
        placed = self._reject(candidate) if isinstance(candidate, Bad) else self._accept(arrival, candidate)
        self._transport[key] = KnownKey(candidate.digest, placed.status, placed.code)
        if placed.entry is not None and placed.entry.record is not None:
            self._records[placed.entry.device, placed.entry.record] = placed.entry.record_digest
        return placed

    def _offset(self, gateway_id: str) -> timedelta:
        gateway = self.gateways.get(gateway_id)
        return timedelta(seconds=(gateway.clock_offset_s or 0.0) if gateway else 0.0)

    def _reject(self, bad: Bad) -> Placed:
        return Placed(bad.seq, "rejected", bad.code, quarantine=bad.sentence)

    def _accept(self, arrival: Arrival, good: Good) -> Placed:
        reading = good.reading
        if reading.record is not None:
            known = self._records.get((reading.device, reading.record))
            if known == good.record_digest:
                return Placed(good.seq, "duplicate", None)
            if known is not None:
                return Placed(
                    good.seq, "rejected", "key_conflict", quarantine="this record of the device came with other values"
                )
        effective = effective_time(good.measured_at, arrival.message.received_at)
        effective_at, flags = effective.at, frozenset({TIME_SUSPECT} if effective.suspect else ())
        device = self.devices.get(reading.device)
        found = self._whose(arrival.message.gateway_id, device, effective_at, reading.user_index)
        if isinstance(found, str):
            return Placed(good.seq, "rejected", found, quarantine="measured after monitoring of this patient ended")
        held = found if isinstance(found, Held) else None
        entry = JournalEntry(
            gateway_id=arrival.message.gateway_id,
            spool=arrival.batch.spool,
            seq=good.seq,
            device=reading.device,
            record=reading.record,
            digest=good.digest,
            record_digest=good.record_digest,
            status="held" if held else "stored",
            code=held.code if held else None,
            device_id=None if device is None else device.id,
            patient_id=None if isinstance(found, Held) else found,
            effective_at=effective_at,
            received_at=arrival.message.received_at,
            age=_age(arrival, good, self._offset(arrival.message.gateway_id)),
            flags=frozenset(reading.flags) | flags,
            body=_body(arrival.batch, good.body),
        )
        return Placed(good.seq, entry.status, entry.code, entry, good, held.candidates if held else ())

    def _whose(self, gateway_id: str, device: DeviceRow | None, at: datetime, user: int | None) -> int | Held | str:
        if device is None:
            return Held("unknown_device")
        periods = self._assignments.get(device.id, [])
        found = owner(periods, at, user)
        if isinstance(found, Held):
            if found.code == "unassigned" and self._ended(periods, at):
                return "ended"
            return found
        if gateway_id not in device.accepted_on:
            return Held("foreign_gateway", (found.patient_id,))
        patient = self.patients[found.patient_id]
        if patient.state is Monitoring.ENDED and patient.state_since is not None and at >= patient.state_since:
            return "ended"
        return found.patient_id

    def _ended(self, periods: Iterable[Assignment], at: datetime) -> bool:
        """Whether the last who had this device is no longer monitored: such data is quarantined, not offered around."""
        past = [period for period in periods if period.until is not None and period.until <= at]
        if not past:
            return False
        last = max(past, key=lambda period: period.until or at)
        patient = self.patients[last.patient_id]
        return patient.state is Monitoring.ENDED and patient.state_since == last.until


def _seen_before(candidate: Good | Bad, known: KnownKey) -> Placed:
    if known.digest != candidate.digest:
        return Placed(
            candidate.seq,
            "rejected",
            "key_conflict",
            quarantine="this spool number came before with other content",
            new_key=False,
        )
    if known.status == "rejected":
        return Placed(candidate.seq, "rejected", known.code, new_key=False)
    return Placed(candidate.seq, "duplicate", None, new_key=False)


def _age(arrival: Arrival, good: Good, clock_offset: timedelta) -> timedelta:
    """How long ago the gateway got it, with what is known of the gateway's clock taken into account."""
    batch, reading = arrival.batch, good.reading
    sent = Stamp(batch.sent_at + clock_offset, batch.boot, batch.sent_mono_ms)
    received = Stamp(good.received_at + clock_offset, reading.boot, reading.received_mono_ms)
    return age_at_receipt(arrival.message.received_at, sent, received)


def _body(batch: Batch, reading: bytes) -> bytes:
    """The reading with what its batch said of time: all four clocks stay on record."""
    sent = f'{{"sent_at":"{batch.sent_at.isoformat()}","sent_mono_ms":{batch.sent_mono_ms or "null"},"reading":'
    return sent.encode() + reading + b"}"
