"""The gateway, a process of its own, with bleak's BlueZ code, a Bluetooth daemon and real devices' bytes: from the act
of pairing to readings on the wire."""

import json
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from device_gateway.simulator.radio import GlucoseMeter, PulseOximeter, WeightScale
from tests.bluez import errors
from tests.bluez.errors import BluezError
from tests.contract.bluetooth_gateway import Gateway, gateway
from tests.contract.bluetooth_home import METER, OXIMETER, SCALE, glucose, now, spot, weight

PASSKEY = 123456


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Gateway]:
    with gateway(tmp_path) as made:
        yield made


def scale(here: Gateway, **traits: object) -> WeightScale:
    return here.place.add(WeightScale, SCALE, name="Scale", clock=now, always_on=True, **traits)


def meter(here: Gateway, **traits: object) -> GlucoseMeter:
    return here.place.add(GlucoseMeter, METER, name="Meter", clock=now, always_on=True, **traits)


def values(reading: dict[str, object]) -> dict[str, float]:
    found = reading["values"]
    assert isinstance(found, list)
    return {value["metric"]: value["value"] for value in found}


def test_a_scale_from_pairing_to_the_wire(here: Gateway) -> None:
    device = scale(here)
    row = here.pair(SCALE)
    assert (row["address"], row["profile"], row["name"], row["battery_percent"]) == (SCALE, "weight-scale", "Scale", 90)
    here.start()
    taken = weight(81.4, now(), user=2)
    here.place.do(lambda: device.store([taken]))
    here.until(lambda: len(here.readings(SCALE)) == 1)
    (reading,) = here.readings(SCALE)
    assert values(reading) == {"body_weight": 81.4}
    assert (reading["profile"], reading["user_index"], reading["battery_percent"]) == ("weight-scale", 2, 90)
    assert reading["raw"] == [{"kind": "2A9D", "data": taken.hex()}]
    here.until(lambda: device.connection is None and not device.subscribed(device.indicated))
    here.until(lambda: [told.get("bond") for told in here.hub.status.get("devices", [])] == ["paired"])


def test_a_meter_with_a_passkey_typed_at_the_terminal(here: Gateway) -> None:
    device = meter(here, passkey=PASSKEY)
    done = here.call("pair", "--seconds", "0.5", told=f"1\n{PASSKEY}\n")
    assert done.returncode == 0, done.stderr
    assert "Put the device into pairing mode" in done.stderr
    assert f"1  {METER}  glucose-meter" in done.stderr
    assert "The six digits that the device shows" in done.stderr
    assert f"rpmhub device add --address {METER} --profile glucose-meter --gateway gw-1" in done.stdout
    here.start()
    records = [glucose(n, 90 + n, now(-timedelta(hours=9 - n)), b"\x02\x01" if n == 8 else None) for n in range(1, 9)]
    here.place.do(lambda: device.store(records))
    here.until(lambda: len(here.readings(METER)) == 8)
    newest = here.readings(METER)[0]
    assert (values(newest), newest["flags"]) == ({"blood_glucose": 98.0}, ["meal_preprandial", "from_memory"])
    assert [packet["kind"] for packet in newest["raw"]] == ["2A18", "2A34"]
    assert {"from_memory" in reading["flags"] for reading in here.readings(METER)[1:]} == {True}


def test_a_person_at_a_real_terminal_types_the_digits_when_asked(here: Gateway) -> None:
    device = meter(here, passkey=PASSKEY)
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "device_gateway", "pair", METER],
            env=here.environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as command:
            assert command.stderr is not None
            asked = b""
            while b"device shows: " not in asked:
                asked += (letter := command.stderr.read(1))
                assert letter, asked.decode()
            os.write(ours, f"{PASSKEY}\n".encode())
            told, _ = command.communicate(timeout=30)
        assert (command.returncode, device.bonds) == (0, 1)
        assert b"a glucose-meter" in told
    finally:
        os.close(ours)
        os.close(theirs)


