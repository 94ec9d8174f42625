"""A small clinic on a real SQLite file, filled by the hub's own ingest and engine. Everybody in it is invented."""

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from argon2 import PasswordHasher

from hub.adapters.channels.demo_phone import DemoPhone
from hub.adapters.passwords import Argon2Passwords
from hub.adapters.protocol_files import load_templates
from hub.adapters.sql.engine import make_engine, read_only
from hub.adapters.sql.reads import SqlReads
from hub.adapters.sql.unit_of_work import units_of_work
from hub.adapters.twilio_signature import TwilioSignature
from hub.domain.protocols import canonical
from hub.services import enrolment, equipment, signing, staffing
from hub.services.hub import Actor, Hub, Site
from hub.services.ingest.commit import process
from hub.services.ingest.messages import Message
from hub.services.ports.care import NewPatient
from tests.fresh import fresh_database
from tests.twilio.fake import ACCOUNT, TOKEN

NOW = datetime(2026, 11, 22, 13, 4, 5, tzinfo=UTC)
"""14:04:05 on the clinic's wall."""

ZONE = "Europe/Berlin"
PASSWORD = "invented-password-1"
STAFF = (
    ("ana", "Ana Invented", "nurse", "+15555550101"),
    ("ben", "Ben Invented", "nurse", "+15555550102"),
    ("dora", "Dora Invented", "physician", "+15555550103"),
    ("otto", "Otto Invented", "operator", "+15555550104"),
    ("root", "Rita Invented", "admin", None),
)
CONFIG = Path(__file__).resolve().parents[2] / "config"


