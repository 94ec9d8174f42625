"""A home whose patient has a phone, agreed to texts, and is asked what a clinician signed."""

import itertools
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from hub.adapters.checkin_files import load_checkins
from hub.bootstrap import engine_modules
from hub.domain.answers import Measured, parse_answer
from hub.domain.checkins import parse_checkin
from hub.domain.protocols import canonical
from hub.services.checkins.reported import keep_reading
from hub.services.checkins.schedule import plan_everybody
from hub.services.incoming.keeping import keep_text
from hub.services.ports.alerting import InboundText
from tests.unit.alerting.clinic import NAMES
from tests.unit.ingest.home import Home, homes

PAT = "+15555550111"
SHIPPED = load_checkins([Path(__file__).parents[2] / "config" / "checkins"])
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PRESSURE, DAILY = "missed-pressure", "daily-breathing"

ASKED = (
    "Riverside: nothing has come from your home device today. Please measure and reply like 120/80, "
    "or 9 if you cannot. STOP to end."
)
ASKED_AGAIN = "Riverside: please reply with the first two numbers your device shows, like 120/80, or 9 if you cannot."
SAVED = "Riverside: saved, thank you. Wrong? Reply 0."
LOOKED_AT = (
    "Riverside: saved, our staff are told. If you feel very unwell call 911 now, do not wait for us. Wrong? Reply 0."
)
COURTESY = (
    "Riverside: a nurse will read this. Texts are not watched day and night. Emergency? Call 911 now. STOP to end."
)
TAKEN_BACK = "Riverside: your last answer is taken back."
BREATHING = (
    "Riverside: how is your breathing today? Reply 1 as usual, 2 a bit worse, 3 much worse. Very unwell? Call 911. "
    "STOP to end."
)
BREATHING_AGAIN = (
    "Riverside: please reply with one number. Breathing today: 1 as usual, 2 a bit worse, 3 much worse. "
    "Very unwell? Call 911."
)


class Talks:
    """Time moves in steps, and every text the patient gets is kept until the story reads it."""

    def __init__(self, home: Home) -> None:
        self.home, self.hub = home, home.hub
        self.patient_id = home.patient_id
        self.unread: list[str] = []
        self.pages: list[str] = []
        self._texts = itertools.count(1)
        with self.hub.unit_of_work() as uow:
            uow.patients.set_phone(self.patient_id, PAT)
            uow.commit()
        self.consents()

    def consents(self, patient_id: int | None = None) -> None:
        with self.hub.unit_of_work() as uow:
            who = patient_id or self.patient_id
            uow.consents.give(who, "sms", "I agree to texts.", "paper", "Ana Example", self.home.now, PAT)
            uow.commit()

    def sign(
        self, name: str, change: Callable[[Any], object] = lambda _: None, *, by: str | None = "Dr Imaginary"
    ) -> int:
        """Sign the shipped check-in, changed."""
        document = deepcopy(SHIPPED[name].document)
        change(document)
        checkin, body = parse_checkin(document), canonical(document)
        with self.hub.unit_of_work() as uow:
            version = uow.checkins.sign(
                checkin.id, checkin.version, checkin.title, body.decode(), sha256(body).hexdigest(), by, self.home.now
            )
            plan_everybody(uow, checkin.id, self.home.now)
            uow.commit()
        return version

    # Time ------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        for module in engine_modules():
            module.run(self.hub, self.home.now)
        for who, body in self.home.clinic.tick():
            (self.unread if who == PAT else self.pages).append(body if who == PAT else f"{NAMES.get(who, who)}: {body}")

    def until(self, hour: int, minute: int = 0, day: int = 3, every: timedelta = HOUR) -> None:
        """On to this time UTC of a day in March 2026; 08:00 in New York is 13:00 until the 8th."""
        self.forward(datetime(2026, 3, day, hour, minute, tzinfo=UTC) - self.home.now, every)

    def forward(self, by: timedelta, every: timedelta = 10 * MINUTE) -> None:
        end = self.home.now + by
        while self.home.now < end:
            self.home.clinic.clock.forward(min(every, end - self.home.now))
            self.tick()

    # The patient ---------------------------------------------------------------------------------------------------

    def reads(self, *bodies: str) -> None:
        """These texts have come and no others."""
        shown, self.unread = self.unread, []
        assert shown == list(bodies)

    def writes(self, body: str) -> None:
        keep_text(self.hub, f"SM{next(self._texts)}", PAT, body)
        self.tick()

    def types(self, body: str) -> None:
        """A typed pressure becomes a reading, whoever asked."""
        found = parse_answer(SHIPPED[PRESSURE].checkin.steps[0], body)
        assert isinstance(found, Measured)
        with self.hub.unit_of_work() as uow:
            text = InboundText(f"typed-{next(self._texts)}", PAT, body, self.home.now)
            inbound_id = uow.outbox.inbound.add(text)
            assert inbound_id is not None
            uow.outbox.inbound.handled(inbound_id, None, self.patient_id, self.home.now)
            keep_reading(uow, self.hub, uow.patients.get(self.patient_id), inbound_id, found.values, self.home.now)
            uow.commit()

    # What is so ------------------------------------------------------------------------------------------------

    def states(self) -> list[str]:
        """Of every conversation, in order."""
        return self.home.rows("conversation", "state")

    def questions(self) -> list[str]:
        """States of every text with a question."""
        return [state for kind, state in self.home.rows("outbox", "kind", "state") if kind == "checkin"]

    def read_rows(self) -> list[tuple[str, str | None]]:
        """Every text that came, and what it was understood as."""
        return self.home.rows("inbound", "body", "understood")

    def values(self) -> dict[str, tuple[float, str]]:
        """The newest value of every metric with its flags."""
        with self.hub.unit_of_work() as uow:
            newest = uow.series.latest([self.patient_id]).get(self.patient_id, {})
        return {metric: (float(one.value), " ".join(sorted(one.flags))) for metric, one in newest.items()}

    def slot(self, name: str = "pressure-morning") -> tuple[str, datetime]:
        """The state and the time of the occurrence that is waited for."""
        rows = self.home.rows("expectation", "slot_id", "state", "due_at")
        return next((state, due) for slot, state, due in rows if slot.endswith(name))


def talks(folder: Path, protocols: tuple[str, ...] = ("heart-failure",), url: str | None = None) -> Iterator[Talks]:
    for home in homes(folder, protocols, url):
        yield Talks(home)