def test_an_oximeter_spot_check_and_stream(here: Gateway) -> None:
    device = here.place.add(PulseOximeter, OXIMETER, name="Oximeter", clock=now, always_on=True)
    here.pair(OXIMETER)
    here.start()
    here.place.run(device.until(lambda: device.connection is not None and device.subscribed(device.continuous)))
    here.place.do(lambda: device.store([spot(97, 61, now())]))
    assert here.place.run(device.stream([bytes.fromhex("005f003e00")] * 5, 0.02)) == 5
    here.until(lambda: len(here.readings(OXIMETER)) == 6)
    assert sorted(values(reading)["oxygen_saturation"] for reading in here.readings(OXIMETER)) == [*[95.0] * 5, 97.0]


def test_the_wrong_passkey_pairs_nothing_and_says_what_to_do(here: Gateway) -> None:
    device = meter(here, passkey=PASSKEY)
    done = here.call("pair", METER, "--passkey", "111111")
    assert (done.returncode, device.bonds) == (1, 0)
    assert "the passkey was wrong or the device refused" in done.stderr
    assert here.pair(METER, "--passkey", str(PASSKEY))["bond"] == "paired"


def test_a_device_that_is_not_there_is_a_sentence(here: Gateway) -> None:
    done = here.call("pair", METER, "--seconds", "0.2", "--passkey", "1")
    assert done.returncode == 1
    assert "was not heard" in done.stderr
    assert "Traceback" not in done.stderr


def test_scan_lists_what_is_there_and_what_is_paired(here: Gateway) -> None:
    scale(here)
    meter(here, passkey=PASSKEY)
    here.pair(SCALE)
    done = here.call("scan", "--seconds", "0.5", "--json")
    assert {row["address"]: (row["profile"], row["bond"]) for row in json.loads(done.stdout)} == {
        SCALE: ("weight-scale", "paired"),
        METER: ("glucose-meter", None),
    }


def test_pairing_needs_no_restart_and_forgetting_ends_it(here: Gateway) -> None:
    device = scale(here)
    here.start()
    here.until(lambda: bool(here.hub.status))
    here.pair(SCALE)
    here.place.do(lambda: device.store([weight(80, now())]))
    here.until(lambda: len(here.readings(SCALE)) == 1)
    assert here.call("forget", SCALE).returncode == 0
    assert here.call("forget", SCALE).returncode == 1
    here.until(lambda: device.connection is None)
    here.place.do(lambda: device.store([weight(81, now())]))
    here.until(lambda: [told["device"] for told in here.hub.status["devices"] if "bond" in told] == [])
    assert len(device.stored) == 1


def test_a_link_lost_in_a_transfer_costs_no_record(here: Gateway) -> None:
    device = meter(here, passkey=PASSKEY, record_gap_s=0.003)
    here.pair(METER, "--passkey", str(PASSKEY))
    records = [glucose(n, 80 + n, now(-timedelta(hours=60 - n))) for n in range(1, 51)]
    device.drop_after_records = 20
    here.place.do(lambda: device.store(records))
    here.start()
    here.until(lambda: {*here.raw(METER)} == {record.measurement for record in records})
    assert len(here.readings(METER)) <= len(records) + 2, "the second session went on where the first had got to"


def test_a_device_that_lost_its_bond_is_told_and_never_paired_again_by_itself(here: Gateway) -> None:
    device = scale(here)
    here.pair(SCALE)
    here.start()
    here.until(lambda: bool(here.hub.status.get("devices")))
    here.place.run(device.forget_bonds())
    here.until(lambda: here.hub.status["devices"][0].get("bond") == "lost")
    assert device.bonds == 0
    here.place.do(lambda: device.store([weight(80, now())]))
    here.pair(SCALE)
    here.until(lambda: len(here.readings(SCALE)) == 1)
    here.until(lambda: here.hub.status["devices"][0].get("bond") == "paired")


