"""The queue between the network and the writer: bounded, fresh readings first, and nobody waits for ever."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from hub.adapters.handoff import READINGS, Handoff, Receipt
from hub.services.ingest.messages import Message, packed
from tests.unit.ingest.home import batch, kg, pressure, reading, spo2, value

NOW = datetime(2026, 3, 2, tzinfo=UTC)
RECEIPT = Receipt(0, 1, 1)


def message(name: str, lane: str = "live") -> Message:
    return Message.received(f"rpm/v1/g/up/{lane}", name.encode(), NOW, redelivered=False)


def put(handoff: Handoff, *messages: Message) -> None:
    for one in messages:
        handoff.put(one, RECEIPT, stale=lambda: False)


def names(handoff: Handoff, limit: int = 99, max_bytes: int = 10**6) -> list[str]:
    return [one.payload.decode() for one, _ in handoff.take(limit, max_bytes, timeout=0)]


def test_live_overtakes_status_and_backfill_and_each_lane_keeps_its_order() -> None:
    handoff = Handoff()
    put(handoff, message("b1", "backfill"), message("s1", "status"), message("l1"), message("b2", "backfill"))
    put(handoff, message("l2"))
    assert names(handoff) == ["l1", "l2", "s1", "b1", "b2"]
    assert len(handoff) == 0


@pytest.mark.parametrize(("waiting", "fresh", "stored"), [(30, 18, 2), (19, 18, 2), (12, 12, 8), (0, 0, 20)])
def test_stored_readings_have_a_share_of_a_full_group(waiting: int, fresh: int, stored: int) -> None:
    handoff = Handoff()
    put(handoff, *(message(f"b{number}", "backfill") for number in range(30)))
    put(handoff, *(message(f"l{number}", ("live", "status")[number % 2]) for number in range(waiting)))
    taken = names(handoff, limit=20)
    assert [name[0] for name in taken] == ["l"] * fresh + ["b"] * stored


def test_what_no_stored_reading_waits_for_is_the_fresh_ones() -> None:
    handoff = Handoff()
    put(handoff, message("b0", "backfill"), *(message(f"l{number}") for number in range(30)))
    assert names(handoff, limit=20) == [*(f"l{number}" for number in range(19)), "b0"]
    assert len(names(handoff, limit=20)) == 11


@pytest.mark.parametrize(("size", "fresh", "stored"), [(10, 9, 1), (60, 2, 1), (200, 1, 1)])
def test_they_have_it_of_the_bytes_too(size: int, fresh: int, stored: int) -> None:
    """At least one, however large the fresh ones are."""
    handoff = Handoff()
    put(handoff, *(message("b" * 10, "backfill") for _ in range(90)), *(message("l" * size) for _ in range(90)))
    taken = names(handoff, limit=1000, max_bytes=100)
    assert [name[0] for name in taken] == ["l"] * fresh + ["b"] * stored


def red(name: str) -> Message:
    return replace(message(name, "backfill"), urgent=True)


def test_what_pages_at_once_overtakes_all_that_came_before_it_and_is_written_alone() -> None:
    handoff = Handoff()
    put(handoff, message("l1"), message("b1", "backfill"), message("l2"), red("r1"), red("r2"))
    assert names(handoff) == ["r1", "r2"]
    assert names(handoff) == ["l1", "l2", "b1"]


def test_nothing_but_what_pages_at_once_does_not_stop_the_others() -> None:
    handoff = Handoff()
    put(handoff, message("l1"), message("l2"), red("r1"), red("r2"), red("r3"))
    assert names(handoff, limit=1) == ["r1"]
    assert names(handoff, limit=3) == ["r2", "r3", "l1"]
    put(handoff, red("r4"))
    assert names(handoff) == ["r4"]
    assert names(handoff) == ["l2"]


@pytest.mark.parametrize(
    ("values", "urgent"),
    [
        (spo2(97), "calm"),
        (spo2(85), "urgent"),
        (kg(80) + spo2(85), "urgent"),
        (pressure(221, 90), "urgent"),
        ([value("blood_glucose", 600, "mg/dL", comparator=">")], "urgent"),
        ([value("blood_glucose", 60, "mg/dL")], "calm"),
    ],
)
def test_a_message_is_urgent_if_any_of_its_values_pages_at_once(values: list[dict[str, Any]], urgent: str) -> None:
    payload = batch(NOW, reading(1, NOW, kg(80)), reading(2, NOW, values))
    message = packed(Message.received("rpm/v1/g/up/live", payload, NOW, redelivered=False))
    assert message.urgent is (urgent == "urgent")


def test_a_group_ends_at_its_number_or_its_size_whichever_comes_first() -> None:
    handoff = Handoff()
    put(handoff, *(message("x" * 10) for _ in range(9)))
    assert len(names(handoff, limit=3)) == 3
    assert len(names(handoff, max_bytes=15)) == 2
    assert len(names(handoff, max_bytes=0)) == 0
    assert len(names(handoff, max_bytes=1)) == 1
    assert len(handoff) == 3


def of(readings: int, lane: str = "live") -> Message:
    return replace(message(lane[0], lane), readings=readings)


def test_a_group_holds_so_many_readings_or_one_message_with_more() -> None:
    handoff = Handoff()
    put(handoff, of(200), of(READINGS - 200), of(READINGS + 1), of(READINGS), of(1))
    assert [len(names(handoff)) for _ in range(5)] == [2, 1, 1, 1, 0]


def test_stored_readings_have_their_share_of_them() -> None:
    handoff = Handoff()
    put(handoff, *(of(50, "backfill") for _ in range(30)), *(of(50) for _ in range(30)))
    assert names(handoff) == ["l"] * 9 + ["b"]


def test_a_message_says_how_many_readings_are_in_it() -> None:
    payload = batch(NOW, reading(1, NOW, kg(80)), reading(2, NOW, kg(81)))
    assert packed(Message.received("rpm/v1/g/up/live", payload, NOW, redelivered=False)).readings == 2
    assert packed(message("nonsense")).readings == 1


def test_an_empty_queue_gives_nothing_after_its_time() -> None:
    assert Handoff().take(9, 9, timeout=0.01) == []


def waiting(handoff: Handoff, one: Message, stale: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=lambda: handoff.put(one, RECEIPT, stale=stale.is_set))
    thread.start()
    return thread


@pytest.mark.parametrize(("count", "size"), [(2, 10**6), (99, 2)])
def test_a_full_queue_makes_put_wait_until_there_is_room(count: int, size: int) -> None:
    handoff = Handoff(max_messages=count, max_bytes=size)
    put(handoff, message("1"), message("2"))
    thread = waiting(handoff, message("3"), threading.Event())
    thread.join(0.05)
    assert thread.is_alive()
    assert handoff.stands(range(1))
    assert not handoff.stands(range(1, 9)), "another connection's thread"
    assert names(handoff, limit=1) == ["1"]
    thread.join(5)
    assert not thread.is_alive()
    assert not handoff.stands(range(1))
    assert names(handoff) == ["2", "3"]


def test_a_room_may_be_made_smaller_and_what_it_holds_stays() -> None:
    handoff = Handoff(max_bytes=10)
    put(handoff, *(message(str(number)) for number in range(5)))
    handoff.hold(3)
    thread = waiting(handoff, message("5"), threading.Event())
    assert names(handoff, limit=2) == ["0", "1"]
    thread.join(0.05)
    assert thread.is_alive()
    assert names(handoff, limit=1) == ["2"]
    thread.join(5)
    assert names(handoff) == ["3", "4", "5"]


def test_what_waits_on_a_connection_that_is_gone_is_dropped_unacknowledged() -> None:
    handoff, stale = Handoff(max_messages=1), threading.Event()
    put(handoff, message("1"))
    thread = waiting(handoff, message("2"), stale)
    stale.set()
    handoff.drop(range(1))
    thread.join(5)
    assert not thread.is_alive()
    assert names(handoff) == []
    put(handoff, message("3"))
    assert names(handoff) == ["3"]


def test_stored_readings_that_wait_for_room_leave_that_of_fresh_ones() -> None:
    handoff = Handoff(max_messages=1)
    put(handoff, message("b1", "backfill"))
    thread = waiting(handoff, message("b2", "backfill"), threading.Event())
    put(handoff, message("l1"))
    assert handoff.full(stored=True)
    assert handoff.full(stored=False)
    assert names(handoff, limit=1) == ["l1"]
    assert not handoff.full(stored=False)
    assert names(handoff, limit=1) == ["b1"]
    thread.join(5)
    assert names(handoff) == ["b2"]


def test_what_pages_at_once_takes_the_room_of_its_lane() -> None:
    handoff = Handoff(max_messages=1)
    put(handoff, red("r1"), message("l1"))
    assert handoff.full(stored=True)
    assert names(handoff) == ["r1"]
    assert not handoff.full(stored=True)


def test_only_what_came_on_a_connection_that_ends_is_dropped() -> None:
    handoff = Handoff(max_messages=2)
    for number, lane in enumerate(["live", "backfill", "live"]):
        handoff.put(message(f"{lane}{number}", lane), Receipt(number, 1, 1), stale=lambda: False)
    handoff.drop(range(1, 3))
    assert names(handoff) == ["live0"]
    put(handoff, message("1"), message("2"), message("3", "backfill"), message("4", "backfill"))  # there is room again
    assert names(handoff) == ["1", "2", "3", "4"]
