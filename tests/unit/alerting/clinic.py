"""A small clinic on a real database: a clock that moves, phones that remember, staff who can be named."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from hub.adapters.sql.engine import make_engine, read_only
from hub.adapters.sql.reads import SqlReads
from hub.adapters.sql.tables.alerting import alert as alert_table
from hub.adapters.sql.tables.alerting import alert_event, outbox
from hub.adapters.sql.tables.people import patient as patient_table
from hub.adapters.sql.unit_of_work import units_of_work
from hub.domain.alerts import Alert
from hub.domain.findings import Finding
from hub.domain.patients import Monitoring, Patient
from hub.domain.severity import Severity
from hub.services import alerting
from hub.services.acknowledge import acknowledge
from hub.services.alerting import Raised
from hub.services.engine.delivery import Delivery
from hub.services.engine.escalation import Escalation
from hub.services.engine.lapses import Lapses
from hub.services.engine.overdue import Overdue
from hub.services.engine.texts import Texts
from hub.services.hub import Actor, Hub, Site
from hub.services.incoming.keeping import keep_text
from hub.services.ports.base import Delivery as Told
from hub.services.ports.care import NewPatient
from tests.fresh import fresh_database

NOON = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)
"""07:04 on the clinic's wall."""

ANA, BEN, LAST = "+15550101", "+15550102", "+15550199"
NAMES = {ANA: "Ana", BEN: "Ben", LAST: "last resort"}
SITE = Site("production", "Riverside", "America/New_York", "911", "https://rpm.example.org", LAST)


class Killed(BaseException):
    """The process died here: nothing may catch it."""


class MovedClock:
    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def forward(self, by: timedelta) -> None:
        self._now += by


class CountedIds:
    def __init__(self) -> None:
        self._refs = itertools.chain(
            ["K7Q2", "M3XT", "P4ZD", "R8WN"], (f"T{number:03}" for number in itertools.count())
        )

    def token(self) -> str:
        return "token"

    def ref(self) -> str:
        return next(self._refs)

    def gateway_id(self) -> str:
        return "g-test"


class NoPasswords:
    def hash(self, password: str) -> str:
        return password

    def verify(self, stored: str, password: str) -> bool:
        return stored == password

    def outdated(self, stored: str) -> bool:
        return False


class Phones:
    """A channel whose every message is seen. ``behaves`` says per number what happens instead of delivery."""

    name = "phones"
    answers_keywords = False

    def __init__(self) -> None:
        self.reaches_people = True
        self.idempotent = False
        self.received: list[tuple[str, str]] = []
        self.behaves: dict[str, Callable[[], Told]] = {}
        self._shown: set[int] = set()

    def send(self, outbox_id: int, to: str, body: str, now: datetime) -> Told:
        if to in self.behaves:
            return self.behaves[to]()
        if not (self.idempotent and outbox_id in self._shown):
            self.received.append((to, body))
        self._shown.add(outbox_id)
        return Told("accepted", f"sid-{outbox_id}")

    def drain(self) -> list[tuple[str, str]]:
        seen, self.received = self.received, []
        return [(NAMES.get(to, to), body) for to, body in seen]


