"""What is kept of a device is small, and is what the database said of it."""

from datetime import UTC, datetime, timedelta

from hub.domain.custody import Assignment, Held, Owner, owner
from hub.services.ingest.placing import Device, pack, unpack
from hub.services.ports.devices import DeviceRow

SINCE = datetime(2026, 3, 2, 12, 0, 5, 123000, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=9, milliseconds=1)
DEVICE = DeviceRow(40_001, "C0:FF:EE:00:00:01", "weight-scale", frozenset({"g-1"}))
PERIODS = [
    Assignment(7, 40_001, 10_001, 1, SINCE, UNTIL),
    Assignment(8, 40_001, 10_002, 2, SINCE),
    Assignment(9, 40_001, 10_003, None, UNTIL),
]


def test_what_was_packed_is_what_comes_out() -> None:
    kept = unpack(pack(DEVICE, PERIODS))
    assert (kept.id, kept.accepted_on) == (DEVICE.id, ("g-1",))
    said = [(one.patient_id, one.slot, one.since, one.until) for one in kept.periods]
    assert said == [(one.patient_id, one.slot, one.since, one.until) for one in PERIODS]


def test_it_has_the_same_owner_at_every_instant() -> None:
    kept = unpack(pack(DEVICE, PERIODS))
    for at in (SINCE - timedelta(microseconds=1), SINCE, UNTIL - timedelta(microseconds=1), UNTIL):
        for slot in (None, 1, 2, 3):
            assert owner(kept.periods, at, slot) == owner(PERIODS, at, slot)
    assert owner(kept.periods, SINCE, 1) == Owner(10_001)
    assert owner(kept.periods, UNTIL, None) == Held("ambiguous", (10_002, 10_003))


def test_a_device_of_nobody_on_several_gateways() -> None:
    row = DeviceRow(1, "X", "manual", frozenset({"g-1", "g-2"}))
    kept = unpack(pack(row, []))
    assert (kept.periods, set(kept.accepted_on)) == ((), {"g-1", "g-2"})
    assert isinstance(kept, Device)


def test_one_device_of_one_patient_takes_less_than_an_object_would() -> None:
    assert len(pack(DEVICE, PERIODS[:1])) < 48
