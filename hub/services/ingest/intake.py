"""What becomes of each reading of a batch: stored, duplicate, held or rejected. Nothing is guessed."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from hub.domain.custody import Assignment, Held, owner
from hub.domain.effective import OLDEST, Stamp, age_at_receipt, effective_time
from hub.domain.patients import Monitoring, Patient
from hub.domain.samples import TIME_SUSPECT
from hub.services.ingest.decode import Bad, Batch, Good
from hub.services.ingest.messages import Message
from hub.services.ingest.registry import Registry
from hub.services.ports.devices import DeviceRow, Sender
from hub.services.ports.measuring import JournalEntry, KeyTaken, KnownKey, KnownRecord
from hub.services.ports.storage import UnitOfWork

_NO_CLOCK_MS = 2**53
"""A monotonic clock that counts this many has gone wrong."""

_NOTHING = timedelta(0)
_NO_OFFSET = (_NOTHING,)

_NOT_FOR_REPLAY = "a recording, and not for a patient whom it may be replayed on"
_OTHER_VALUES = "this record of the device came with other values"


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A reading that goes into the journal; ``candidates`` are those whose it may be, if it is held."""

    entry: JournalEntry
    good: Good
    candidates: tuple[int, ...] = ()


class Placed(msgspec.Struct, frozen=True, gc=False):
    """One reading's fate: what is answered, and what is done with it.

    ``quarantine`` is the sentence with which its bytes are put aside; ``new_key`` says that its transport key was not
    known.
    """

    seq: int
    status: str
    code: str | None
    accepted: Accepted | None = None
    quarantine: str | None = None
    new_key: bool = True


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A decoded batch and the message it came in."""

    message: Message
    batch: Batch


class Intake:
    """The keys, devices and people that a group of batches speaks of, read once."""

    def __init__(
        self,
        uow: UnitOfWork,
        registry: Registry,
        arrivals: Sequence[Arrival],
        gateways: Mapping[str, Sender],
        *,
        demo: bool,
        all_new: bool,
    ) -> None:
        """``all_new``: take it that no key came before this group."""
        self.gateways = gateways
        self._demo = demo
        self._all_new = all_new
        goods = [reading for a in arrivals for reading in a.batch.readings if isinstance(reading, Good)]
        self._transport: dict[tuple[str, str, int], KnownKey] = {}
        self._records: dict[tuple[str, str], KnownRecord] = {}
        if not all_new:
            self._look_for_keys(uow, arrivals, goods)
        self.devices: dict[str, DeviceRow] = registry.devices(uow, {g.reading.device for g in goods})
        self._assignments = registry.assignments(uow, [device.id for device in self.devices.values()])
        theirs = {period.patient_id for periods in self._assignments.values() for period in periods}
        self.patients: dict[int, Patient] = registry.patients(uow, theirs)

    def _look_for_keys(self, uow: UnitOfWork, arrivals: Sequence[Arrival], goods: Sequence[Good]) -> None:
        keys = [(a.message.gateway_id, a.batch.spool, reading.seq) for a in arrivals for reading in a.batch.readings]
        self._transport |= uow.journal.transport_keys(keys)
        records = {(g.reading.device, record) for g in goods if (record := g.reading.record) is not None}
        self._records |= uow.journal.record_keys(sorted(records))

    def place(self, arrival: Arrival, candidate: Good | Bad) -> Placed:
        """The fate of one reading. Its keys are remembered, so that a copy later in the same group is a duplicate."""
        key = (arrival.message.gateway_id, arrival.batch.spool, candidate.seq)
        known = self._transport.get(key)
        if known is not None:
            return _seen_before(candidate, known)
        if isinstance(candidate, Bad):
            placed = Placed(candidate.seq, "rejected", candidate.code, quarantine=candidate.sentence)
        else:
            placed = self._accept(arrival, candidate)
        self._transport[key] = KnownKey(candidate.digest, placed.status, placed.code)
        if placed.accepted is not None and (record := placed.accepted.entry.record) is not None:
            entry = placed.accepted.entry
            self._records[entry.device, record] = KnownRecord(entry.record_digest, entry.status == "held")
        return placed

    def _accept(self, arrival: Arrival, good: Good) -> Placed:
        reading, message = good.reading, arrival.message
        effective = effective_time(good.measured_at, message.received_at)
        at = _as_stored(effective.at)
        device = self.devices.get(reading.device)
        found = self._whose(message.gateway_id, device, at, reading.user_index)
        replayed = self.gateways[message.gateway_id].replays
        if replayed and not self._may_replay(found):
            return Placed(good.seq, "rejected", "not_for_replay", quarantine=_NOT_FOR_REPLAY)
        held = found if isinstance(found, Held) else None
        known = self._records.get((reading.device, reading.record or ""))
        # A held copy is no proof of anything: whoever sent it may have no right to this device.
        if known is not None and known.digest != good.record_digest and (held or not known.held):
            return Placed(good.seq, "rejected", "key_conflict", quarantine=_OTHER_VALUES)
        if known is not None and (held or not known.held):
            return Placed(good.seq, "duplicate", None)
        if found == "ended":
            return self._too_late(good)
        entry = JournalEntry(
            gateway_id=message.gateway_id,
            spool=arrival.batch.spool,
            seq=good.seq,
            device=reading.device,
            record=reading.record,
            digest=good.digest,
            record_digest=good.record_digest,
            status="held" if held else "stored",
            code=held.code if held else None,
            device_id=None if device is None else device.id,
            patient_id=found if isinstance(found, int) else None,
            effective_at=at,
            received_at=message.received_at,
            age=_age(arrival, good, self.gateways[message.gateway_id].clock_offset_s or 0.0),
            flags=frozenset(reading.flags) | ({TIME_SUSPECT} if effective.suspect else frozenset()),
            body=_body(arrival.batch, good.body),
            replaces_held=known is not None,
            replayed=replayed,
        )
        accepted = Accepted(entry, good, held.candidates if held else ())
        return Placed(good.seq, entry.status, entry.code, accepted)

    def _too_late(self, good: Good) -> Placed:
        if self._all_new:
            raise KeyTaken("whether it came before decides what is answered")
        return Placed(good.seq, "rejected", "ended", quarantine="measured after monitoring of this patient ended")

    def _whose(
        self, gateway_id: str, device: DeviceRow | None, at: datetime, user: int | None
    ) -> int | Held | Literal["ended"]:
        if device is None:
            return Held("unknown_device")
        periods = self._assignments.get(device.id, [])
        found = owner(periods, at, user)
        if isinstance(found, Held):
            return "ended" if self._was_ended(periods, at, user) else found
        if gateway_id not in device.accepted_on:
            return Held("foreign_gateway", (found.patient_id,))
        patient = self.patients[found.patient_id]
        if patient.state is Monitoring.ENDED and patient.state_since is not None and at >= patient.state_since:
            return "ended"
        return found.patient_id

    def _may_replay(self, found: int | Held | Literal["ended"]) -> bool:
        """Only on a test patient, or an invented one (SF20). Never held: a person might give it to somebody real."""
        return isinstance(found, int) and (self._demo or self.patients[found].is_test)

    def _was_ended(self, periods: Iterable[Assignment], at: datetime, user: int | None) -> bool:
        """Whether the last who had this device, or this user number of it, is no longer monitored.

        Such data is quarantined, not offered around.
        """
        theirs = [period for period in periods if period.slot is None or period.slot == user]
        past = [period for period in theirs if period.until is not None and period.until <= at]
        if not past or any(period.covers(at) for period in theirs):
            return False
        last = max(past, key=lambda period: period.until or at)
        patient = self.patients[last.patient_id]
        return patient.state is Monitoring.ENDED and patient.state_since == last.until


def _as_stored(at: datetime) -> datetime:
    """In UTC and in whole milliseconds: as it will be read, so that a rule sees one time before and after."""
    if at.tzinfo is UTC and not at.microsecond % 1000:
        return at
    utc = at.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


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


def _age(arrival: Arrival, good: Good, clock_offset_s: float) -> timedelta:
    """How long ago the gateway got it, by its clock as it is and as its last status says it is: the younger counts.

    A clock may have been set since; no reading is called old for that, nor for a span no clock can mean (SF2).
    """
    batch, reading = arrival.batch, good.reading
    ages = [
        age_at_receipt(
            arrival.message.received_at,
            _stamp(batch.sent_at, offset, batch.boot, batch.sent_mono_ms),
            _stamp(good.received_at, offset, reading.boot, reading.received_mono_ms),
        )
        for offset in ({timedelta(seconds=clock_offset_s), _NOTHING} if clock_offset_s else _NO_OFFSET)
    ]
    return min((age for age in ages if age <= OLDEST), default=timedelta(0))


def _stamp(at: datetime, offset: timedelta, boot: str | None, mono_ms: int | None) -> Stamp:
    if offset:
        with suppress(OverflowError):  # the year 9999 is no clock, and is taken for none
            at += offset
    return Stamp(at, boot, mono_ms if mono_ms is not None and mono_ms < _NO_CLOCK_MS else None)


def _body(batch: Batch, reading: bytes) -> bytes:
    """The reading with what its batch said of time: all four clocks stay on record."""
    mono = "null" if batch.sent_mono_ms is None else batch.sent_mono_ms
    return f'{{"sent_at":"{batch.sent_at.isoformat()}","sent_mono_ms":{mono},"reading":'.encode() + reading + b"}"
