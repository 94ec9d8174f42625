"""What becomes of each kind of reading: its answer, where its bytes are kept, what is counted, who is alarmed."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.domain.patients import EndReason
from hub.services import enrolment, equipment
from hub.services.ingest.messages import Message
from hub.services.ingest.wire import BatchAck, ErrorAck
from tests.unit.ingest.bad_input import SINGLE, WHOLE
from tests.unit.ingest.home import (
    ADMIN,
    CUFF,
    GATEWAY,
    METER,
    OXIMETER,
    SCALE,
    Home,
    batch,
    homes,
    iso,
    kg,
    pressure,
    reading,
    spo2,
    value,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


@pytest.mark.parametrize("kind", WHOLE)
def test_an_unreadable_message_is_quarantined_and_the_good_one_beside_it_is_stored(home: Home, kind: str) -> None:
    made, code = WHOLE[kind]
    payload = made(home.now)
    broken, stored = home.arrives(payload, batch(home.now, reading(5, home.now, kg(80)), batch="b-2"))
    assert isinstance(broken, ErrorAck)
    assert (broken.error, broken.payload_sha256) == (code, hashlib.sha256(payload).hexdigest())
    assert isinstance(stored, BatchAck)
    assert stored.results[0].status == "stored"
    assert home.rows("quarantine", "gateway_id", "code", "raw", "size") == [
        (GATEWAY, code, payload[:262_144], len(payload))
    ]
    assert home.counters()["rpmhub_readings_rejected_total", code] == 1


@pytest.mark.parametrize("kind", SINGLE)
def test_a_bad_reading_is_quarantined_and_its_replay_is_answered_alike(home: Home, kind: str) -> None:
    made, code = SINGLE[kind]
    payload = made(home.now)
    for _ in range(2):
        (ack,) = home.arrives(payload)
        assert isinstance(ack, BatchAck)
        assert [(one.seq, one.status, one.code) for one in ack.results] == [(1, "rejected", code)]
    assert home.rows("quarantine", "code") == [code]
    assert home.rows("quarantine", "raw")[0] in payload
    assert home.counters()["rpmhub_readings_rejected_total", code] == 1


def test_a_batch_with_all_fates_answers_each_by_its_number(home: Home) -> None:
    home.measures(kg(80), record="r-1")  # seq 1
    readings = [
        reading(10, home.now, kg(80)),
        reading(11, home.now, kg(80), record="r-1"),
        reading(12, home.now, kg(80), device="XX"),
        {"seq": 13},
        reading(14, home.now, [value("vigour", 1, "1")]),
        reading(15, home.now, kg(99), record="r-1"),
        reading(10, home.now, kg(70)),
    ]
    (ack,) = home.arrives(batch(home.now, *readings))
    assert isinstance(ack, BatchAck)
    assert [(one.seq, one.status, one.code) for one in ack.results] == [
        (10, "stored", None),
        (11, "duplicate", None),
        (12, "held", "unknown_device"),
        (13, "rejected", "schema"),
        (14, "rejected", "unknown_metric"),
        (15, "rejected", "key_conflict"),
        (10, "rejected", "key_conflict"),
    ]
    counted = home.counters()
    assert counted["rpmhub_readings_stored_total", ""] == 2
    assert counted["rpmhub_readings_duplicate_total", ""] == 1
    assert counted["rpmhub_readings_held_total", "unknown_device"] == 1
    assert counted["rpmhub_readings_rejected_total", "key_conflict"] == 2
    # Nothing vanishes: 8 sent = 2 stored + 1 duplicate + 1 held + 4 rejected.
    assert sum(n for (name, _), n in counted.items() if name.startswith("rpmhub_readings")) == 8


def test_a_broken_reading_and_a_good_one_with_its_number_keep_their_own_bytes(home: Home) -> None:
    broken = {"seq": 7, "oops": 1}
    home.arrives(batch(home.now, broken, reading(7, home.now, kg(80))))
    assert [json.loads(raw) for raw in home.rows("quarantine", "raw")] == [broken, reading(7, home.now, kg(80))]
    (ack,) = home.arrives(batch(home.now, broken))
    assert isinstance(ack, BatchAck)
    assert (ack.results[0].status, ack.results[0].code) == ("rejected", "schema")


def test_the_same_number_with_other_content_is_a_conflict_and_the_first_stays(home: Home) -> None:
    first = batch(home.now, reading(1, home.now, kg(80)))
    home.arrives(first)
    (ack,) = home.arrives(batch(home.now, reading(1, home.now, kg(90))))
    assert isinstance(ack, BatchAck)
    assert ack.results[0].code == "key_conflict"
    assert home.rows("reading", "centi") == [8_000]


def test_a_duplicate_by_its_record_is_known_by_its_number_afterwards(home: Home) -> None:
    home.measures(kg(80), record="r-1")
    again = reading(50, home.now, kg(80), record="r-1")
    assert [one.results[0].status for one in home.arrives(batch(home.now, again)) if isinstance(one, BatchAck)] == [
        "duplicate"
    ]
    (ack,) = home.arrives(batch(home.now, again | {"values": kg(90), "record": "r-2"}))
    assert isinstance(ack, BatchAck)
    assert ack.results[0].code == "key_conflict"


def test_the_same_number_in_another_spool_is_another_reading(home: Home) -> None:
    for spool, weight in (("s-1", 80), ("s-2", 81)):
        home.arrives(batch(home.now, reading(1, home.now + weight * MINUTE / 1000, kg(weight)), spool=spool))
    assert home.rows("reading", "centi") == [8_000, 8_100]


# Senders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gateway", ["g-nobody", "x" * 70, "$SYS", "g-1 ", "G-1", "ｇ-1"])
def test_an_unknown_gateway_gets_no_answer_but_an_alarm_and_its_bytes_are_kept(home: Home, gateway: str) -> None:
    payload = batch(home.now, reading(1, home.now, kg(80)))
    for _ in range(2):
        assert home.process(home.message(payload, gateway=gateway)) == {}
    assert home.rows("quarantine", "code", "raw") == [("unknown_gateway", payload)] * 2
    assert home.alerts() == ["unknown-gateway open"]
    assert home.count("journal") == 0


@pytest.mark.parametrize(
    "topic",
    [
        "rpm/v1/g-1/up/other",
        "rpm/v1/g-1/up/live/more",
        "rpm/v2/g-1/up/live",
        "rpm/v1/g-1/down/ack",
        "x/v1/g-1/up/live",
        "",
        "////",
    ],
)
def test_a_topic_of_another_form_has_no_sender(home: Home, topic: str) -> None:
    payload = batch(home.now, reading(1, home.now, kg(80)))
    assert home.process(Message.received(topic, payload, home.now, redelivered=False)) == {}
    assert home.rows("quarantine", "code") == ["unknown_gateway"]


def test_a_gateway_that_is_registered_later_ends_its_alarm(home: Home) -> None:
    home.process(home.message(b"{}", gateway="g-9"))
    equipment.add_gateway(home.hub, ADMIN, "Home 9", "x", "g-9")
    home.arrives(batch(home.now, reading(1, home.now, kg(80))), gateway="g-9")
    home.tick()
    assert home.alerts() == ["unknown-gateway closed"]


def test_a_device_heard_on_a_foreign_gateway_is_held(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Next door", "x", "g-2")
    assert home.measures(kg(80), gateway="g-2") == "held foreign_gateway"
    assert home.count("reading") == 0


def test_what_the_neighbours_gateway_heard_first_is_the_patients_as_soon_as_their_own_sends_it(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Next door", "x", "g-2")
    values = spo2(85)
    assert home.measures(values, OXIMETER, gateway="g-2", record="r-1") == "held foreign_gateway"
    assert home.measures(values, OXIMETER, record="r-1") == "stored"
    assert "oxygen-low open" in home.alerts()
    assert home.rows("journal", "status") == ["released", "stored"]
    assert home.measures(values, OXIMETER, record="r-1") == "duplicate"
    assert home.measures(values, OXIMETER, gateway="g-2", record="r-1") == "duplicate"


def test_both_gateways_in_one_group_make_one_reading(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Next door", "x", "g-2")
    payload = batch(home.now, reading(1, home.now, spo2(97), OXIMETER, record="r-1"))
    answers = home.process(home.message(payload, gateway="g-2"), home.message(payload))
    told = {gateway: ack.results[0].status for gateway, (ack,) in answers.items() if isinstance(ack, BatchAck)}
    assert told == {"g-2": "held", GATEWAY: "stored"}
    assert home.rows("journal", "status") == ["released", "stored"]
    assert home.count("reading") == 1


# Times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "measured_at", ["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"]
)
def test_a_time_that_cannot_be_is_stored_at_receipt_and_judged_live(home: Home, measured_at: str) -> None:
    home.status(clock_offset_s=5.0)
    assert home.measures(spo2(85), OXIMETER, measured_at=measured_at, received_at="9999-12-31T23:59:59Z") == "stored"
    assert home.rows("reading", "at") == [home.now]
    assert "time_suspect" in home.rows("reading", "words")[0]
    assert "oxygen-low open" in home.alerts()
    assert "device clock wrong" in home.sentences()[-1]
    assert len(home.tick()) == 1


@pytest.mark.parametrize(("ahead", "suspect"), [(119, False), (121, True)])
def test_two_minutes_ahead_are_a_clock_and_more_are_none(home: Home, ahead: int, suspect: bool) -> None:  # noqa: FBT001
    home.measures(kg(80), old=timedelta(seconds=-ahead))
    assert ("time_suspect" in home.rows("reading", "words")[0]) is suspect


def test_all_four_times_stay_on_record(home: Home) -> None:
    home.measures(kg(80), device_time="2026-03-02T07:04:00")
    body = json.loads(home.rows("journal", "body")[0])
    assert set(body) == {"sent_at", "sent_mono_ms", "reading"}
    assert {"measured_at", "received_at", "device_time"} <= set(body["reading"])


@pytest.mark.parametrize(
    ("offset", "sent", "received", "measured", "old"),
    [
        (0, 0, 0, 0, 0),
        (0, 0, -3, -3, 3),  # three hours in the spool
        (0, -3, -3, -3, 3),  # three hours in the broker
        (-24, 24, 24, 24, 0),  # the gateway's clock is a day ahead, and says so: the time is suspect, the age is not
        (-24, 0, 0, 0, 0),  # its clock has been set right since it said so
        (24, -24, -24, -24, 0),  # a day behind, and says so
        (0, 0, 24, 0, 0),  # "received" a day ahead of the time the device gave
    ],
)
def test_no_reading_is_old_because_a_clock_is_wrong(
    home: Home, offset: int, sent: int, received: int, measured: int, old: int
) -> None:
    home.status(clock_offset_s=offset * 3600.0)
    times = {"measured_at": iso(home.now + measured * HOUR), "received_at": iso(home.now + received * HOUR)}
    one = reading(1, home.now, spo2(85), OXIMETER) | times
    home.arrives(batch(home.now, one, sent_at=iso(home.now + sent * HOUR)))
    (sentence,) = home.sentences()
    assert ("measured 3 h ago" in sentence) is (old == 3)
    assert len(home.tick()) == 1


@pytest.mark.parametrize(
    ("flags", "received", "old"), [(["from_memory"], 0, True), (["from_memory"], 24, True), ([], 0, False)]
)
def test_only_what_a_device_kept_in_memory_is_as_old_as_its_clock_says(
    home: Home, flags: list[str], received: int, *, old: bool
) -> None:
    """Three hours by the device's clock, whatever the gateway's clock says beside it."""
    times = {"received_at": iso(home.now + received * HOUR), "flags": flags}
    home.measures(spo2(85), OXIMETER, **({"measured_at": iso(home.now - 3 * HOUR)} | times))
    assert ("measured 3 h ago" in home.sentences()[0]) is old
    assert len(home.tick()) == 1


def test_the_monotonic_clock_tells_the_time_in_the_spool(home: Home) -> None:
    one = reading(1, home.now, kg(80), boot="b", received_mono_ms=1_000, measured_at=iso(home.now - 2 * HOUR))
    home.arrives(batch(home.now, one, boot="b", sent_mono_ms=1_000 + 7_200_000))
    assert home.rows("journal", "age_s") == [7200.0]


@pytest.mark.parametrize("mono", [2**53 - 1, 2**70])
def test_a_monotonic_clock_gone_wrong_tells_nothing(home: Home, mono: int) -> None:
    one = reading(1, home.now, spo2(85), OXIMETER, boot="b", received_mono_ms=0)
    home.arrives(batch(home.now, one, boot="b", sent_mono_ms=mono))
    assert home.rows("journal", "age_s") == [0.0]
    assert len(home.tick()) == 1


@pytest.mark.parametrize("sent_at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_gateway_beyond_all_time_is_answered(home: Home, sent_at: str) -> None:
    home.status(clock_offset_s=4e9)
    (ack,) = home.arrives(batch(home.now, reading(1, home.now, kg(80)), sent_at=sent_at))
    assert isinstance(ack, BatchAck)
    assert ack.results[0].status == "stored"


# What is measured ------------------------------------------------------------------------------------------------


def test_a_reading_without_values_is_stored_and_judged(home: Home) -> None:
    assert home.measures([], OXIMETER, flags=["no_signal"]) == "stored"
    assert home.count("reading") == 0
    assert home.rows("failed_attempt", "metric") == [3, 4]


@pytest.mark.parametrize("number", [999_999_999_999, -5, 0, 1e-9, 81.4449999])
def test_any_number_a_device_may_say_is_kept_and_judged(home: Home, number: float) -> None:
    assert home.measures(kg(number)) == "stored"
    assert home.count("reading") == 1
    assert not any("judging" in problem or "rule-failed" in problem for problem in home.alerts())


def test_ids_and_bodies_stay_together_in_a_large_batch(home: Home) -> None:
    readings = [reading(n, home.now - n * MINUTE, kg(78 + n / 100), record=f"r-{n}") for n in range(200)]
    home.arrives(batch(home.now, *readings))
    journal = home.rows("journal", "id", "body")
    values = {reading_id // 16: centi / 100 for reading_id, centi in home.rows("reading", "reading_id", "centi")}
    assert len(journal) == len(values) == 200
    for row_id, body in journal:
        assert json.loads(body)["reading"]["values"][0]["value"] == values[row_id]
    keys = dict(home.rows("record_key", "record", "journal_id"))
    assert all(
        json.loads(body)["reading"]["record"] == name
        for name, row_id in keys.items()
        for i, body in journal
        if i == row_id
    )


def test_more_keys_than_a_database_has_parameters_for(home: Home) -> None:
    payloads = [batch(home.now, *({"seq": n} for n in range(200)), spool=f"s-{number}") for number in range(60)]
    answers = home.arrives(*payloads)
    assert len(answers) == 60
    assert home.count("transport_key") == 12_000


# Patients --------------------------------------------------------------------------------------------------------


def test_what_was_measured_after_the_end_is_quarantined_and_before_it_is_stored(home: Home) -> None:
    home.clinic.clock.forward(HOUR)
    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.WITHDREW)
    home.clinic.clock.forward(HOUR)
    assert home.measures(kg(90)) == "rejected ended"
    assert home.measures(spo2(70), OXIMETER, old=90 * MINUTE) == "stored"
    assert home.rows("quarantine", "code", "detail") == [("ended", "measured after monitoring of this patient ended")]
    assert home.alerts() == []


def test_the_user_number_of_someone_who_withdrew_is_nobody_elses(home: Home) -> None:
    other = home.enrol("B1", "Bo Invented")
    cuff = equipment.add_device(home.hub, ADMIN, "SHARED", "blood-pressure", GATEWAY)
    equipment.assign_device(home.hub, ADMIN, cuff, home.patient_id, 1)
    equipment.assign_device(home.hub, ADMIN, cuff, other, 2)
    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.WITHDREW)
    home.clinic.clock.forward(MINUTE)
    assert home.measures(pressure(190, 125), "SHARED", user_index=1) == "rejected ended"
    assert home.measures(pressure(120, 80), "SHARED", user_index=2) == "stored"
    assert home.measures(pressure(120, 80), "SHARED") == "held ambiguous"


def test_nobody_may_be_ended_twice(home: Home) -> None:
    enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.MOVED)
    with pytest.raises(Exception, match="ended before"):
        enrolment.end(home.hub, ADMIN, home.patient_id, EndReason.DIED)


# Status ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"\xff",
        b'{"v": 1, "online": true, "x": "\xff"}',
        b'{"v": 1, "online": 1}',
        b'{"v": 2, "online": true}',
        b'{"v": 1, "online": true, "spool_depth": 1180591620717411303424}',
        b'{"v": 1, "online": true, "clock_offset_s": 1e300}',
        b'{"v": 1, "online": true, "clock_offset_s": 1e400}',
        b'{"v": 1, "online": true, "devices": [{"device": "x", "battery_percent": 4294967296}]}',
        b'{"v": 1, "online": true, "x": ' + b"[" * 100_000,
        b'{"v": 1, "online": true}'.ljust(131_073),
    ],
)
def test_rubbish_as_status_is_quarantined_unanswered_and_delays_nobody(home: Home, payload: bytes) -> None:
    answers = home.process(home.message(payload, "status"), home.message(batch(home.now, reading(1, home.now, kg(80)))))
    assert [type(ack) for ack in answers[GATEWAY]] == [BatchAck]
    assert home.rows("quarantine", "code", "raw") == [("schema", payload)]


def test_a_status_is_kept_with_its_batteries(home: Home) -> None:
    devices = [{"device": SCALE, "battery_percent": 40}, {"device": "?", "battery_percent": 1}, {"device": METER}]
    home.status(spool_depth=3, clock_offset_s=-1.5, devices=devices, version="9")
    assert home.rows("gateway", "online", "spool_depth", "clock_offset_s", "heard_at") == [(True, 3, -1.5, home.now)]
    assert dict(home.rows("device", "address", "battery_percent")) == {
        SCALE: 40,
        OXIMETER: None,
        CUFF: None,
        METER: None,
    }


def test_a_status_that_the_broker_had_kept_is_no_sign_of_life(home: Home) -> None:
    home.status()
    first = home.now
    home.clinic.clock.forward(HOUR)
    home.process(home.message(b'{"v": 1, "online": true, "spool_depth": 9}', "status", retained=True))
    assert home.rows("gateway", "heard_at", "spool_depth") == [(first, 9)]


def test_a_batch_that_was_retained_is_stored_once(home: Home) -> None:
    payload = batch(home.now, reading(1, home.now, kg(80)))
    for _ in range(3):
        home.process(home.message(payload, retained=True))
    assert home.count("journal") == 1


def test_battery_levels_come_with_readings(home: Home) -> None:
    home.measures(kg(80), battery_percent=55)
    home.measures(kg(80), record="x")
    (row,) = [row for row in home.rows("device", "address", "battery_percent", "last_seen_at") if row[0] == SCALE]
    assert row == (SCALE, 55, home.now)


def test_a_device_was_used_when_it_measured_not_when_its_memory_was_read(home: Home) -> None:
    home.measures(kg(80), old=50 * HOUR)
    home.measures(kg(81), old=60 * HOUR)
    assert dict(home.rows("device", "address", "last_seen_at"))[SCALE] == home.now - 50 * HOUR
    home.measures(kg(80))
    assert dict(home.rows("device", "address", "last_seen_at"))[SCALE] == home.now


def test_who_gets_no_answer_fills_no_disk(home: Home) -> None:
    """An unknown gateway sends the same batch every five minutes, for ever."""
    for number in range(30):
        assert home.arrives(f"message {number}".encode(), gateway="g-unknown") == []
    kept = home.rows("quarantine", "raw", "times")
    assert len(kept) == 20
    assert kept[0] == (b"message 0", 1)
    assert kept[-1] == (b"message 29", 11)
