"""A channel that only says that it was used: no number, no text, no person reached."""

import logging
from datetime import datetime

from hub.services.ports.base import Delivery

log = logging.getLogger(__name__)


class Console:
    """Logs one line a message, with the outbox row's id."""

    name = "console"
    reaches_people = False
    answers_keywords = False
    idempotent = True

    def send(self, outbox_id: int, to: str, body: str, now: datetime) -> Delivery:  # noqa: ARG002 (nothing of it may be logged)
        """Accepted, which is as far as it goes."""
        log.info("message written to the console channel", extra={"outbox": outbox_id, "state": "accepted"})
        return Delivery("accepted", f"console-{outbox_id}")