class MovedClock:
    """A clock that stands until a test moves it."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def set(self, to: datetime) -> None:
        self._now = to

    def forward(self, by: timedelta) -> None:
        self._now += by


class CountedIds:
    """Ids that a test can foresee."""

    def __init__(self, prefix: str = "") -> None:
        self._tokens = itertools.count(1)
        self._refs = itertools.count()
        self._prefix = prefix

    def token(self) -> str:
        return f"{self._prefix}token-{next(self._tokens):06}-abcdefghijklmnopqrstuvwxyz"

    def ref(self) -> str:
        letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
        number = next(self._refs)
        return "K" + letters[number // 1024 % 32] + letters[number // 32 % 32] + letters[number % 32]

    def gateway_id(self) -> str:
        return f"g{next(self._tokens):010}"


@dataclass(frozen=True)
class Watched:
    """A patient and their devices: profile -> address."""

    id: int
    devices: Mapping[str, str]


class Ward:
    """The clinic. ``measure`` brings readings in as a gateway would; ``forward`` moves time and ticks the engine."""

    def __init__(
        self,
        folder: Path,
        *,
        demo: bool = True,
        scale: float = 1.0,
        public_url: str = "http://127.0.0.1",
        fill: bool = True,
    ) -> None:
        self.file = folder / "hub.sqlite3"
        if fill:
            self.file.write_bytes(fresh_database())
        self.engine = make_engine(f"sqlite:///{self.file}", checkpoints=True)
        self.clock = MovedClock(NOW)
        self._seq = itertools.count(int(folder.stat().st_ino) * 100000 + 1)
        site = Site(
            mode="demo" if demo else "production",
            clinic_name="Riverside",
            zone=ZONE,
            emergency_number="112",
            public_url=public_url,
            last_resort_phone="+15555550199",
            escalation_scale=scale,
        )
        self.hub = self._hub(site)
        if fill:
            self._people()

    def _hub(self, site: Site) -> Hub:
        @contextmanager
        def reads() -> Iterator[SqlReads]:
            with read_only(self.engine).connect() as connection:
                yield SqlReads(connection)

        return Hub(
            site=site,
            clock=self.clock,
            ids=CountedIds(str(next(_WARDS))),
            passwords=Argon2Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
            unit_of_work=units_of_work(self.engine),
            reads=reads,
            channel=DemoPhone(self.engine),
            templates=_templates,
            twilio=TwilioSignature(ACCOUNT, TOKEN, site.public_url),
        )

    def _people(self) -> None:
        admin = Actor("test", "admin")
        for login, name, role, phone in STAFF:
            staffing.add_staff(self.hub, admin, login, name, role, PASSWORD, phone)
        for protocol_id in self.hub.templates():
            signing.sign_protocol(self.hub, admin, protocol_id, "Dr Imaginary")
        for gateway_id, name in (("g-home-1", "Home 1"), ("g-home-2", "Home 2")):
            equipment.add_gateway(self.hub, admin, name, "x", gateway_id)

    def actor(self, login: str) -> Actor:
        """A member of staff, acting."""
        with self.hub.reads() as reads:
            member = reads.member_by_login(login)
        assert member is not None
        return Actor(member.name, member.role, member.id)

    def patient(
        self, name: str, mrn: str, protocols: tuple[str, ...], devices: tuple[str, ...], **fields: object
    ) -> Watched:
        """Enrol somebody and give them devices that are accepted on Home 1."""
        admin = Actor("test", "admin")
        fields = {"born": date(1948, 3, 12), "zone": ZONE, "phone": "+15555550111"} | fields
        new = replace(NewPatient(mrn, name, None, ZONE), **fields)  # type: ignore[arg-type]
        patient_id = enrolment.add_patient(self.hub, admin, new, protocols=protocols)
        addresses = {}
        for profile in devices:
            address = f"AA:BB:CC:00:{patient_id:02X}:{len(addresses):02X}"
            device_id = equipment.add_device(self.hub, admin, address, profile, "g-home-1")
            equipment.assign_device(self.hub, admin, device_id, patient_id)
            addresses[profile] = address
        return Watched(patient_id, addresses)

    def measure(
        self,
        device: str,
        profile: str,
        values: Mapping[str, tuple[float, str]],
        *,
        shown: tuple[float, str] | Mapping[str, tuple[float, str]] | None = None,
        flags: tuple[str, ...] = (),
        gateway: str = "g-home-1",
    ) -> None:
        """A reading arrives now."""
        now = self.clock.now()
        reading = {
            "seq": next(self._seq),
            "device": device,
            "profile": profile,
            "measured_at": _iso(now),
            "received_at": _iso(now),
            "values": [
                {"metric": metric, "value": value, "unit": unit}
                | _shown(shown.get(metric) if isinstance(shown, Mapping) else shown)
                for metric, (value, unit) in values.items()
            ],
            "flags": list(flags),
        }
        batch = {"v": 1, "batch": f"b{reading['seq']}", "spool": "s1", "boot": "1", "sent_at": _iso(now)}
        self.arrives(json.dumps({**batch, "sent_mono_ms": 1, "readings": [reading]}).encode(), gateway)

    def arrives(self, payload: bytes, gateway: str = "g-home-1", lane: str = "live") -> None:
        """Any bytes arrive from a gateway."""
        topic = f"rpm/v1/{gateway}/up/{lane}"
        process(self.hub, [Message.received(topic, payload, self.clock.now(), redelivered=False)])

    def pressure(self, patient: Watched, systolic: float, diastolic: float, **further: object) -> None:
        values = {"systolic_blood_pressure": (systolic, "mm[Hg]"), "diastolic_blood_pressure": (diastolic, "mm[Hg]")}
        self.measure(patient.devices["blood-pressure"], "blood-pressure", values, **further)  # type: ignore[arg-type]

    def pressure_kpa(self, patient: Watched, systolic: float, diastolic: float) -> None:
        """As a cuff that shows kPa sends it."""
        shown = {"systolic_blood_pressure": (systolic, "kPa"), "diastolic_blood_pressure": (diastolic, "kPa")}
        values = {metric: (round(value * 7.50061683, 1), "mm[Hg]") for metric, (value, _) in shown.items()}
        self.measure(patient.devices["blood-pressure"], "blood-pressure", values, shown=shown)

    def oxygen(self, patient: Watched, percent: float, pulse: float = 72) -> None:
        values = {"oxygen_saturation": (percent, "%"), "pulse_rate": (pulse, "/min")}
        self.measure(patient.devices["pulse-oximeter"], "pulse-oximeter", values)

    def glucose(self, patient: Watched, mmol: str) -> None:
        mgdl = float((Decimal(mmol) * Decimal("18.016")).quantize(Decimal("0.01")))
        shown = (float(mmol), "mmol/L")
        device = patient.devices["glucose-meter"]
        self.measure(device, "glucose-meter", {"blood_glucose": (mgdl, "mg/dL")}, shown=shown)

    def weight(self, patient: Watched, kg: float) -> None:
        self.measure(patient.devices["weight-scale"], "weight-scale", {"body_weight": (kg, "kg")})

    def tick(self) -> None:
        """The worker's engine runs once, then its sender."""
        from hub.bootstrap import engine_modules, sender_modules

        for module in [*engine_modules(), *sender_modules()]:
            module.run(self.hub, self.clock.now())

    def forward(self, by: timedelta) -> None:
        """Time moves, then the engine ticks."""
        self.clock.forward(by)
        self.tick()


_WARDS = itertools.count(1)


def _shown(value: tuple[float, str] | None) -> dict[str, object]:
    return {"shown": {"value": value[0], "unit": value[1]}} if value else {}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _templates() -> Mapping[str, tuple[bytes, object]]:  # type: ignore[misc]
    return {
        name: (canonical(one.document), one.protocol) for name, one in load_templates([CONFIG / "protocols"]).items()
    }
