"""Patients who fall ill until somebody is paged, and the nurse who answers: the story that is told under faults."""

import enum
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random  # noqa: TID251 - seeded by the test

from sqlalchemy import select

from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.alerting import alert, demo_phone, outbox
from hub.adapters.sql.tables.measurements import journal
from hub.domain.alerts import LIVE
from hub.errors import Conflict, Transient
from hub.services.contact import record_contact
from hub.services.resolve import resolve
from tests.faults.clinic import Clinic
from tests.faults.cuffs import ILL, WELL, Condition, Cuffs

CLOCK = SystemClock()
EVERY_S = (0.8, 1.4)
"""Seconds between two measurements of a patient."""
REPEATED = 0.05
"""Share of records that a cuff sends a second time."""


class Phase(enum.Enum):
    WELL = enum.auto()
    ILL = enum.auto()
    """Until a page is on a phone."""
    QUIET = enum.auto()
    """Until the hub has all that was measured: so it never sees the end of an episode before its beginning."""
    RECOVERING = enum.auto()
    """Until the hub has a reading in range; then the alert is resolved."""


class Nurse(enum.Enum):
    """What she does when a page comes."""

    RESOLVES = 0
    """... once the patient is well again."""
    TAKES = 1
    """... it at once, phones the patient, resolves it later."""
    WAITS = 2
    """... for the page to the next person."""


@dataclass
class Patient:
    device: str
    next_at: float
    """When the cuff measures again."""
    phase: Phase = Phase.WELL
    well_for: int = 2
    """Measurements until the next episode."""
    episode: int | None = None
    condition: Condition = WELL
    newest: str | None = None
    """The record measured last."""

    @property
    def nurse(self) -> Nurse:
        """How the nurse answers for this episode."""
        return Nurse((self.episode or 0) % len(Nurse))


class Ward:
    """``step`` moves everybody on by what has happened since. It sees what staff see: phones, and the journal."""

    def __init__(self, clinic: Clinic, cuffs: Cuffs, devices: Sequence[str], chance: Random) -> None:
        self._clinic, self._cuffs, self._chance = clinic, cuffs, chance
        start = CLOCK.monotonic()
        self._patients = [Patient(device, start + chance.uniform(0, EVERY_S[1])) for device in devices]
        self._episodes = 0
        self._seen_on_phones = self._seen_in_journal = 0
        self._arrived: dict[str, str] = {}
        self._devices: dict[str, str] = {}
        self._pages: dict[str, Pages] = {}

    def step(self, *, begin: bool = True) -> None:
        """Do what is due. ``begin`` False: nobody falls ill any more."""
        self._look()
        for patient in self._patients:
            self._move(patient)
            if patient.phase is not Phase.QUIET and (begin or patient.phase is not Phase.WELL):
                self._measure(patient)

    @property
    def at_rest(self) -> bool:
        """Nobody is ill, nobody waits for a nurse, and the hub has the last measurement of everybody."""
        return all(p.phase is Phase.WELL and self._has_all(p) for p in self._patients)

    def _measure(self, patient: Patient) -> None:
        now = CLOCK.monotonic()
        if now < patient.next_at:
            return
        patient.next_at = now + self._chance.uniform(*EVERY_S)
        if patient.phase is Phase.WELL and not patient.well_for:
            patient.phase, patient.episode, patient.condition = Phase.ILL, self._episodes, self._chance.choice(ILL)
            self._episodes += 1
        patient.well_for = max(0, patient.well_for - 1)
        episode = patient.episode if patient.phase is Phase.ILL else None
        patient.newest = self._cuffs.measure(patient.device, patient.condition, episode, CLOCK.now())
        if self._chance.random() < REPEATED:
            self._cuffs.repeat(self._chance)

    def _move(self, patient: Patient) -> None:
        pages = self._pages.get(patient.device)
        if patient.phase is Phase.ILL and pages is not None and self._answered(patient, pages):
            patient.phase = Phase.QUIET
        elif patient.phase is Phase.QUIET and self._has_all(patient):
            patient.phase, patient.condition, patient.newest = Phase.RECOVERING, WELL, None
        elif patient.phase is Phase.RECOVERING and pages and self._has_all(patient) and self._resolved(patient, pages):
            patient.phase, patient.well_for = Phase.WELL, self._chance.randint(1, 3)
            del self._pages[patient.device]

    def _has_all(self, patient: Patient) -> bool:
        return patient.newest is not None and self._arrived.get(patient.device) == patient.newest

    def _answered(self, patient: Patient, pages: "Pages") -> bool:
        if patient.nurse is Nurse.WAITS:
            return pages.count > 1
        if patient.nurse is Nurse.TAKES:
            return done(lambda: record_contact(self._clinic.hub, self._clinic.nurse, pages.ref, "phone", reached=True))
        return True

    def _resolved(self, patient: Patient, pages: "Pages") -> bool:
        outcome = "true" if patient.nurse is Nurse.TAKES else "no_contact"
        return done(
            lambda: resolve(self._clinic.hub, self._clinic.nurse, pages.ref, outcome, "nobody answers the phone")
        )

    def _look(self) -> None:
        with self._clinic.reading.connect() as connection:
            for row in connection.execute(_JOURNAL.where(journal.c.id > self._seen_in_journal)):
                self._seen_in_journal = row.id
                self._devices[f"patient:{row.patient_id}"] = row.device
                self._arrived[row.device] = json.loads(row.body)["reading"]["record"]
            for page in connection.execute(_PAGES.where(demo_phone.c.id > self._seen_on_phones)):
                self._seen_on_phones = page.id
                self._page(self._devices.get(page.subject, ""), page.ref)

    def _page(self, device: str, ref: str) -> None:
        """A page of another alert than the one answered last begins a new count."""
        known = self._pages.get(device)
        if known is not None and known.ref == ref:
            known.count += 1
        else:
            self._pages[device] = Pages(ref)


@dataclass
class Pages:
    """Of the alert that a patient has now."""

    ref: str
    count: int = 1


def done(act: Callable[[], object]) -> bool:
    """Whether the act was committed; the database may be held by somebody else just now."""
    try:
        act()
    except Transient:
        return False
    except Conflict:  # a try before this one was committed, and its database died before it could say so
        return True
    return True


_JOURNAL = select(journal.c.id, journal.c.device, journal.c.patient_id, journal.c.body).order_by(journal.c.id)
_PAGES = (
    select(demo_phone.c.id, alert.c.ref, alert.c.subject)
    .join(outbox, outbox.c.id == demo_phone.c.outbox_id)
    .join(alert, alert.c.id == outbox.c.alert_id)
    .where(outbox.c.kind == "page", alert.c.state.in_([state.value for state in LIVE]))
    .order_by(demo_phone.c.id)
)
