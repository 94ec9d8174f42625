"""Messages as Twilio has them: what it calls back with, and what it posts when one comes in."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tests.twilio.account import ACCOUNT, API, SENDER, SERVICE

MADE = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)


@dataclass
class Taken:
    """A message that Twilio has, and what it said of it last. ``service``: a messaging service sends it."""

    sid: str
    to: str
    body: str
    callback: str | None
    status: str = "queued"
    sender: str = SENDER
    service: bool = False
    inward: bool = False
    media: int = 0
    error: int | None = None
    at: datetime = MADE


def callback(message: Taken, status: str, error: int | None = None) -> dict[str, str]:
    """The form of a status callback."""
    form = _ids(message.sid) | {"MessageStatus": status, "SmsStatus": status, "To": message.to, "From": message.sender}
    return form if error is None else form | {"ErrorCode": str(error)}


def inbound(message: Taken, opt_out: str | None = None) -> dict[str, str]:
    """The form that is posted when a message came in. ``opt_out``: what Advanced Opt-Out made of it."""
    form = _ids(message.sid) | {"SmsMessageSid": message.sid, "SmsStatus": "received"}
    form |= {"From": message.sender, "To": message.to, "Body": message.body}
    form |= {"NumSegments": "1", "NumMedia": str(message.media)}
    for end in ("From", "To"):
        form |= {f"{end}{part}": "" for part in ("City", "State", "Zip")} | {f"{end}Country": "US"}
    for number in range(message.media):
        url = f"https://api.twilio.com/{API}/Accounts/{ACCOUNT}/Messages/{message.sid}/Media/ME{number:032x}"
        form |= {f"MediaUrl{number}": url, f"MediaContentType{number}": "image/jpeg"}
    if message.service:
        form["MessagingServiceSid"] = SERVICE
    return form if opt_out is None else form | {"OptOutType": opt_out}


def _ids(sid: str) -> dict[str, str]:
    return {"MessageSid": sid, "SmsSid": sid, "AccountSid": ACCOUNT, "ApiVersion": API}
