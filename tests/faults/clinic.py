"""A small clinic with real programs: two brokers, a gateway, ingest, a worker, one SQLite database."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine

from hub.adapters.sql.engine import make_engine, read_only
from hub.bootstrap import DEMO, build_hub, open_database
from hub.services import enrolment, equipment, signing, staffing
from hub.services.hub import Actor, Hub
from hub.services.ports.care import NewPatient
from hub.settings import Settings
from tests.servers import Mosquitto, mosquitto

ROOT: Final = Path(__file__).parents[2]
GATEWAY: Final = "gfaults"
SETTER: Final = Actor("the tests", "admin")
ENDS_WITHIN_S: Final = 30.0


@dataclass
class Program:
    """One of our programs as a process of its own. ``kill`` is -9; what it prints goes to a file."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    under: tuple[str, ...] = ()
    """A command that runs it, if it is to run under one."""
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("RPMHUB_")}
        command = [*self.under, sys.executable, "-P", "-m", *self.arguments]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env={**ours, "PYTHONPATH": str(ROOT), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait(self) -> int:
        """Its exit status, once it has ended by itself or on a signal."""
        assert self._process is not None
        return self._process.wait(ENDS_WITHIN_S)

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self.wait()


@dataclass
class Clinic:
    """Files, brokers and the hub's services, as a command on the hub's machine would have them."""

    directory: Path
    hub_broker: Mosquitto
    device_broker: Mosquitto
    settings: Settings
    engine: Engine
    hub: Hub
    nurse: Actor
    programs: list[Program] = field(default_factory=list)

    @property
    def reading(self) -> Engine:
        """The database for questions: it never waits for a writer."""
        return read_only(self.engine)

    def program(self, name: str, *arguments: str) -> Program:
        """A program of this site, not yet started. It is gone when the site closes."""
        environment = self._gateway_environment() if name == "gateway" else self._hub_environment()
        program = Program(name, arguments, environment, self.directory / f"{name}.log")
        self.programs.append(program)
        return program

    def _hub_environment(self) -> dict[str, str]:
        return {f"RPMHUB_{name.upper()}": str(getattr(self.settings, name)) for name in self.settings.__struct_fields__}

    def _gateway_environment(self) -> dict[str, str]:
        return {
            "RPMHUB_GATEWAY_DATA_DIR": str(self.directory / "gateway"),
            "RPMHUB_GATEWAY_MQTT_URL": self.hub_broker.url(GATEWAY),
            "RPMHUB_GATEWAY_SOURCE_MQTT_URL": self.device_broker.url("devices"),
            "RPMHUB_GATEWAY_ZONE": "UTC",
            "RPMHUB_GATEWAY_RESEND_FIRST_S": "1",
            "RPMHUB_GATEWAY_RESEND_MAX_S": "2",
            "RPMHUB_GATEWAY_RECONNECT_MAX_S": "1",
        }


@contextlib.contextmanager
def clinic(
    directory: Path, devices: list[str], reserved_mb: int = 1, worn_for: timedelta = timedelta(minutes=1), **more: Any
) -> Iterator[Clinic]:
    """A seeded clinic with one patient a device and running brokers; every program it started is gone at the end.

    The devices have a broker of their own, beside the patients: it is never killed, and with the cuffs' log it is what
    the system is measured against. ``more``: settings of the hub.
    """
    with mosquitto(directory / "hub-broker") as hub_broker, mosquitto(directory / "device-broker") as device_broker:
        settings = Settings(
            data_dir=str(directory / "hub"),
            mqtt_url=hub_broker.url("rpmhub"),
            clinic_zone="UTC",
            last_resort_phone="+15555550199",
            reserved_mb=reserved_mb,
            **more,
        )
        open_database(settings, DEMO)
        hub = build_hub(settings, role="command")
        engine = make_engine(settings.database)
        _keep_for_the_gateway(device_broker)
        nurse = _seed(hub, devices, hub.clock.now() - worn_for)
        made = Clinic(directory, hub_broker, device_broker, settings, engine, hub, nurse)
        try:
            yield made
        finally:
            for program in made.programs:
                program.kill()
            for one in (engine, _engine_of(hub)):
                one.dispose()


def _engine_of(hub: Hub) -> Engine:
    """Whoever wires a hub for as long as a process lives need not close it; a test must."""
    unit_of_work: Any = hub.unit_of_work()
    engine: Engine = unit_of_work._engine
    return engine


def _seed(hub: Hub, devices: list[str], since: datetime) -> Actor:
    phones = (("ana", "+15555550101"), ("ben", "+15555550102"))
    staff = [
        staffing.add_staff(hub, SETTER, login, login.title(), "nurse", "not a secret", phone) for login, phone in phones
    ]
    signing.sign_protocol(hub, SETTER, "hypertension", "Dr Invented")
    equipment.add_gateway(hub, SETTER, "Faults", "unused", GATEWAY)
    for number, device in enumerate(devices, start=1):
        new = NewPatient(
            mrn=f"F-{number}", name="Pat Invented", born=date(1950, 1, 1), zone="UTC", care_manager_id=staff[0]
        )
        patient = enrolment.add_patient(hub, SETTER, new, protocols=("hypertension",))
        device_id = equipment.add_device(hub, SETTER, device, "blood-pressure", GATEWAY)
        equipment.assign_device(hub, SETTER, device_id, patient, since=since)
    return Actor("Ana", "nurse", staff[0])


def _keep_for_the_gateway(broker: Mosquitto) -> None:
    """Open the gateway's session before it first connects: nothing that a cuff was told is taken may be nobody's."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"{GATEWAY}-devices", clean_session=False)
    client.on_connect = lambda client, *_: client.subscribe("devices/+/+", qos=1)
    client.on_subscribe = lambda client, *_: client.disconnect()
    client.connect("127.0.0.1", broker.port)
    client.loop_forever()