@pytest.mark.parametrize("drops", [False, True], ids=["stays", "drops the link"])
def test_a_device_that_indicates_before_it_is_asked_loses_nothing(here: Gateway, *, drops: bool) -> None:
    device = scale(here, eager=True, persist_cccd=True, disconnect_after=drops)
    here.pair(SCALE)
    device.always_on = False
    here.start()
    taken = [weight(70 + n, now()) for n in range(3)]
    for each in taken:
        here.place.do(lambda each=each: device.store([each]))
        here.until(lambda each=each: each in device.confirmed and device.connection is None)
    here.until(lambda: here.raw(SCALE) == taken)


def test_two_people_on_one_scale_keep_their_slots(here: Gateway) -> None:
    device = scale(here)
    here.pair(SCALE)
    here.start()
    here.place.do(lambda: device.store([weight(81, now(), 1), weight(62, now(), 2), weight(75, now(), 0xFF)]))
    here.until(lambda: len(here.readings(SCALE)) == 3)
    slots = [(values(reading)["body_weight"], reading.get("user_index")) for reading in here.readings(SCALE)]
    assert slots == [(81.0, 1), (62.0, 2), (75.0, None)]


def test_a_wrong_clock_is_reckoned_with_and_set(here: Gateway) -> None:
    device = scale(here)
    device.clock = lambda: now(-timedelta(hours=3))
    here.pair(SCALE)
    here.place.do(lambda: device.store([weight(80, device.now())]))
    here.start()
    here.until(lambda: len(here.readings(SCALE)) == 1)
    (reading,) = here.readings(SCALE)
    assert reading["flags"] == ["device_clock_off"]
    assert abs(now() - _naive(str(reading["measured_at"]))) < timedelta(seconds=30)
    assert abs(now(-timedelta(hours=3)) - _naive(str(reading["device_time"]))) < timedelta(seconds=30)
    here.until(lambda: len(device.time_writes) == 1)


@pytest.mark.parametrize(
    "fault",
    [
        ("Connect", BluezError(*errors.IN_PROGRESS)),
        ("Connect", BluezError(*errors.ABORTED)),
        ("Connect", BluezError("Failed", "br-connection-canceled")),
        ("StartNotify", BluezError("Failed", "Operation failed with ATT error: 0x0e")),
        ("ReadValue", BluezError(*errors.IN_PROGRESS)),
        ("StartDiscovery", BluezError(*errors.IN_PROGRESS)),
    ],
    ids=lambda fault: f"{fault[0]} {fault[1].text[-24:]}",
)
def test_what_passes_by_itself_is_waited_out(here: Gateway, fault: tuple[str, BluezError]) -> None:
    device = scale(here)
    here.pair(SCALE)
    here.place.do(lambda: here.place.bluez.faults.extend([fault, fault]))
    here.start()
    here.place.do(lambda: device.store([weight(80, now())]))
    here.until(lambda: len(here.readings(SCALE)) == 1)


def test_a_connection_left_by_a_killed_gateway_is_closed_at_the_next_start(here: Gateway) -> None:
    device = scale(here)
    here.pair(SCALE)
    here.settings["RPMHUB_GATEWAY_BLE_IDLE_S"] = "60"
    here.start()
    here.until(lambda: device.connection is not None and device.subscribed(device.indicated))
    here.kill()
    assert device.connection is not None, "the daemon keeps it"
    # What comes before the daemon has unsubscribed for the dead is confirmed to nobody, by BlueZ as well.
    here.place.run(device.until(lambda: not device.subscribed(device.indicated)))
    here.start()
    taken = weight(80, now())
    here.place.do(lambda: device.store([taken]))
    here.until(lambda: here.raw(SCALE) == [taken])


