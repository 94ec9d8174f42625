"""The form that Twilio posts for a text that came in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hub.errors import Invalid

LONGEST: Final = 1600
"""Letters of one text, however many parts it came in."""

_SID: Final = r"(SM|MM)[0-9a-f]{32}"
_WHO: Final = r"[^\x00-\x1f\x7f]{1,20}"
_WHERE: Final = r"[^\x00-\x1f\x7f+=]{0,100}"

_READ: Final[Mapping[str, str]] = {
    "MessageSid": _SID,
    "AccountSid": r"AC[0-9a-f]{32}",
    "From": _WHO,  # a number in E.164, a short code, or letters: whoever it is, the text is kept
    "To": _WHO,
    "Body": rf"(?s)[^\x00]{{0,{LONGEST}}}",
}
_MAY_BE: Final[Mapping[str, str]] = {
    "SmsSid": _SID,
    "SmsMessageSid": _SID,
    "SmsStatus": "received",
    "MessagingServiceSid": r"MG[0-9a-f]{32}",
    "ApiVersion": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "NumMedia": r"[0-9]{1,2}",
    "NumSegments": r"[0-9]{1,3}",
    "OptOutType": "STOP|START|HELP",
    "AddOns": r"(?s)\{.{0,20000}\}",
    **{f"{end}{part}": _WHERE for end in ("From", "To") for part in ("City", "State", "Zip", "Country")},
}
_NUMBERED: Final = {
    re.compile(r"MediaUrl[0-9]{1,2}"): r"https?://\S{1,2000}",
    re.compile(r"MediaContentType[0-9]{1,2}"): r"[^\x00-\x1f\x7f]{0,200}",
    re.compile(r"OtherRecipients[0-9]{1,2}"): _WHO,
}
"""What a picture message and one to a group carry, once for each."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A text as it came. ``media``: how many pictures and the like came with it."""

    provider_id: str
    sender: str
    to: str
    body: str
    media: int
    opt_out: str | None
    """STOP, START or HELP where Twilio has dealt with the keyword by itself and says so."""


def read_inbound(fields: Mapping[str, str], query: str) -> Heard:
    """The text; raises ``Invalid`` with the names of what cannot be read.

    The signature does not say where a name ends and its value begins: only known names, each with a value that can be
    its own, are taken, and what says where a phone is may not hold a number.
    """
    wrong = [name for name, value in fields.items() if not re.fullmatch(_pattern(name), value)]
    wrong += [name for name in _READ if name not in fields]
    if query:
        wrong.append("the address")
    if wrong:
        known = [name for name in wrong if name in _READ or name in _MAY_BE or name == "the address"]
        others = ["a field of another name"] if len(known) < len(wrong) else []
        raise Invalid(dict.fromkeys([*known, *others], "not what a text that comes in carries"))
    return Heard(
        provider_id=fields["MessageSid"],
        sender=fields["From"],
        to=fields["To"],
        body=fields["Body"],
        media=int(fields.get("NumMedia", "0")),
        opt_out=fields.get("OptOutType"),
    )


def _pattern(name: str) -> str:
    """What the value of a field looks like; of one that is not known, nothing fits."""
    if name in _READ or name in _MAY_BE:
        return _READ.get(name) or _MAY_BE[name]
    return next((value for shape, value in _NUMBERED.items() if shape.fullmatch(name)), r"(?!)")
