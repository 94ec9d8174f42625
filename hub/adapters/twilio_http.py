"""The Twilio client's own HTTP, as the hub wants it: bounded in time, a connection each, and elsewhere for a fake."""

import logging
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

TIMEOUT_S = 5.0
"""To connect, and again to answer: both together end within a message's lease and the deadline of the tick."""


def twilio_client(account: str, token: str, *, base_url: str = "", timeout: float = TIMEOUT_S) -> Client:
    """The client of one account. ``base_url``: another address for the API."""
    logging.getLogger("twilio").setLevel(logging.WARNING)  # at INFO its client writes down numbers
    return Client(account, token, http_client=_Http(base_url, timeout))


class _Http(TwilioHttpClient):  # type: ignore[misc]
    """The client's own HTTP, with a time limit, and to ``base_url`` if there is one.

    A connection for each message: one kept open may die unseen, and what was sent on it would be unknown.
    """

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__(pool_connections=False, timeout=timeout)
        self._base = urlsplit(base_url.rstrip("/"))

    def request(self, method: str, url: str, *arguments: Any, **named: Any) -> Any:
        """As the client's, elsewhere."""
        if self._base.netloc:
            parts = urlsplit(url)
            url = urlunsplit((self._base.scheme, self._base.netloc, self._base.path + parts.path, parts.query, ""))
        return super().request(method, url, *arguments, **named)