class Clinic:
    """Everything a story needs. ``forward`` moves time and lets the worker tick."""

    def __init__(self, folder: Path, site: Site = SITE, url: str | None = None) -> None:
        file = folder / "hub.db"
        if url is None and not file.exists():
            file.write_bytes(fresh_database())
        self.engine = make_engine(url or f"sqlite:///{file}", checkpoints=True)
        self.clock, self.phones = MovedClock(NOON), Phones()
        self.hub = Hub(
            site=site,
            clock=self.clock,
            ids=CountedIds(),
            passwords=NoPasswords(),
            unit_of_work=units_of_work(self.engine),
            reads=self._reads,
            channel=self.phones,
            templates=dict,
        )
        self._texts = itertools.count(1)

    @contextmanager
    def _reads(self) -> Iterator[SqlReads]:
        with read_only(self.engine).connect() as connection:
            yield SqlReads(connection)

    # People ----------------------------------------------------------------------------------------------------

    def staff(self, name: str, phone: str | None, role: str = "nurse") -> Actor:
        with self.hub.unit_of_work() as uow:
            member = uow.staff.add(name.split()[0].lower(), name, role, phone, "x", self.now)
            uow.commit()
        return Actor(name, role, member)

    def patient(self, **fields: Any) -> Patient:
        with self.hub.unit_of_work() as uow:
            new = NewPatient(
                mrn=fields.pop("mrn", "A1"), name="Pat Invented", born=None, zone="America/New_York", **fields
            )
            patient = uow.patients.get(uow.patients.add(new, self.now))
            uow.commit()
        return patient

    def set_state(self, patient: Patient, state: Monitoring) -> Patient:
        with self.engine.begin() as connection:
            connection.execute(update(patient_table).where(patient_table.c.id == patient.id).values(state=state.value))
        return replace(patient, state=state)

    # What happens ----------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def finds(
        self, patient: Patient, severity: Severity = Severity.RED, rule: str = "spo2-low", **fields: Any
    ) -> int | None:
        """A rule speaks; the alert's id."""
        kind, page = fields.pop("kind", "clinical"), fields.pop("page", True)
        given: dict[str, Any] = {"problem": "oxygen-low", "at": self.now, "sentence": f"SpO2 says {rule}"}
        finding = Finding(rule=rule, severity=severity, **(given | fields))
        with self.hub.unit_of_work() as uow:
            raised = Raised(finding, kind, True, None, page)
            alert_id = alerting.raise_alert(uow, self.hub, patient, raised, f"patient:{patient.id}", self.now)
            uow.commit()
        return alert_id

    def technical(self, severity: Severity = Severity.RED, subject: str = "gateway:g-1") -> int:
        with self.hub.unit_of_work() as uow:
            alert_id = alerting.technical(uow, self.hub, subject, "offline", severity, "Gateway is offline", self.now)
            uow.commit()
        return alert_id

    def text(self, phone: str, body: str) -> list[tuple[str, str]]:
        """A text comes in and is answered; what the phones then show."""
        keep_text(self.hub, f"in-{next(self._texts)}", phone, body)
        return self.tick()

    def take(self, actor: Actor, ref: str = "K7Q2") -> Alert:
        return acknowledge(self.hub, actor, ref)

    def tick(self) -> list[tuple[str, str]]:
        """One tick of the worker; what the phones then show."""
        for module in (Texts(), Escalation(), Lapses(), Overdue(), Delivery()):
            module.run(self.hub, self.now)
        return self.phones.drain()

    def forward(self, minutes: float, every: float = 1) -> list[tuple[int, str, str]]:
        """Time moves; what the phones show: (minutes since noon, who, text)."""
        seen: list[tuple[int, str, str]] = []
        end = self.now + timedelta(minutes=minutes)
        while self.now < end:
            self.clock.forward(min(timedelta(minutes=every), end - self.now))
            at = int((self.now - NOON).total_seconds() // 60)
            seen += [(at, who, body) for who, body in self.tick()]
        return seen

    # What is so ------------------------------------------------------------------------------------------------

    def alert(self, ref: str = "K7Q2") -> Alert:
        with self.hub.unit_of_work() as uow:
            return uow.alerts.by_ref(ref)

    def transitions(self, ref: str = "K7Q2") -> list[str]:
        with self.hub.unit_of_work() as uow:
            return [event.transition for event in uow.alerts.history(uow.alerts.by_ref(ref).id)]

    def outbox(self) -> list[tuple[str, str]]:
        """(kind, state) of every message in order."""
        with self.engine.connect() as connection:
            found = select(outbox.c.kind, outbox.c.state).order_by(outbox.c.id)
            return [(row.kind, row.state) for row in connection.execute(found)]

    def all_alerts(self) -> list[str]:
        with self.engine.connect() as connection:
            found = select(alert_table.c.problem, alert_table.c.state).order_by(alert_table.c.id)
            return [f"{row.problem} {row.state}" for row in connection.execute(found)]

    def break_alert(self, ref: str) -> None:
        """Damage a row so that reading it fails."""
        with self.engine.begin() as connection:
            connection.execute(update(alert_table).where(alert_table.c.ref == ref).values(chain="not JSON"))

    def trigger(self, name: str, event: str, does: str) -> None:
        """From now on the database does this by itself at that event, for each row."""
        on_sqlite = self.engine.dialect.name == "sqlite"
        body = f"BEGIN {does} END" if on_sqlite else f"FOR EACH ROW EXECUTE FUNCTION {name}()"
        function = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        with self.engine.begin() as connection:
            if not on_sqlite:
                connection.exec_driver_sql(f"{function}$$BEGIN {does} RETURN NEW; END$$")
            connection.exec_driver_sql(f"CREATE TRIGGER {name} {event} {body}")

    def drop_trigger(self, name: str, table: str) -> None:
        with self.engine.begin() as connection:
            of = "" if connection.dialect.name == "sqlite" else f"ON {table}"
            connection.exec_driver_sql(f"DROP TRIGGER {name} {of}")

    def history_rows(self) -> int:
        with self.engine.connect() as connection:
            return len(connection.execute(select(alert_event.c.id)).all())

    def insert(self, table: Any, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(table).values(**values))


def clinics(folder: Path, site: Site = SITE, url: str | None = None) -> Iterator[Clinic]:
    """A clinic for one test, in ``folder`` or in the database of ``url``, its connections closed afterwards."""
    clinic = Clinic(folder, site, url)
    yield clinic
    clinic.engine.dispose()
