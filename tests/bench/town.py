"""A hub with any number of homes and its own programs: one home is enrolled as a person would, the others are copies.

Each home has a gateway, a patient on heart-failure and four devices.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hub.adapters.sql.engine import sqlite_driver
from hub.adapters.sql.tables import metadata
from hub.bootstrap import DEMO, build_hub, open_database
from hub.services import enrolment, equipment, signing
from hub.services.hub import Actor
from hub.services.ports.care import NewPatient
from hub.settings import Settings

ROOT = Path(__file__).parents[2]
ADMIN = Actor("Rita Invented", "admin")
PROFILES = ("weight-scale", "pulse-oximeter", "blood-pressure", "glucose-meter")
KINDS = len(PROFILES)
PAST = timedelta(days=399)
"""For so long the devices have been theirs."""

ENDS_WITHIN_S = 60.0
DEVICE = "printf('C0:%02X:%02X:%02X:00:%02d', {home} >> 16, ({home} >> 8) & 255, {home} & 255, {kind})"
NUMBERS = "WITH RECURSIVE n(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM n WHERE n < {last}) "


def gateway_of(home: int) -> str:
    return f"home-{home}"


def device_of(home: int, kind: int) -> str:
    """Its address; ``kind`` is the place of its profile."""
    return f"C0:{home >> 16:02X}:{home >> 8 & 255:02X}:{home & 255:02X}:00:{kind:02d}"


@dataclass(frozen=True, slots=True)
class Town:
    """Homes 1 to ``homes``; the patient of home 7 has the id 7."""

    folder: Path
    homes: int

    @property
    def file(self) -> Path:
        return self.folder / "hub.sqlite3"

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a question to the database, as somebody who only reads."""
        with closing(sqlite_driver().connect(f"file:{self.file}?mode=ro", uri=True, timeout=60)) as connection:
            return list(connection.execute(question, values))

    def last_reading(self) -> int:
        """The highest id in the journal."""
        return int(self.ask("SELECT coalesce(max(id), 0) FROM journal")[0][0])

    def environment(self) -> dict[str, str]:
        """Of a program that is to run on it."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("RPMHUB_")}
        return ours | {"PYTHONPATH": str(ROOT), "RPMHUB_DATA_DIR": str(self.folder), "RPMHUB_CLINIC_ZONE": "UTC"}

    @contextmanager
    def runs(self, role: str, *, port: int = 0) -> Iterator["subprocess.Popen[bytes]"]:
        """A role of the hub in a process of its own, stopped cleanly at the end."""
        ours = self.environment() | ({"RPMHUB_MQTT_URL": f"mqtt://hub:any@127.0.0.1:{port}"} if port else {})
        with (self.folder / f"{role}.log").open("ab") as said:
            command = [sys.executable, "-P", "-m", "hub.cli", role]
            process = subprocess.Popen(command, env=ours, stdout=said, stderr=said)
        try:
            yield process
        except Exception as error:
            error.add_note(f"{role} {'runs' if process.poll() is None else 'ended'}: {self._said(role)}")
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(ENDS_WITHIN_S)
        assert status == 0, self._said(role)

    def _said(self, role: str) -> str:
        return (self.folder / f"{role}.log").read_text()[-2000:]


def build(folder: Path, homes: int) -> Town:
    """A town on a new database, at this version's schema."""
    settings = Settings(data_dir=str(folder), clinic_zone="UTC")
    open_database(settings, DEMO)
    hub = build_hub(settings)
    with hub.unit_of_work() as uow:
        uow.staff.add("ana", "Ana Invented", "nurse", "+15550101", "x", hub.clock.now())
        uow.commit()
    signing.sign_protocol(hub, ADMIN, "heart-failure", "Dr Imaginary")
    born, kilograms = date(1950, 1, 1), Decimal("78.0")
    new = NewPatient("B1", "Invented 1", born, zone="UTC", dry_weight_kg=kilograms, dry_weight_by="Dr Imaginary")
    patient = enrolment.add_patient(hub, ADMIN, new, protocols=("heart-failure",))
    equipment.add_gateway(hub, ADMIN, "Home 1", "x", gateway_of(1))
    for kind, profile in enumerate(PROFILES):
        device = equipment.add_device(hub, ADMIN, device_of(1, kind), profile, gateway_of(1))
        equipment.assign_device(hub, ADMIN, device, patient, since=hub.clock.now() - PAST)
    with hub.unit_of_work() as uow:
        last: Any = uow
    last._engine.dispose()
    town = Town(folder, homes)
    _copy_the_home(town)
    return town


_DEVICE_ID = f"(n - 1) * {KINDS} + "
_COPIED: dict[str, dict[str, str]] = {
    "gateway": {"id": "'home-' || n", "name": "'Home ' || n"},
    "patient": {"id": "n", "mrn": "'B' || n", "name": "'Invented ' || n"},
    "device": {"id": f"{_DEVICE_ID} id", "address": DEVICE.format(home="n", kind="(id - 1)")},
    "device_accepted_on": {"device_id": f"{_DEVICE_ID} device_id", "gateway_id": "'home-' || n"},
    "assignment": {"id": f"{_DEVICE_ID} id", "device_id": f"{_DEVICE_ID} device_id", "patient_id": "n"},
    "patient_protocol": {"id": "n", "patient_id": "n"},
    "expectation": {"patient_id": "n"},
}


def _copy_the_home(town: Town) -> None:
    with closing(sqlite_driver().connect(town.file)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for name, changed in _COPIED.items():
            columns = [column.name for column in metadata.tables[name].columns]
            values = ", ".join(changed.get(column, column) for column in columns)
            numbers = NUMBERS.format(first=2, last=town.homes)
            home = f"(SELECT * FROM {name}) CROSS JOIN n"
            if town.homes > 1:
                connection.execute(f"INSERT INTO {name} ({', '.join(columns)}) {numbers} SELECT {values} FROM {home}")
        connection.commit()
