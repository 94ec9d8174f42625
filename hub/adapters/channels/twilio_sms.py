"""Text messages by Twilio. No number and no text goes to the log, nor does what the client says of them."""

import logging
from collections.abc import Mapping
from datetime import datetime

import requests
import urllib3
from twilio.base.exceptions import TwilioRestException, TwilioServiceException

from hub.adapters.twilio_http import TIMEOUT_S, twilio_client
from hub.domain.messages import PAGE_VALID, Sending
from hub.domain.twilio_words import QUEUE_FULL, WORDS
from hub.services.ports.base import Delivery

log = logging.getLogger(__name__)

_TOO_MANY = 429
_REFUSED = range(400, 500)


class TwilioSms:
    """Sends by one account, from a number or a messaging service.

    Only what Twilio said, or a connection that never came about, counts as not sent. Everything else may be on a phone.
    """

    name = "twilio_sms"
    reaches_people = True
    answers_keywords = True
    idempotent = False

    def __init__(
        self,
        account: str,
        token: str,
        sender: str,
        *,
        base_url: str = "",
        status_url: str | None = None,
        timeout: float = TIMEOUT_S,
    ) -> None:
        """``base_url``: another address for the API. ``status_url``: where Twilio says how a message fared."""
        self._messages = twilio_client(account, token, base_url=base_url, timeout=timeout).messages
        self._sender = {"messaging_service_sid" if sender.startswith("MG") else "from_": sender}
        self._status_url = status_url

    def send(self, outbox_id: int, to: str, body: str, now: datetime) -> Delivery:  # noqa: ARG002 (Twilio has its own clock)
        """What Twilio said. ``unknown``: it may have taken the message."""
        told = self._told(outbox_id, to, body)
        log.info("message handed to Twilio", extra={"outbox": outbox_id, "state": told.state, "code": told.error})
        return told

    def _told(self, outbox_id: int, to: str, body: str) -> Delivery:
        try:
            made = self._messages.create(
                to=to,
                body=body,
                validity_period=int(PAGE_VALID.total_seconds()),
                **self._sender,
                **self._callback(outbox_id),
            )
            told = WORDS.get(str(made.status), Sending.ACCEPTED)
            error = None if made.error_code is None else str(made.error_code)
            return Delivery(told.value, made.sid, error, permanent=True)
        except (TwilioRestException, TwilioServiceException) as error:
            return _refused(error.status, error.code)
        except requests.RequestException as error:
            return _no_answer(error)
        except Exception as error:  # noqa: BLE001 - its words could hold the number; it may have left all the same
            return Delivery("unknown", error=type(error).__name__)

    def _callback(self, outbox_id: int) -> Mapping[str, str]:
        return {} if self._status_url is None else {"status_callback": f"{self._status_url}?m={outbox_id}"}


def _refused(status: int, code: int | None) -> Delivery:
    """An error that Twilio itself answered with; 5xx does not say that the message was not taken."""
    said = str(code or status)
    if status not in _REFUSED:
        return Delivery("unknown", error=said)
    return Delivery("failed", error=said, permanent=status != _TOO_MANY and code != QUEUE_FULL)


def _no_answer(error: requests.RequestException) -> Delivery:
    """Without a connection nothing left; a line that went dead later may have carried it."""
    never = isinstance(error, requests.ConnectTimeout) or isinstance(
        getattr(next(iter(error.args), None), "reason", None), urllib3.exceptions.NewConnectionError
    )
    return Delivery("failed" if never else "unknown", error=type(error).__name__)