def test_a_record_confirmed_in_the_name_of_a_killed_gateway_is_stored_by_the_next(here: Gateway) -> None:
    device = scale(here)
    here.pair(SCALE)
    here.settings["RPMHUB_GATEWAY_BLE_IDLE_S"] = "60"
    here.start()
    first, second = weight(80, now()), weight(81, now())
    here.place.do(lambda: device.store([first]))
    here.until(lambda: here.raw(SCALE) == [first])
    here.freeze()  # it cannot store what comes now; BlueZ confirms all the same
    here.place.do(lambda: device.store([second]))
    here.until(lambda: second in device.confirmed)
    here.kill()
    for _ in range(2):
        here.start()
        here.until(lambda: here.raw(SCALE) == [first, second])
        here.until(lambda: device.connection is not None and device.subscribed(device.indicated))
        here.kill()
    assert ["from_memory" in reading["flags"] for reading in here.readings(SCALE)] == [False, True]


def test_a_device_that_hides_its_address_is_known_by_its_identity(here: Gateway) -> None:
    device = scale(here, private_address=True)
    done = here.call("pair", "--seconds", "0.5", "--json", told="1\n")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["address"] == SCALE
    here.start()
    for kg in (80, 81):
        here.place.do(lambda kg=kg: device.store([weight(kg, now())]))
        here.until(lambda kg=kg: [values(r)["body_weight"] for r in here.readings(SCALE)][-1:] == [kg])


def test_a_device_that_hides_its_address_may_be_paired_while_the_gateway_runs(here: Gateway) -> None:
    device = scale(here, private_address=True)
    here.start()
    here.until(lambda: any("StartDiscovery" in call for call in here.place.bluez.log))
    assert here.call("pair", "--seconds", "0.5", "--json", told="1\n").returncode == 0
    here.place.do(lambda: device.store([weight(80, now())]))
    here.until(lambda: len(here.readings(SCALE)) == 1)


def test_bytes_that_are_no_record_are_kept_and_counted(here: Gateway) -> None:
    device = scale(here)
    here.pair(SCALE)
    here.start()
    here.place.do(lambda: device.store([b"\x0e\x98\x3f\x01", weight(80, now())]))
    here.until(lambda: len(here.readings(SCALE)) == 1)
    here.until(lambda: here.hub.status["devices"][0].get("quarantined") == 1)
    with sqlite3.connect(here.directory / "gateway" / "spool.sqlite3") as spool:
        ((route, data),) = spool.execute("SELECT route, data FROM quarantine").fetchall()
    assert (route, data) == (f"ble/{SCALE}", b"\x0e\x98\x3f\x01")


def test_a_stop_leaves_the_device_in_order(here: Gateway) -> None:
    device = scale(here)
    here.pair(SCALE)
    here.settings["RPMHUB_GATEWAY_BLE_IDLE_S"] = "60"
    here.start()
    here.until(lambda: device.connection is not None and device.subscribed(device.indicated))
    assert here.stop() == 0
    here.until(lambda: device.connection is None)


def _naive(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BluezError("NotReady", "Resource Not Ready"), "bluetoothctl power on"),
        (BluezError("org.freedesktop.DBus.Error.AccessDenied", "Rejected send message"), "group bluetooth"),
    ],
    ids=["switched off", "not allowed"],
)
def test_trouble_with_the_radio_is_told_in_words_to_act_on(here: Gateway, error: BluezError, words: str) -> None:
    here.place.do(lambda: here.place.bluez.faults.append(("SetDiscoveryFilter", error)))
    done = here.call("scan", "--seconds", "0.2")
    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


def test_without_a_daemon_or_an_address_a_sentence_says_so(here: Gateway) -> None:
    assert "is no Bluetooth address" in here.call("pair", "nonsense").stderr
    here.settings["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={here.directory}/nowhere"
    done = here.call("scan", "--seconds", "0.2")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "Is bluetoothd installed, and running?" in done.stderr


def test_nobody_at_the_terminal_is_a_refusal_in_time(here: Gateway) -> None:
    device = meter(here, passkey=PASSKEY)
    done = here.call("pair", METER, told="not digits\n")
    assert (done.returncode, device.bonds) == (1, 0)
    assert "They are six digits" in done.stderr
    assert "was not paired" in done.stderr
