"""The two lanes, with time moved by hand; what a broker does to them is in the contract tests."""

import hashlib
import json
from pathlib import Path

import pytest

from device_gateway.spool import Limits, Spool
from device_gateway.uplink.flight import Flight, Resend
from device_gateway.uplink.lane import Lane
from device_gateway.wire import BatchAck
from tests.unit.gateway.parts import NOW, CountingIds, HandClock, measurement, seqs


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path, Limits(), CountingIds(), NOW)
    spool.put([measurement(number) for number in range(1, 6)], NOW)
    return spool


def lane_on(spool: Spool, clock: HandClock) -> Lane:
    return Lane("live", spool, clock, CountingIds(), Resend())


def flying(lane: Lane) -> Flight:
    flight = lane.load()
    assert flight is not None
    return flight


def test_the_wait_for_an_answer_doubles_from_30_s_to_5_min() -> None:
    assert [Resend().wait_ms(sends, 0) for sends in range(1, 7)] == [30_000, 60_000, 120_000, 240_000, 300_000, 300_000]


def test_chance_stretches_the_wait_by_a_quarter_at_most() -> None:
    assert Resend(first_s=2).wait_ms(1, 1) == 2500


def test_a_lane_has_one_batch_in_flight(spool: Spool) -> None:
    lane = lane_on(spool, HandClock())

    assert flying(lane) is flying(lane)
    assert flying(lane).seqs == seqs(1, 2, 3, 4, 5)


def test_a_batch_sent_again_keeps_its_id_and_tells_the_time_anew(spool: Spool) -> None:
    clock = HandClock()
    lane = lane_on(spool, clock)
    first = json.loads(lane.payload(flying(lane)))
    clock.forward(seconds=30)
    second = json.loads(lane.payload(flying(lane)))

    assert second["sent_at"] == "2026-11-22T07:00:31.002Z"
    assert second["sent_mono_ms"] == first["sent_mono_ms"] + 30_000
    assert {**second, "sent_at": 0, "sent_mono_ms": 0} == {**first, "sent_at": 0, "sent_mono_ms": 0}


def test_sending_sets_when_it_is_due_again(spool: Spool) -> None:
    clock = HandClock()
    lane = lane_on(spool, clock)
    flight = flying(lane)
    lane.sent(flight, b"one", epoch=1)

    assert (flight.sends, flight.epoch, flight.due_ms) == (1, 1, clock.mono_ms() + 33_750)


def test_an_answer_finds_its_batch_by_name_or_by_content(spool: Spool) -> None:
    lane = lane_on(spool, HandClock())
    flight = flying(lane)
    lane.sent(flight, b"one", epoch=1)
    lane.sent(flight, b"two", epoch=2)

    assert flight.is_meant(BatchAck(flight.batch))
    assert flight.is_meant(BatchAck(None, payload_sha256=hashlib.sha256(b"one").hexdigest()))
    assert not flight.is_meant(BatchAck(None, payload_sha256=hashlib.sha256(b"three").hexdigest()))
    assert not flight.is_meant(BatchAck("another"))
    assert not flight.is_meant(BatchAck(None))


def test_what_an_answer_left_out_goes_with_the_next_batch(spool: Spool) -> None:
    lane = lane_on(spool, HandClock())
    first = flying(lane)
    spool.acknowledge(seqs(1, 2, 4), NOW)
    lane.landed()

    assert flying(lane).seqs == seqs(3, 5)
    assert flying(lane).batch != first.batch


def test_one_unreadable_reading_is_found_by_halving_and_alone_set_aside(spool: Spool) -> None:
    lane = lane_on(spool, HandClock())
    delivered: list[int] = []
    (unreadable,) = seqs(4)
    for _ in range(20):
        flight = lane.load()
        if flight is None:
            break
        if unreadable in flight.seqs:
            lane.refused("schema", NOW)
        else:
            delivered += flight.seqs
            spool.acknowledge(flight.seqs, NOW)
            lane.landed()

    report = spool.report()
    assert delivered == seqs(1, 2, 3, 5)
    assert (report.depth, report.refused_total, report.kept) == (0, 1, 4)
