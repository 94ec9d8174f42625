import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from device_gateway import wire
from device_gateway.errors import SpoolLockedError, SpoolUnavailableError
from device_gateway.frames import FROM_MEMORY, Measurement, Packet, Rejected
from device_gateway.spool import FILE, RETAINED, Limits, Row, Spool, read
from tests.unit.gateway.parts import NOW, CountingIds, frame, measurement, seqs

LATER = NOW + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def opened(path: Path, **limits: object) -> Spool:
    return Spool(path, Limits(**limits), CountingIds(), NOW)  # type: ignore[arg-type]


def records(rows: tuple[Row, ...]) -> list[str]:
    return [json.loads(row.body)["record"] for row in rows]


def waiting(spool: Spool) -> list[str]:
    """Everything in the queue, oldest first, without changing it."""
    rows = spool.lease(live=False, now=NOW + timedelta(days=365))
    spool.release(row.seq for row in rows)
    return records(rows)


def test_what_was_put_waits_in_order_and_is_the_reading_as_encoded(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(1), measurement(2)], NOW)
    spool.put([measurement(3)], NOW)

    assert spool.lease(live=True, now=NOW) == tuple(
        Row(seq, wire.encode_reading(measurement(number))) for number, seq in enumerate(seqs(1, 2, 3), 1)
    )


def test_a_spool_keeps_its_id_and_its_readings_over_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.put([measurement(1)], NOW)
    first.close()

    second = Spool(tmp_path, Limits(), CountingIds(last=99), NOW)

    assert second.id == first.id
    assert waiting(second) == ["1"]


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    spool = opened(tmp_path, keep_acked=timedelta(0))
    spool.put([measurement(1), measurement(2)], NOW)
    spool.acknowledge(seqs(1, 2), NOW)
    spool.close()

    again = opened(tmp_path)
    again.put([measurement(3)], NOW)

    assert [row.seq for row in again.lease(live=True, now=NOW)] == seqs(3)


def test_numbers_follow_the_clock_and_grow_where_it_is_set_back(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for at in (LATER, NOW, LATER + MINUTE, LATER):
        spool.put([measurement(1)], at)

    hour, minute = 3_600_000, 60_000
    (first,) = seqs(1)
    later = [first + hour, first + hour + 1, first + hour + minute, first + hour + minute + 1]
    assert [row.seq for row in spool.lease(live=False, now=NOW + timedelta(days=365))] == later


def test_a_spool_of_before_goes_on_from_the_clock(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(1)], NOW)
    with sqlite3.connect(tmp_path / FILE) as before:
        before.execute("UPDATE queue SET seq = 7")
        before.execute("UPDATE sqlite_sequence SET seq = 7 WHERE name = 'queue'")
    before.close()
    spool.put([measurement(2)], NOW)

    assert [row.seq for row in spool.lease(live=True, now=NOW)] == [7, *seqs(1)]


def test_leased_readings_are_not_given_again_until_released(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(number) for number in range(1, 6)], NOW)

    first = spool.lease(live=True, now=NOW, limit=2)
    second = spool.lease(live=True, now=NOW, limit=2)
    spool.release(row.seq for row in first)

    assert (records(first), records(second)) == (["1", "2"], ["3", "4"])
    assert records(spool.lease(live=True, now=NOW)) == ["1", "2", "5"]


@pytest.mark.parametrize(
    ("reading", "live"),
    [
        (measurement(), True),
        (measurement(measured_at=NOW - 4 * MINUTE), True),
        (measurement(measured_at=NOW - 6 * MINUTE), False),
        (measurement(flags=(FROM_MEMORY,)), False),
        # A clock that cannot be right does not make a reading old.
        (measurement(measured_at=NOW - timedelta(days=4000)), True),
        (measurement(measured_at=NOW + timedelta(days=4000)), True),
    ],
)
def test_fresh_readings_travel_apart_from_stored_ones(tmp_path: Path, reading: Measurement, *, live: bool) -> None:
    spool = opened(tmp_path)
    spool.put([reading], NOW)

    assert len(spool.lease(live=live, now=NOW)) == 1
    assert len(spool.lease(live=not live, now=NOW)) == 0


def test_a_fresh_reading_that_waited_too_long_is_a_stored_one(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(1)], NOW)

    assert spool.lease(live=True, now=NOW + 5 * MINUTE) == ()
    assert records(spool.lease(live=False, now=NOW + 5 * MINUTE)) == ["1"]


def test_a_batch_holds_no_more_than_the_contract_allows(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(number, raw=(Packet("mqtt", b"x" * 4000),)) for number in range(1, 31)], NOW)

    rows = spool.lease(live=True, now=NOW)

    assert 10 < len(rows) < 30
    assert sum(len(row.body) for row in rows) < wire.MAX_BATCH_BYTES


def test_only_an_acknowledgement_empties_the_queue(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(number) for number in (1, 2, 3)], NOW)
    spool.lease(live=True, now=NOW)

    assert spool.acknowledge(seqs(1, 3, 77), LATER) == 2
    assert spool.acknowledge(seqs(1, 3), LATER) == 0

    report = spool.report()
    assert waiting(spool) == []  # still leased
    spool.release(seqs(2))
    assert waiting(spool) == ["2"]
    assert (report.depth, report.kept, report.last_ack_at) == (1, 2, LATER.replace(microsecond=2000))


