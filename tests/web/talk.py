"""Texts with a patient, laid into the tables as ingest and worker leave them."""

from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import update

from hub.adapters.checkin_files import load_checkins
from hub.adapters.sql.tables.alerting import inbound, outbox
from hub.adapters.sql.tables.checkins import conversation
from hub.domain.protocols import canonical
from hub.services.ports.alerting import InboundText, NewMessage
from tests.web.ward import CONFIG, Ward

_NUMBERS = count(1)


def sign_checkins(ward: Ward) -> dict[str, int]:
    """Both check-ins of the release, in force; their versions by id."""
    versions = {}
    with ward.hub.unit_of_work() as uow:
        for name, one in load_checkins([CONFIG / "checkins"]).items():
            body, title = canonical(one.document).decode(), one.checkin.title
            versions[name] = uow.checkins.sign(name, 1, title, body, f"sha-{name}", "Dr Imaginary", ward.clock.now())
        uow.commit()
    return versions


class Talk:
    """What is written to and by one patient, at the ward's own time."""

    def __init__(self, ward: Ward, patient_id: int) -> None:
        self._ward, self._patient_id = ward, patient_id
        with ward.hub.unit_of_work() as uow:
            self.phone = uow.patients.get(patient_id).phone or ""

    def opens(self, version_id: int, cause: str = "missing", key: str = "") -> int:
        """A conversation begins."""
        now = self._ward.clock.now()
        with self._ward.hub.unit_of_work() as uow:
            talk = uow.conversations.open(
                self._patient_id, version_id, cause, key or f"test:{next(_NUMBERS)}", now, now + timedelta(hours=2)
            )
            uow.commit()
        assert talk is not None
        return talk

    def ends(self, talk: int, state: str) -> None:
        """It is over now."""
        over = {"state": state, "ended_at": self._ward.clock.now(), "check_at": None}
        with self._ward.engine.begin() as connection:
            connection.execute(update(conversation).where(conversation.c.id == talk).values(over))

    def sends(
        self,
        body: str,
        kind: str = "checkin",
        *,
        talk: int | None = None,
        state: str = "delivered",
        error: str | None = None,
        urgent: bool = False,
        send_after: datetime | None = None,
    ) -> int:
        """A text to the patient, as far as ``state`` says."""
        now = self._ward.clock.now()
        message = NewMessage(
            f"test:{next(_NUMBERS)}", kind, self.phone, body, send_after or now, patient_id=self._patient_id,
            urgent=urgent, consent=None if kind == "answer" else "sms", conversation_id=talk,
        )  # fmt: skip
        with self._ward.hub.unit_of_work() as uow:
            number = uow.outbox.add(message, now)
            uow.commit()
        assert number is not None
        left = now if state in ("sent", "delivered", "undelivered", "accepted") else None
        with self._ward.engine.begin() as connection:
            values = {"state": state, "rank": 5, "sent_at": left, "error": error}
            connection.execute(update(outbox).where(outbox.c.id == number).values(values))
        return number

    def hears(
        self,
        body: str,
        understood: str | None = None,
        *,
        media: int = 0,
        whose: bool = True,
        handled: bool = True,
        answer: tuple[int, str, str] | None = None,
    ) -> int:
        """A text from the patient's number. ``answer``: conversation, step and the value's JSON."""
        now = self._ward.clock.now()
        with self._ward.hub.unit_of_work() as uow:
            text = InboundText(f"test-{next(_NUMBERS)}", self.phone, body, now, media=media)
            number = uow.outbox.inbound.add(text)
            assert number is not None
            if handled:
                uow.outbox.inbound.handled(number, None, self._patient_id if whose else None, now)
            if understood is not None:
                uow.outbox.inbound.understood(number, understood, now)
            if answer is not None:
                uow.conversations.keep_answer(answer[0], number, answer[1], answer[2], now, None)
            uow.commit()
        return number

    def reads(self, number: int) -> None:
        """Somebody has read it."""
        with self._ward.engine.begin() as connection:
            this = inbound.c.id == number
            connection.execute(update(inbound).where(this).values(read_at=self._ward.clock.now()))
