"""Homes with devices before the hub's own ingest and engine, on the small clinic of ``tests.unit.alerting.clinic``."""

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from hub.adapters.sql.tables import metadata
from hub.domain.protocols import canonical
from hub.services import enrolment, equipment
from hub.services.engine.deadlines import Deadlines
from hub.services.engine.gateways import GatewayWatch
from hub.services.engine.inbox import Inbox
from hub.services.engine.missing import Missing
from hub.services.engine.pauses import Pauses
from hub.services.engine.sealing import Sealing
from hub.services.engine.texts import Texts
from hub.services.hub import Actor
from hub.services.ingest.commit import Answers, process
from hub.services.ingest.messages import Message
from hub.services.ingest.wire import BatchAck, ErrorAck
from hub.services.ports.care import NewPatient
from hub.services.ports.measuring import KeyTaken
from tests.unit.alerting.clinic import ANA, Clinic, clinics
from tests.unit.domain.builders import TEMPLATES

ADMIN = Actor("Rita Invented", "admin")
SCALE, OXIMETER, CUFF, METER = "AA:BB:CC:00:00:01", "AA:BB:CC:00:00:02", "AA:BB:CC:00:00:03", "AA:BB:CC:00:00:04"
PROFILES = {SCALE: "weight-scale", OXIMETER: "pulse-oximeter", CUFF: "blood-pressure", METER: "glucose-meter"}
GATEWAY = "g-1"
Counted = dict[tuple[str, str], int]


def iso(at: datetime) -> str:
    return at.isoformat()


def value(metric: str, number: float, unit: str, **more: Any) -> dict[str, Any]:
    return {"metric": metric, "value": number, "unit": unit} | more


def kg(number: float) -> list[dict[str, Any]]:
    return [value("body_weight", number, "kg")]


def spo2(number: float) -> list[dict[str, Any]]:
    return [value("oxygen_saturation", number, "%")]


def pulse(number: float) -> list[dict[str, Any]]:
    return [value("pulse_rate", number, "/min")]


def pressure(systolic: float, diastolic: float) -> list[dict[str, Any]]:
    return [
        value("systolic_blood_pressure", systolic, "mm[Hg]"),
        value("diastolic_blood_pressure", diastolic, "mm[Hg]"),
    ]


def reading(
    seq: int, at: datetime, values: Sequence[dict[str, Any]], device: str = SCALE, **more: Any
) -> dict[str, Any]:
    """A reading as its gateway sends it; ``more`` adds or replaces fields."""
    plain = {
        "seq": seq,
        "device": device,
        "profile": PROFILES.get(device, "manual"),
        "measured_at": iso(at),
        "received_at": iso(at),
        "values": list(values),
        "flags": [],
    }
    return plain | more


def batch(now: datetime, *readings: Any, **more: Any) -> bytes:
    head = {"v": 1, "batch": "b-1", "spool": "s-1", "sent_at": iso(now), "readings": list(readings)}
    return json.dumps(head | more).encode()


