import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway import wire
from device_gateway.errors import UndecodableError
from device_gateway.frames import Packet, Value
from tests.unit.gateway.parts import NOW, measurement

HEAD = wire.BatchHead(batch="b", spool="s", boot="boot-1", sent_at=NOW, sent_mono_ms=512_345)
HUB_TIME = "2026-11-22T07:00:05.310Z"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 22, 7, tzinfo=UTC), "2026-11-22T07:00:00Z"),
        (datetime(2026, 11, 22, 7, 0, 5, 120_999, tzinfo=UTC), "2026-11-22T07:00:05.120Z"),
        (datetime(2026, 11, 22, 7, tzinfo=timezone(timedelta(hours=-6))), "2026-11-22T07:00:00-06:00"),
        (datetime(1970, 1, 1, tzinfo=timezone(timedelta(minutes=19, seconds=32))), "1969-12-31T23:40:28Z"),
    ],
)
def test_an_instant_has_an_offset_in_whole_minutes(moment: datetime, text: str) -> None:
    assert wire.instant(moment) == text


def test_numbers_go_out_as_they_are_meant() -> None:
    body = wire.encode_reading(measurement(values=(Value("systolic_blood_pressure", Decimal("120.3")),)))

    assert b'"value":120.3,' in body


def test_a_batch_gives_each_reading_its_number() -> None:
    bodies = [wire.encode_reading(measurement(number)) for number in (1, 2)]

    batch = json.loads(wire.encode_batch(HEAD, zip((7, 9), bodies, strict=True)))

    assert [(row["seq"], row["record"]) for row in batch["readings"]] == [(7, "1"), (9, "2")]
    assert {**batch, "readings": []} == {
        "v": 1,
        "batch": "b",
        "spool": "s",
        "boot": "boot-1",
        "sent_at": "2026-11-22T07:00:01.002Z",
        "sent_mono_ms": 512_345,
        "readings": [],
    }


@given(sizes=st.lists(st.integers(300, 60_000), min_size=1, max_size=300), limit=st.integers(1, wire.MAX_READINGS))
def test_what_has_room_keeps_the_limits_and_one_more_would_not(sizes: list[int], limit: int) -> None:
    bodies = [wire.encode_reading(measurement(device_time="x" * (size - 290))) for size in sizes]

    count = wire.batch_room(bodies, limit)
    batch = wire.encode_batch(HEAD, ((2**53 - 1, body) for body in bodies[:count]))

    assert len(batch) <= wire.MAX_BATCH_BYTES
    assert count <= limit
    assert count == min(limit, len(sizes)) or sum(map(len, bodies[: count + 1])) > wire.MAX_BATCH_BYTES - 40_000


def test_a_reading_that_no_batch_can_hold_does_not_fit() -> None:
    raw = tuple(Packet("mqtt", b"x" * wire.MAX_PACKET_BYTES) for _ in range(20))
    small, large, long = measurement(), measurement(raw=raw), measurement(raw=(Packet("mqtt", b"x" * 4097),))

    assert wire.fits(small, wire.encode_reading(small))
    assert not wire.fits(large, wire.encode_reading(large))
    assert not wire.fits(long, wire.encode_reading(long))


def test_an_acknowledgement_is_read_whole() -> None:
    payload = {
        "v": 1,
        "hub_time": HUB_TIME,
        "acks": [
            {"batch": "b", "spool": "s", "results": [{"seq": 4712, "status": "rejected", "code": "unknown_metric"}]},
            {"batch": None, "payload_sha256": "ab" * 32, "error": "undecodable"},
        ],
    }

    assert wire.decode_ack(json.dumps(payload).encode()) == wire.Ack(
        v=1,
        hub_time=datetime(2026, 11, 22, 7, 0, 5, 310_000, tzinfo=UTC),
        acks=(
            wire.BatchAck("b", "s", (wire.Result(4712, "rejected", "unknown_metric"),)),
            wire.BatchAck(None, payload_sha256="ab" * 32, error="undecodable"),
        ),
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b'{"v": 2, "hub_time": "2026-11-22T07:00:05Z", "acks": []}',
        b'{"v": 1, "hub_time": "2026-11-22T07:00:05", "acks": []}',
        b'{"v":1,"hub_time":"2026-11-22T07:00:05Z","acks":[{"batch":"b","results":[{"seq":1,"status":"lost"}]}]}',
    ],
)
def test_what_is_no_acknowledgement_has_one_error(payload: bytes) -> None:
    with pytest.raises(UndecodableError):
        wire.decode_ack(payload)
