"""Whether what people text to the clinic's number is brought to the hub."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from hub.adapters.probes.web import Page, ask
from hub.cli.checks.subject import Subject
from hub.cli.checks.texts import API, NEEDED
from hub.services.checkup.finding import Finding, fine, must, should

PATH = "/webhooks/twilio/inbound"
AGAIN = "#rc=5&rp=ct,rt,5xx"
"""Makes Twilio try again when the hub did not take a text. Twilio reads it off the address and does not sign it."""

UNHEARD = "A call for help, a STOP or a nurse's answer is heard only when the list is asked, once a minute."
CONSOLE = "https://console.twilio.com"


def brought(subject: Subject) -> Iterator[Finding]:
    """What Twilio does with a text to the sending number, as its settings say. Nothing is sent."""
    given = subject.settings
    if not all(getattr(given, name) for name in NEEDED) or not given.calls_back:
        return
    address = f"{given.address}{PATH}"
    if not given.twilio_from.startswith("+"):
        kind = "a messaging service" if given.twilio_from.startswith("MG") else "a short code"
        mend = f"{CONSOLE}, {given.twilio_from}: an incoming message sends a webhook, POST, to {address}{AGAIN}"
        yield should(f"Where {kind} brings texts to cannot be seen from here; look by hand.", UNHEARD, mend)
    else:
        yield _number(subject, address)


def _number(subject: Subject, address: str) -> Finding:
    given = subject.settings
    base = given.twilio_base_url.rstrip("/") or API
    path = f"/2010-04-01/Accounts/{given.twilio_account_sid}/IncomingPhoneNumbers.json"
    url = f"{base}{path}?PhoneNumber={quote(given.twilio_from, safe='')}"
    asked = ask(url, subject.within_s / 2, f"{given.twilio_account_sid}:{given.twilio_auth_token}")
    if asked.page is not Page.ANSWERED:
        what = f"Where texts are brought to cannot be told: {base} is not reached ({asked.detail})."
        return should(what, UNHEARD, "rpmhub doctor, once Twilio is reached")
    try:
        numbers = json.loads(asked.body)["incoming_phone_numbers"]
        own = [one for one in numbers if one["phone_number"] == given.twilio_from]
        return _hook(given.twilio_from, own[0], address) if own else _not_ours(given.twilio_from)
    except (ValueError, KeyError, TypeError):
        what = f"Where texts are brought to cannot be told: Twilio's answer is not understood ({asked.status})."
        return should(what, UNHEARD, "https://status.twilio.com")


def _not_ours(number: str) -> Finding:
    mend = f"RPMHUB_TWILIO_FROM=…, one of the numbers of {CONSOLE}"
    return must(
        f"The Twilio account has no number {number}.", "Twilio sends nothing from it, and brings nothing.", mend
    )


def _hook(number: str, settings: dict[str, Any], address: str) -> Finding:
    """What Twilio does when a message comes in to one of the account's numbers."""
    place = f"{CONSOLE}, Phone Numbers, {number}, Messaging, A message comes in"
    mend = f"{place}: webhook, HTTP POST, {address}{AGAIN}"
    if settings.get("sms_application_sid"):
        why = f"It goes before the number's own address. {UNHEARD}"
        return should(f"Texts to {number} go to a TwiML application; look there by hand.", why, mend)
    url, _, overrides = str(settings["sms_url"] or "").partition("#")
    if url != address:
        return should(f"Texts to {number} are brought to {url or 'nobody'}.", UNHEARD, mend)
    if settings["sms_method"] != "POST":
        return should(f"Texts to {number} are brought by {settings['sms_method']}, not by POST.", UNHEARD, mend)
    if "5xx" not in overrides:
        why = "What comes while the hub starts or its database is busy is heard a minute later."
        return should(f"Twilio tries once to bring a text to {number}.", why, mend)
    return fine(f"Texts to {number} are brought to this hub.")
