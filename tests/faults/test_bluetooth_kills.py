"""The gateway is killed again and again while devices tell it what they measured: all that they gave away is in the
hub's journal, once. BlueZ confirms in the gateway's name, and keeps one record: where two fall between a confirmation
and a commit, the first is out of anybody's reach, and counted.

``FAULT_BLE_KILLS`` says how often, ``FAULT_SEED`` when.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded here
from typing import Any

import pytest
from bumble.device import Connection
from sqlalchemy import select

from device_gateway.simulator.radio import GlucoseMeter, HealthDevice, PulseOximeter, WeightScale
from device_gateway.simulator.radio.pushing import PushingDevice
from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.measurements import journal
from hub.services import enrolment, equipment, signing
from hub.services.ports.care import NewPatient
from tests.bluez.site import Site, site
from tests.contract.bluetooth_home import glucose, now, spot, weight
from tests.faults.clinic import GATEWAY, SETTER, Clinic, Program, clinic

KILLS = int(os.environ.get("FAULT_BLE_KILLS", "25"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
KINDS = {
    "weight-scale": (WeightScale, "C1:00:00:00:02", 3),
    "glucose-meter": (GlucoseMeter, "C2:00:00:00:02", 2),
    "pulse-oximeter": (PulseOximeter, "C3:00:00:00:02", 2),
}
MEASURES_EVERY_S = (0.2, 0.7)
IN_A_SESSION_S = 0.25
"""A kill comes within this of the beginning of a session: about as long as one takes."""
CONNECTION_INTERVAL_S = 0.03
"""Between two indications, as on ordinary links."""
STARTS_WITHIN_S = 15.0
SETTLES_WITHIN_S = 60.0
CLOCK = SystemClock()

Given = tuple[str, str]
"""Device, and the hex of a record's first packet."""


@dataclass
class Ward:
    """Devices that measure by chance, in a thread, until told to stop."""

    place: Site
    chance: Random
    devices: list[HealthDevice] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)

    @contextlib.contextmanager
    def measuring(self) -> Iterator[None]:
        """They measure inside."""
        over = threading.Event()

        def live() -> None:
            while not over.wait(self.chance.uniform(*MEASURES_EVERY_S)):
                self.place.do(lambda: self._measure(self.chance.choice(self.devices)))

        thread = threading.Thread(target=live, name="ward")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _measure(self, device: HealthDevice) -> None:
        number = self.numbers[device.address] = self.numbers[device.address] + 1
        at = now()
        match device:  # a number of its own in each value: no two records of a device are alike
            case WeightScale():
                device.store([weight(60 + number / 100, at)])
            case GlucoseMeter():
                device.store([glucose(number, 80 + number % 100, at, b"\x02\x01" if number % 3 == 0 else None)])
            case PulseOximeter():
                device.store([spot(95 + number % 4, 60 + number % 40, at + timedelta(seconds=number))])

    def connections(self) -> set[Connection]:
        """Those that stand."""
        return {device.connection for device in self.devices if device.connection is not None}

    @property
    def given(self) -> Counter[Given]:
        """What the devices count as delivered; of a meter, all that it has: it keeps its records."""
        told: Counter[Given] = Counter()
        for device in self.devices:
            mine = [r.measurement for r in device.records] if isinstance(device, GlucoseMeter) else device.confirmed
            told.update((device.address, data.hex()) for data in mine)
        return told

    def successor(self, record: Given) -> Given | None:
        """What the device gave away next."""
        for device in self.devices:
            order = [data.hex() for data in device.confirmed]
            if device.address == record[0] and record[1] in order[:-1]:
                return record[0], order[order.index(record[1]) + 1]
        return None

    def wake_meters(self) -> None:
        """Each shows itself again, as at its next use: one whose answer died with the gateway takes it for heard."""
        for device in self.devices:
            if isinstance(device, GlucoseMeter):
                device.always_on = True
                device._touch()

    @property
    def silent(self) -> bool:
        """Nobody has anything left that is told once."""
        return not any(device.stored for device in self.devices if isinstance(device, PushingDevice))