class Home:
    """One gateway, one patient with four devices on heart-failure, and a nurse with a phone."""

    def __init__(self, clinic: Clinic, protocols: tuple[str, ...] = ("heart-failure",)) -> None:
        self.clinic, self.hub = clinic, clinic.hub
        self._seqs = itertools.count(1)
        self.ana = clinic.staff("Ana Example", ANA)
        for name in protocols:
            self.sign(name)
        equipment.add_gateway(self.hub, ADMIN, "Home 1", "x", GATEWAY)
        self.devices = {
            address: equipment.add_device(self.hub, ADMIN, address, profile, GATEWAY)
            for address, profile in PROFILES.items()
        }
        self.patient_id = self.enrol("A1", "Pat Invented", protocols)
        for device_id in self.devices.values():
            equipment.assign_device(self.hub, ADMIN, device_id, self.patient_id, since=self.now - timedelta(days=60))

    def sign(self, name: str, signed_by: str | None = "Dr Imaginary") -> int:
        template = TEMPLATES[name]
        body = canonical(template.document)
        with self.hub.unit_of_work() as uow:
            known = uow.protocols.sign(name, 1, name, body.decode(), name.ljust(64, "0"), signed_by, self.now)
            uow.commit()
        return known

    def enrol(self, mrn: str, name: str, protocols: tuple[str, ...] = (), **more: Any) -> int:
        fields = {"born": date(1950, 1, 1), "dry_weight_kg": Decimal("78.0"), "dry_weight_by": "Dr Imaginary"} | more
        new = NewPatient(mrn=mrn, name=name, zone="America/New_York", **fields)
        return enrolment.add_patient(self.hub, ADMIN, new, protocols=protocols)

    @property
    def now(self) -> datetime:
        return self.clinic.now

    # What arrives ----------------------------------------------------------------------------------------------

    def message(self, payload: bytes, lane: str = "live", gateway: str = GATEWAY, **more: Any) -> Message:
        topic = f"rpm/v1/{gateway}/up/{lane}"
        return Message.received(topic, payload, self.now, **({"redelivered": False} | more))

    def arrives(self, *payloads: bytes, lane: str = "live", gateway: str = GATEWAY) -> list[BatchAck | ErrorAck]:
        """Messages arrive in one group; what their gateway is answered."""
        answers = self.process(*(self.message(payload, lane, gateway) for payload in payloads))
        return answers.get(gateway, [])

    def process(self, *messages: Message) -> Answers:
        """As ingest does: first as if none of it came before."""
        try:
            return process(self.hub, messages, all_new=True)
        except KeyTaken:
            return process(self.hub, messages)

    def measures(
        self,
        values: Sequence[dict[str, Any]],
        device: str = SCALE,
        *,
        old: timedelta = timedelta(0),
        gateway: str = GATEWAY,
        **more: Any,
    ) -> str:
        """A reading that was measured ``old`` ago arrives alone; what is answered: ``stored``, ``held unassigned``."""
        one = reading(next(self._seqs), self.now - old, values, device, **more)
        (ack,) = self.arrives(batch(self.now, one), gateway=gateway)
        assert isinstance(ack, BatchAck)
        return " ".join(filter(None, (ack.results[0].status, ack.results[0].code)))

    def status(self, *, online: bool = True, **more: Any) -> None:
        self.arrives(json.dumps({"v": 1, "online": online} | more).encode(), lane="status")

    # Time ------------------------------------------------------------------------------------------------------

    def tick(self) -> list[tuple[str, str]]:
        """The worker's engine runs once; what the phones then show."""
        for module in (Texts(), Missing(), Deadlines(), Pauses(), GatewayWatch(), Inbox(), Sealing()):
            module.run(self.hub, self.now)
        return self.clinic.tick()

    def forward(self, by: timedelta, every: timedelta = timedelta(minutes=10)) -> list[tuple[str, str]]:
        end, seen = self.now + by, []
        while self.now < end:
            self.clinic.clock.forward(min(every, end - self.now))
            seen += self.tick()
        return seen

    # What is so ------------------------------------------------------------------------------------------------

    def counters(self) -> Counted:
        with self.hub.unit_of_work() as uow:
            return dict(uow.operations.counters())

    def rows(self, table: str, *columns: str) -> list[Any]:
        """Rows in the order of their key; with one column its values alone."""
        found = metadata.tables[table]
        chosen = [found.c[name] for name in columns] or list(found.c)
        with self.clinic.engine.connect() as connection:
            rows = connection.execute(select(*chosen).order_by(*found.primary_key)).all()
        return [row[0] for row in rows] if len(columns) == 1 else [tuple(row) for row in rows]

    def count(self, table: str) -> int:
        with self.clinic.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one())

    def everything(self) -> dict[str, list[Any]]:
        """Every row that a replay must not change; who was heard when is not of them."""
        moving = {"gateway", "device", "counter", "histogram", "patient", "heartbeat", "expectation"}
        return {name: self.rows(name) for name in metadata.tables if name not in moving}

    def alerts(self) -> list[str]:
        return self.clinic.all_alerts()

    def sentences(self) -> list[str]:
        return self.rows("alert", "sentence")

    def tasks(self) -> list[tuple[str, str]]:
        return self.rows("task", "kind", "title")

    def found(self) -> list[tuple[str, str, str]]:
        """(rule, severity, when) of findings in force."""
        columns = ("rule", "severity", "at", "superseded_at", "confirmed")
        found = [row for row in self.rows("finding", *columns) if row[3] is None]
        return sorted((rule, int(severity), iso(at), confirmed) for rule, severity, at, _, confirmed in found)


def homes(folder: Path, protocols: tuple[str, ...] = ("heart-failure",), url: str | None = None) -> Iterator[Home]:
    for clinic in clinics(folder, url=url):
        yield Home(clinic, protocols)
