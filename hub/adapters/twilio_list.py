"""Texts that Twilio has kept for its customer: what its webhook could not deliver is still in its list."""

import logging
from collections.abc import Iterator
from datetime import datetime

import requests
from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from hub.errors import Transient
from hub.services.ports.base import CameIn

log = logging.getLogger(__name__)

MOST = 1000
"""Texts of one look; the next goes on from there, for what was kept is not asked for again."""


class TwilioList:
    """The account's list of messages, as far as it came in."""

    def __init__(self, client: Client, sender: str) -> None:
        """``sender``: the hub's own number, or the messaging service whose numbers people write to."""
        self._messages = client.messages
        self._service = sender if sender.startswith("MG") else None
        self._to = {} if self._service else {"to": sender}

    def since(self, at: datetime, *, whole: bool = False) -> list[CameIn]:
        """What came in since, oldest first; ``whole``: page by page to its end.

        Raises ``Transient`` if Twilio does not say.
        """
        try:
            return sorted(self._read(at, None if whole else MOST), key=lambda text: text.at)
        except (TwilioException, requests.RequestException) as error:
            raise Transient(f"Twilio's list of messages: {type(error).__name__}") from None  # its words hold numbers

    def _read(self, at: datetime, limit: int | None) -> Iterator[CameIn]:
        for message in self._messages.list(date_sent_after=at, limit=limit, page_size=MOST, **self._to):
            if message.direction == "inbound" and self._service in (None, message.messaging_service_sid):
                yield CameIn(
                    provider_id=message.sid,
                    sender=message.from_ or "",
                    to=message.to or "",
                    body=message.body or "",
                    media=int(message.num_media or 0),
                    at=message.date_sent or message.date_created,
                )
