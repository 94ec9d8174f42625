"""A whole hub behind Twilio, on a clock that moves: pages on a port that Twilio calls, and phones that must be read.

Every text that a phone receives has to be read by the story, word for word: one that nobody read fails the test.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.serving import make_server

from dashboards.app import create_app
from hub.adapters.channels.twilio_sms import TwilioSms
from hub.adapters.sql.engine import read_only
from hub.adapters.sql.reads import SqlReads
from hub.adapters.twilio_http import twilio_client
from hub.adapters.twilio_list import TwilioList
from hub.adapters.twilio_signature import TwilioSignature
from hub.bootstrap import checkin_templates, engine_modules, sender_modules
from hub.errors import Transient
from hub.services import consents, signing
from hub.services.ports.reads import Reads
from hub.settings import Settings
from tests.servers import free_port
from tests.twilio.fake import ACCOUNT, SENDER, TOKEN, FakeTwilio, Taken, fake_twilio
from tests.unit.alerting.clinic import ANA, BEN, LAST, SITE, Clinic
from tests.unit.ingest.home import ADMIN, Home

PAT = "+15555550111"
SHORT_S = 0.5
WORDING = "I agree to texts about my readings. Texts are not private. I can stop them at any time."
NEW_YORK = ZoneInfo("America/New_York")


class Phone:
    """What its owner sees and does."""

    def __init__(self, story: "Story", number: str) -> None:
        self._story, self.number = story, number
        self.unread: list[str] = []

    def reads(self, *words: str) -> None:
        """The texts that have come, in their order and word for word; nothing else has come."""
        shown, self.unread = self.unread, []
        wanted = [text.replace("SITE", self._story.address) for text in words]
        assert shown == wanted, f"shown {shown}, wanted {wanted}"

    def texts(self, body: str, **more: Any) -> None:
        """Writes a text; then the hub has a moment for it."""
        assert self._story.twilio.inbound(self._story.inbound_url, self.number, body, **more) == 200
        self._story.moment()


class Story:
    """A clinic with a nurse, a physician and a last resort, a home with devices, and a patient who has a phone."""

    def __init__(self, folder: Path, twilio: FakeTwilio, address: str, protocols: tuple[str, ...]) -> None:
        self.twilio, self.address = twilio, address
        self.inbound_url = f"{address}/webhooks/twilio/inbound"
        self.clinic = clinic = Clinic(folder, replace(SITE, public_url=address, clinic_phone="5550100"))
        status_url = f"{address}/webhooks/twilio/status"
        channel = TwilioSms(ACCOUNT, TOKEN, SENDER, base_url=twilio.url, status_url=status_url, timeout=SHORT_S)
        texts = TwilioList(twilio_client(ACCOUNT, TOKEN, base_url=twilio.url, timeout=SHORT_S), SENDER)
        twilio.now = clinic.clock.now
        self.start()
        verifier = TwilioSignature(ACCOUNT, TOKEN, address)
        templates = checkin_templates(Settings())
        clinic.hub = replace(
            clinic.hub,
            channel=channel,
            twilio=verifier,
            texts=texts,
            reads=self._reads,
            checkin_templates=lambda: templates,
        )
        self.home = Home(clinic, protocols)
        consents.set_phone(self.hub, ADMIN, self.home.patient_id, PAT)
        clinic.staff("Ben Sample", BEN, "physician")
        self._known = 0
        self.phones = {number: Phone(self, number) for number in (ANA, BEN, LAST, PAT)}
        self.ana, self.ben, self.last, self.pat = self.phones.values()
        self.last_sent: dict[str, Taken] = {}

    @property
    def hub(self) -> Any:
        return self.clinic.hub

    @property
    def now(self) -> datetime:
        return self.clinic.now

    @contextmanager
    def _reads(self) -> Iterator[Reads]:
        with read_only(self.clinic.engine).connect() as connection:
            yield SqlReads(connection)

    # Time ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """A new life of the worker."""
        self._sender = sender_modules()

    def moment(self) -> None:
        """One tick of each of the worker's lines; what Twilio then has lies on the phones."""
        for module in [*engine_modules(), *self._sender]:
            with suppress(Transient):  # as the engine does: the next tick tries again
                module.run(self.hub, self.now)
        for message in self.twilio.taken[self._known :]:
            self.last_sent[message.to] = message
            self.phones[message.to].unread.append(message.body)
        self._known = len(self.twilio.taken)

    def forward(self, *, every: timedelta = timedelta(minutes=1), **span: float) -> None:
        """Time moves, and the worker ticks."""
        self.to(self.now + timedelta(**span), every)

    def to(self, end: datetime, every: timedelta = timedelta(minutes=1)) -> None:
        while self.now < end:
            self.clinic.clock.forward(min(every, end - self.now))
            self.moment()

    def until(self, hhmm: str, *, days: int = 0, every: timedelta = timedelta(minutes=30)) -> None:
        """On to this time of the patient's wall, so many days on."""
        hour, minute = map(int, hhmm.split(":"))
        local = self.now.astimezone(NEW_YORK) + timedelta(days=days)
        self.to(local.replace(hour=hour, minute=minute, second=0, microsecond=0).astimezone(self.now.tzinfo), every)

    def worker_down(self, **span: float) -> None:
        """Time moves, and nobody ticks."""
        self.clinic.clock.forward(timedelta(**span))

    # People ----------------------------------------------------------------------------------------------------

    def agrees(self) -> None:
        """The patient agrees to texts, on paper."""
        consents.give(self.hub, ADMIN, self.home.patient_id, "sms", WORDING, "paper")

    def asks(self, *checkins: str) -> None:
        """A clinician signs these check-ins into force."""
        for checkin in checkins:
            signing.sign_checkin(self.hub, ADMIN, checkin, "Dr Imaginary")

    def told(self, phone: Phone, status: str, error: int | None = None) -> None:
        """Twilio says how the newest text to this phone fared."""
        assert self.twilio.tell(self.last_sent[phone.number], status, error) == 204

    # What is so ------------------------------------------------------------------------------------------------

    def unread_texts(self) -> list[str]:
        """On the worklist."""
        with self._reads() as reads:
            return [text.body for text in reads.worklist(self.now).texts]

    def open_alerts(self) -> list[str]:
        return [line.removesuffix(" open") for line in self.home.alerts() if line.endswith(" open")]

    def all_read(self) -> None:
        """No phone has a text that the story did not expect."""
        left = {number: phone.unread for number, phone in self.phones.items() if phone.unread}
        assert left == {}


@contextmanager
def story(folder: Path, protocols: tuple[str, ...] = ("hypertension",)) -> Iterator[Story]:
    """One that has been told to its end when the block is left."""
    port = free_port()
    with fake_twilio() as twilio:
        told = Story(folder, twilio, f"http://127.0.0.1:{port}", protocols)
        server = make_server("127.0.0.1", port, create_app(told.hub), threaded=True)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield told
            told.all_read()
        finally:
            server.shutdown()
            serving.join()
            server.server_close()
            told.clinic.engine.dispose()