def test_acknowledged_readings_stay_for_a_replay_and_then_go(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(1), measurement(2), measurement(3)], NOW)
    spool.acknowledge(seqs(1), NOW)
    spool.acknowledge(seqs(2), LATER)

    assert spool.replay(LATER - MINUTE) == 1
    assert waiting(spool) == ["2", "3"]

    spool.acknowledge(seqs(2, 3), NOW + timedelta(hours=73))
    assert spool.replay(NOW - timedelta(days=9)) == 2  # reading 1 was kept for 72 h


def test_a_refused_reading_leaves_the_queue_and_is_counted(tmp_path: Path) -> None:
    spool = opened(tmp_path, aside_rows=2)
    spool.put([measurement(number) for number in range(1, 6)], NOW)

    spool.refuse(seqs(1, 2, 3), "schema", NOW)

    assert waiting(spool) == ["4", "5"]
    assert spool.report().refused_total == 3
    rows = sqlite3.connect(tmp_path / FILE).execute("SELECT seq, code FROM refused").fetchall()
    assert rows == [(seq, "schema") for seq in seqs(2, 3)]


def test_a_full_spool_gives_up_delivered_then_stored_then_oldest_readings_and_says_so(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_rows=4)
    spool.put([measurement(1), measurement(2), measurement(3, flags=(FROM_MEMORY,)), measurement(4)], NOW)
    spool.acknowledge(seqs(1), NOW)

    spool.put([measurement(5)], NOW)
    assert (spool.report().kept, spool.report().dropped_total) == (0, 0)

    spool.put([measurement(6)], NOW)
    assert (waiting(spool), spool.report().dropped_total) == (["2", "4", "5", "6"], 1)

    spool.put([measurement(7), measurement(8)], NOW)
    assert (waiting(spool), spool.report().dropped_total) == (["5", "6", "7", "8"], 3)


def test_a_reading_on_its_way_is_not_dropped(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_rows=2)
    spool.put([measurement(1), measurement(2)], NOW)
    spool.lease(live=True, now=NOW, limit=1)

    spool.put([measurement(3)], NOW)
    spool.release(seqs(1))

    assert (waiting(spool), spool.report().dropped_total) == (["1", "3"], 1)


def test_bytes_are_bounded_too(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=20_000)
    for number in range(1, 21):
        spool.put([measurement(number, raw=(Packet("mqtt", b"x" * 1000),))], NOW)

    report = spool.report()
    assert 0 < report.depth < 10
    assert report.depth + report.dropped_total == 20


def test_undecodable_messages_are_kept_raw_counted_and_bounded(tmp_path: Path) -> None:
    spool = opened(tmp_path, aside_rows=2)
    for text in (b"one", b"two", b"three"):
        spool.put([Rejected("undecodable", "no JSON", frame(text))], NOW)

    report, newest = read(tmp_path / FILE)

    assert (report.quarantined_total, report.depth) == (3, 0)
    assert [(each.code, each.reason, each.data) for each in newest] == [
        ("undecodable", "no JSON", b"three"),
        ("undecodable", "no JSON", b"two"),
    ]


def test_a_retained_message_is_counted_and_not_kept(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([Rejected(RETAINED, "old", frame())], NOW)

    report, newest = read(tmp_path / FILE)
    assert (report.retained_total, report.quarantined_total, newest) == (1, 0, ())


def test_a_reading_no_batch_can_hold_is_quarantined_with_its_raw_bytes(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(1), measurement(2, raw=(Packet("mqtt", b"x" * 5000),))], NOW)

    report, (kept,) = read(tmp_path / FILE)
    assert (report.depth, report.quarantined_total) == (1, 1)
    assert (kept.code, kept.data) == ("too_large", b"x" * 5000)


def test_devices_are_remembered_with_their_last_known_battery(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(1, battery_percent=80)], NOW)
    spool.put([measurement(2, received_at=LATER, battery_percent=None)], LATER)

    assert spool.report().devices == (wire.Device("CF-1042", "blood-pressure", wire.instant(LATER), 80),)


def test_the_oldest_waiting_reading_is_reported(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(1, received_at=LATER), measurement(2, received_at=NOW)], LATER)

    assert spool.report().oldest_received_at == NOW


def test_a_full_disk_is_a_transient_error_and_stores_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(1)], NOW)
    db = spool._db
    assert db is not None
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count={pages}")
    many = [measurement(number) for number in range(2, 200)]

    with pytest.raises(SpoolUnavailableError, match="full"):
        spool.put(many, NOW)
    assert waiting(spool) == ["1"]

    spool.put(many, NOW)  # there is room again: no restart is needed
    assert len(waiting(spool)) == 199


def test_one_directory_has_one_gateway(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(SpoolLockedError, match="already running"):
        opened(tmp_path)
    spool.close()
    opened(tmp_path).close()


@pytest.mark.parametrize("damage", ["not a database", "a page overwritten"])
def test_a_damaged_file_is_kept_aside_loudly_and_never_continued(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path)
    spool.put([measurement(number) for number in range(1, 200)], NOW)
    spool.close()
    file = tmp_path / FILE
    content = file.read_bytes()
    file.write_bytes(b"x" * 100 if damage == "not a database" else content[:8192] + b"\xa5" * 3000 + content[11192:])
    broken = file.read_bytes()

    second = Spool(tmp_path, Limits(), CountingIds(last=99), NOW)

    (aside,) = tmp_path.glob(f"{FILE}.damaged-*")
    assert aside.read_bytes() == broken
    assert second.id != spool.id
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    opened(tmp_path / "data")

    assert (tmp_path / "data" / FILE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
