"""What the real Twilio would take, and with which words it refuses the rest."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.twilio.account import ACCOUNT, API, SENDER

MESSAGES = f"/{API}/Accounts/{ACCOUNT}/Messages.json"

# Parameter of "create a message" -> what its value must look like.
TAKES = {
    "To": r"\+[1-9][0-9]{1,14}",
    "From": r"\+[1-9][0-9]{1,14}",
    "MessagingServiceSid": r"MG[0-9a-f]{32}",
    "Body": r"(?s).{1,1600}",
    "StatusCallback": r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/\S*",
    "ValidityPeriod": r"[1-9][0-9]{0,3}|[12][0-9]{4}|3[0-5][0-9]{3}|36000",
}
REFUSED = {
    21211: "The 'To' number is not a valid phone number.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required to send a Message.",
    21604: "'To' phone number is required to send a Message.",
    21606: "The 'From' phone number is not a valid, message-capable Twilio phone number for this account.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "The 'To' phone number is not currently reachable via SMS or MMS",
    21614: "'To' number is not a valid mobile number",
}
BROKEN = {429: (20429, "Too Many Requests"), 500: (20500, "Internal Server Error"), 503: (20503, "Service Unavailable")}
OPTED_OUT = 21610


def unfit(path: str, kind: str, form: Mapping[str, list[str]]) -> str:
    """What the real one would not understand of a request; empty if nothing."""
    if urlsplit(path) != urlsplit(MESSAGES):
        return f"no such resource: {path}"
    if kind != "application/x-www-form-urlencoded":
        return f"not a form: {kind}"
    unknown = sorted(form.keys() - TAKES.keys())
    twice = sorted(name for name, values in form.items() if len(values) != 1)
    wrong = sorted(name for name in form.keys() & TAKES.keys() - {"To"} if not re.fullmatch(TAKES[name], form[name][0]))
    return f"unknown {unknown}, not once {twice}, wrong {wrong}" if unknown or twice or wrong else ""


def refusal(form: Mapping[str, str]) -> int | None:
    """The code that the content of a form is refused with."""
    if "To" not in form:
        return 21604
    if "Body" not in form:
        return 21602
    if "From" not in form and "MessagingServiceSid" not in form:
        return 21603
    if form.get("From", SENDER) != SENDER:
        return 21606
    return None if re.fullmatch(TAKES["To"], form["To"]) else 21211
