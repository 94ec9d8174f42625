"""What becomes of each reading of a batch: stored, duplicate, held or rejected. Nothing is guessed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from hub.domain.custody import Held, covers, owner
from hub.domain.effective import OLDEST
from hub.domain.patients import Monitoring, Patient
from hub.domain.samples import TIME_SUSPECT
from hub.services.ingest.decode import Bad
from hub.services.ingest.measured import Measured, MeasuredBatch
from hub.services.ingest.messages import Message
from hub.services.ingest.placing import Device, Period
from hub.services.ingest.registry import Registry
from hub.services.ports.devices import Sender
from hub.services.ports.measuring import JournalEntry, KeyTaken, KnownKey, KnownRecord
from hub.services.ports.storage import UnitOfWork

_NOTHING = timedelta(0)

_NOT_FOR_REPLAY = "a recording, and not for a patient whom it may be replayed on"
_OTHER_VALUES = "this record of the device came with other values"


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A reading that goes into the journal; ``candidates`` are those whose it may be, if it is held."""

    entry: JournalEntry
    measured: Measured
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
    """A batch and the message it came in."""

    message: Message
    batch: MeasuredBatch


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
        readings = [reading for a in arrivals for reading in a.batch.readings if isinstance(reading, Measured)]
        self._transport: dict[tuple[str, str, int], KnownKey] = {}
        self._records: dict[tuple[str, str], KnownRecord] = {}
        if not all_new:
            self._look_for_keys(uow, arrivals, readings)
        self.devices: dict[str, Device] = registry.devices(uow, {reading.device for reading in readings})
        theirs = {period.patient_id for device in self.devices.values() for period in device.periods}
        self.patients: dict[int, Patient] = registry.patients(uow, theirs)

    def _look_for_keys(self, uow: UnitOfWork, arrivals: Sequence[Arrival], readings: Sequence[Measured]) -> None:
        keys = [(a.message.gateway_id, a.batch.spool, reading.seq) for a in arrivals for reading in a.batch.readings]
        self._transport |= uow.journal.transport_keys(keys)
        records = {(one.device, one.record) for one in readings if one.record is not None}
        self._records |= uow.journal.record_keys(sorted(records))

    def place(self, arrival: Arrival, candidate: Measured | Bad) -> Placed:
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

    def _accept(self, arrival: Arrival, one: Measured) -> Placed:
        message, gateway = arrival.message, self.gateways[arrival.message.gateway_id]
        device = self.devices.get(one.device)
        found = self._whose(message.gateway_id, device, one.at, one.user_index)
        if gateway.replays and not self._may_replay(found):
            return Placed(one.seq, "rejected", "not_for_replay", quarantine=_NOT_FOR_REPLAY)
        held = found if isinstance(found, Held) else None
        known = self._records.get((one.device, one.record or ""))
        # A held copy is no proof of anything: whoever sent it may have no right to this device.
        if known is not None and known.digest != one.record_digest and (held or not known.held):
            return Placed(one.seq, "rejected", "key_conflict", quarantine=_OTHER_VALUES)
        if known is not None and (held or not known.held):
            return Placed(one.seq, "duplicate", None)
        if found == "ended":
            return self._too_late(one)
        flags = frozenset(one.flags)
        entry = JournalEntry(
            gateway_id=message.gateway_id,
            spool=arrival.batch.spool,
            seq=one.seq,
            device=one.device,
            record=one.record,
            digest=one.digest,
            record_digest=one.record_digest,
            status="held" if held else "stored",
            code=held.code if held else None,
            device_id=None if device is None else device.id,
            patient_id=found if isinstance(found, int) else None,
            effective_at=one.at,
            received_at=message.received_at,
            age=_age(arrival, one, gateway.clock_offset_s or 0.0),
            flags=flags | {TIME_SUSPECT} if one.suspect else flags,
            body=b"%b%b}" % (arrival.batch.head, message.payload[one.begin : one.end]),
            replaces_held=known is not None,
            replayed=gateway.replays,
        )
        accepted = Accepted(entry, one, held.candidates if held else ())
        return Placed(one.seq, entry.status, entry.code, accepted)

    def _too_late(self, one: Measured) -> Placed:
        if self._all_new:
            raise KeyTaken("whether it came before decides what is answered")
        return Placed(one.seq, "rejected", "ended", quarantine="measured after monitoring of this patient ended")

    def _whose(
        self, gateway_id: str, device: Device | None, at: datetime, user: int | None
    ) -> int | Held | Literal["ended"]:
        if device is None:
            return Held("unknown_device")
        found = owner(device.periods, at, user)
        if isinstance(found, Held):
            return "ended" if self._was_ended(device.periods, at, user) else found
        if gateway_id not in device.accepted_on:
            return Held("foreign_gateway", (found.patient_id,))
        patient = self.patients[found.patient_id]
        if patient.state is Monitoring.ENDED and patient.state_since is not None and at >= patient.state_since:
            return "ended"
        return found.patient_id

    def _may_replay(self, found: int | Held | Literal["ended"]) -> bool:
        """Only on a test patient, or an invented one (SF20). Never held: a person might give it to somebody real."""
        return isinstance(found, int) and (self._demo or self.patients[found].is_test)

    def _was_ended(self, periods: Iterable[Period], at: datetime, user: int | None) -> bool:
        """Whether the last who had this device, or this user number of it, is no longer monitored.

        Such data is quarantined, not offered around.
        """
        theirs = [period for period in periods if period.slot is None or period.slot == user]
        past = [period for period in theirs if period.until is not None and period.until <= at]
        if not past or any(covers(period, at) for period in theirs):
            return False
        last = max(past, key=lambda period: period.until or at)
        patient = self.patients[last.patient_id]
        return patient.state is Monitoring.ENDED and patient.state_since == last.until


def _seen_before(candidate: Measured | Bad, known: KnownKey) -> Placed:
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


def _age(arrival: Arrival, one: Measured, clock_offset_s: float) -> timedelta:
    """How long ago the gateway got it, by its clock as it is and as its last status says it is: the younger counts.

    A clock may have been set since; no reading is called old for that, nor for a span no clock can mean (SF2).
    """
    now = arrival.message.received_at
    by_its_clock = one.age(arrival.batch, now, _NOTHING)
    if not clock_offset_s:
        return by_its_clock if by_its_clock <= OLDEST else _NOTHING
    ages = by_its_clock, one.age(arrival.batch, now, timedelta(seconds=clock_offset_s))
    return min((age for age in ages if age <= OLDEST), default=_NOTHING)
