"""Texts that the provider could not bring are fetched: it tries for seconds, a restart of the hub may take longer."""

from datetime import datetime, timedelta

from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services import restored
from hub.services.alerting import technical, technical_over
from hub.services.hub import Hub
from hub.services.incoming.keeping import keep_text

ROLE = "texts"
"""Whose heartbeat says until when everything that came in is known."""

EVERY = timedelta(minutes=1)
OVERLAP = timedelta(minutes=10)
"""A text may be listed later than it was sent."""

FURTHEST = timedelta(days=3)
"""Older than this it is history, and the provider's page tells it."""

DEAF_FOR = timedelta(minutes=5)
SENTENCE = "The list of texts that came in cannot be asked for: what the provider could not bring is not known."


class MissedTexts:
    """Asks the provider for what came in, and keeps what nobody has brought. Nothing where nobody keeps a list."""

    name = "missed-texts"
    deadline = timedelta(seconds=20)

    def __init__(self) -> None:
        self._asked_at: datetime | None = None
        self._failing_since: datetime | None = None

    def run(self, hub: Hub, now: datetime) -> int:
        """How many were fetched."""
        if hub.texts is None or (self._asked_at is not None and timedelta(0) <= now - self._asked_at < EVERY):
            return 0
        self._asked_at = now
        try:
            from_restore = _of_a_restore(hub)
            usual = max(_known_until(hub, now) - OVERLAP, now - FURTHEST)
            begin = usual if from_restore is None else min(usual, from_restore - OVERLAP)
            listed = hub.texts.since(begin, whole=from_restore is not None)
        except Transient:
            self._failed(hub, now)
            raise
        fetched = sum(
            keep_text(hub, text.provider_id, text.sender, text.body, text.to, text.media, received_at=text.at)
            for text in listed
        )
        self._failing_since = None
        with hub.unit_of_work() as uow:
            uow.operations.beat(ROLE, hub.channel.name, now, {"fetched": fetched})
            technical_over(uow, hub, f"channel:{hub.channel.name}", "texts-not-listed", now)
            if from_restore is not None:
                restored.list_read(uow, now)
            uow.commit()
        return fetched

    def _failed(self, hub: Hub, now: datetime) -> None:
        """Once is a hiccup."""
        self._failing_since = self._failing_since or now
        if now - self._failing_since >= DEAF_FOR:
            with hub.unit_of_work() as uow:
                technical(uow, hub, f"channel:{hub.channel.name}", "texts-not-listed", Severity.AMBER, SENTENCE, now)
                uow.commit()


def _of_a_restore(hub: Hub) -> datetime | None:
    """A hub that was restored has lost every STOP since its backup, however old that is."""
    with hub.unit_of_work() as uow:
        return restored.list_from(uow)


def _known_until(hub: Hub, now: datetime) -> datetime:
    """A hub that never asked begins now: what came before it is nobody's question here."""
    with hub.unit_of_work() as uow:
        beats = [beat.at for beat in uow.operations.heartbeats() if beat.role == ROLE]
    return min(max(beats, default=now), now)