@pytest.mark.timeout(180 + 6 * KILLS)
def test_what_the_devices_gave_away_is_in_the_journal_once(tmp_path: Path) -> None:
    began, chance = CLOCK.monotonic(), Random(f"{SEED}/bluetooth")  # noqa: S311 - a run can be told again
    with site() as place, clinic(tmp_path, []) as hub:
        ward = Ward(place, chance)
        ingest, gateway = hub.program("ingest", "hub.cli", "ingest"), _gateway(hub, place)
        signing.sign_protocol(hub.hub, SETTER, "general-adult", "Dr Invented")
        for profile in KINDS:
            _move_in(ward, hub, gateway, profile)
        ingest.start()
        gateway.start()
        with ward.measuring():
            in_session = sum(_kill(ward, gateway, chance) for _ in range(KILLS))
        place.do(ward.wake_meters)
        _until(lambda: place.do(lambda: ward.silent and ward.given == _journal(hub)), SETTLES_WITHIN_S)
        given, kept, recovered = place.do(lambda: ward.given), _journal(hub), _recovered(hub)
        assert ingest.stop() == 0
    lost, doubled = given - kept, {record: count for record, count in kept.items() if count > 1}
    overwritten = {record for record in lost if ward.successor(record) in recovered}
    print(
        f"\n{KILLS} kills, {in_session} while a device was connected, {CLOCK.monotonic() - began:.0f} s: given away "
        f"{given.total()}, in the journal {kept.total()}, of these found again at BlueZ {len(recovered)}, doubled "
        f"{len(doubled)}, lost {lost.total()}, of these overwritten at BlueZ {len(overwritten)}"
    )
    assert ({*lost} - overwritten, doubled, kept - given) == (set(), {}, Counter())
    assert len(overwritten) <= KILLS / 25, "it must take two records between one confirmation and one commit"
    assert in_session >= KILLS // 2, "too few kills came in the middle of anything"
    assert given.total() >= KILLS // 2, "too little was given away to tell anything"


def _move_in(ward: Ward, hub: Clinic, gateway: Program, profile: str) -> None:
    """Devices of this kind, each paired by the product's own command and a patient's."""
    kind, prefix, count = KINDS[profile]
    for number in range(1, count + 1):
        address = f"{prefix}:{number:02X}"
        device = ward.place.add(kind, address, name=profile, clock=now, always_on=True)
        if isinstance(device, PushingDevice):
            device.interval_s = CONNECTION_INTERVAL_S
        ward.devices.append(device)
        command = [sys.executable, "-P", "-m", "device_gateway", "pair", address]
        subprocess.run(command, env={**os.environ, **gateway.environment}, check=True, capture_output=True, timeout=60)
        device.always_on = False
        new = NewPatient(mrn=f"B-{address}", name="Pat Invented", born=date(1950, 1, 1), zone="UTC")
        patient = enrolment.add_patient(hub.hub, SETTER, new, protocols=("general-adult",))
        device_id = equipment.add_device(hub.hub, SETTER, address, profile, GATEWAY)
        equipment.assign_device(hub.hub, SETTER, device_id, patient, since=CLOCK.now() - timedelta(hours=1))


def _gateway(hub: Clinic, place: Site) -> Program:
    program = hub.program("gateway", "device_gateway", "run")
    bluetooth = {
        "DBUS_SYSTEM_BUS_ADDRESS": place.address,
        "RPMHUB_GATEWAY_BLE_ADAPTER": "hci0",
        "RPMHUB_GATEWAY_BLE_IDLE_S": "0.3",
        "RPMHUB_GATEWAY_BLE_REST_S": "0.1",
    }
    program.environment = {**program.environment, **bluetooth}
    return program


def _kill(ward: Ward, gateway: Program, chance: Random) -> bool:
    """Whether a session of this process was under way: what the one before left connected does not count."""
    left = ward.place.do(ward.connections)
    _until(lambda: bool(ward.place.do(ward.connections) - left), STARTS_WITHIN_S)
    threading.Event().wait(chance.uniform(0, IN_A_SESSION_S))
    connected = bool(ward.place.do(ward.connections) - left)
    gateway.kill()
    gateway.start()
    return connected


def _journal(hub: Clinic) -> Counter[Given]:
    return Counter((reading["device"], reading["raw"][0]["data"]) for reading in _readings(hub))


def _recovered(hub: Clinic) -> set[Given]:
    """Confirmed, not stored by the gateway that was killed, and stored by the next."""
    kept = [r for r in _readings(hub) if r["profile"] != "glucose-meter" and "from_memory" in r["flags"]]
    return {(reading["device"], reading["raw"][0]["data"]) for reading in kept}


def _readings(hub: Clinic) -> list[dict[str, Any]]:
    with hub.reading.connect() as connection:
        return [json.loads(body)["reading"] for (body,) in connection.execute(select(journal.c.body))]


def _until(condition: Callable[[], bool], seconds: float) -> None:
    """Or until the time is over: what follows says what is missing."""
    until, pause = CLOCK.monotonic() + seconds, threading.Event()
    while CLOCK.monotonic() < until and not condition():
        pause.wait(0.02)
