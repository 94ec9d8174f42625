"""Twilio's words for how a message fares, and what it calls back with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hub.domain.messages import Sending
from hub.errors import Invalid

WORDS: Final[Mapping[str, Sending]] = {
    "accepted": Sending.ACCEPTED,
    "scheduled": Sending.ACCEPTED,
    "queued": Sending.ACCEPTED,
    "sending": Sending.ACCEPTED,
    "sent": Sending.SENT,
    "partially_delivered": Sending.SENT,
    "delivered": Sending.DELIVERED,
    "read": Sending.DELIVERED,
    "undelivered": Sending.UNDELIVERED,
    "failed": Sending.FAILED,
    "canceled": Sending.FAILED,
}

QUEUE_FULL: Final = 21611
"""The one refusal of a message that passes by itself."""

_READ: Final[Mapping[str, str]] = {
    "MessageSid": r"(SM|MM)[0-9a-f]{32}",
    "MessageStatus": "|".join(WORDS),
    "AccountSid": r"AC[0-9a-f]{32}",
    "To": r"\+[1-9][0-9]{6,14}",
}
_MAY_BE: Final[Mapping[str, str]] = {
    "SmsSid": r"(SM|MM)[0-9a-f]{32}",
    "SmsStatus": "|".join(WORDS),
    "ErrorCode": r"[0-9]{0,6}",
    "ErrorMessage": r".{0,500}",
    "From": r"\+?[0-9A-Za-z ]{0,20}",
    "MessagingServiceSid": r"MG[0-9a-f]{32}",
    "ApiVersion": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "RawDlrDoneDate": r"[0-9]{0,14}",
}
_OURS: Final = re.compile(r"m=([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Told:
    """Twilio's word about a message. ``message_id``: the one it was sent as, where the address says so."""

    provider_id: str
    state: Sending
    error: str | None
    to: str
    message_id: int | None


def read_callback(fields: Mapping[str, str], query: str) -> Told:
    """The word in a status callback; raises ``Invalid``.

    The signature does not say where a name ends and its value begins: only known names, each with a value that can be
    its own, are taken.
    """
    known = {**_READ, **_MAY_BE}
    wrong = [name for name, value in fields.items() if name not in known or not re.fullmatch(known[name], value)]
    wrong += [name for name in _READ if name not in fields]
    ours = _OURS.fullmatch(query)
    if query and ours is None:
        wrong.append("m")
    if wrong:
        raise Invalid(dict.fromkeys(wrong, "not what a status callback carries"))
    return Told(
        provider_id=fields["MessageSid"],
        state=WORDS[fields["MessageStatus"]],
        error=fields.get("ErrorCode") or None,
        to=fields["To"],
        message_id=int(ours[1]) if ours else None,
    )
