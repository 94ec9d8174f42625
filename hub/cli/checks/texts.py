"""Whether a page leaves for a phone (SF12)."""

import json
from collections.abc import Iterator

from hub.adapters.channels.console import Console
from hub.adapters.probes.web import Asked, Page, ask
from hub.cli.checks.subject import Subject
from hub.services.checkup.finding import Finding, fine, must, should

NEEDED = ("twilio_account_sid", "twilio_auth_token", "twilio_from")
SET = " ".join(f"RPMHUB_{name.upper()}=…" for name in NEEDED)
NO_PAGE = "No page leaves: a red is seen by whoever looks at the worklist, and by nobody else."
API = "https://api.twilio.com"
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def channel(subject: Subject) -> Iterator[Finding]:
    """Which way pages go; of Twilio's, whether it lets the hub in. Nothing is sent."""
    given = {name: bool(getattr(subject.settings, name)) for name in NEEDED}
    if not any(given.values()):
        yield must(f"Pages go to the {Console.name} channel, which reaches nobody.", NO_PAGE, SET)
    elif not all(given.values()):
        absent = " ".join(f"RPMHUB_{name.upper()}=…" for name, there in given.items() if not there)
        yield must("Twilio is half set up.", "The hub does not start.", absent)
    else:
        yield _account(subject)


def _account(subject: Subject) -> Finding:
    given = subject.settings
    base = given.twilio_base_url.rstrip("/") or API
    url = f"{base}/2010-04-01/Accounts/{given.twilio_account_sid}.json"
    asked = ask(url, subject.within_s / 2, f"{given.twilio_account_sid}:{given.twilio_auth_token}")
    if asked.page is not Page.ANSWERED:
        return _unreached(subject, base, asked)
    if asked.status in {401, 403, 404}:
        return must(f"Twilio refuses the account or its token ({asked.status}).", NO_PAGE, SET)
    return _standing(asked)


def _unreached(subject: Subject, base: str, asked: Asked) -> Finding:
    said, mend = f"{base} is not reached ({asked.detail})", f"curl -I {base}, then mend the name server or firewall"
    if any(subject.environ.get(name) for name in PROXIES):
        return should(f"{said}, but texts leave by a proxy.", "This does not ask by one.", mend)
    return must(f"{said}.", NO_PAGE, mend)


def _standing(asked: Asked) -> Finding:
    """What the account is, as Twilio says it."""
    try:
        account = json.loads(asked.body)
        status, kind = str(account["status"]), str(account.get("type"))
    except (ValueError, KeyError, TypeError, AttributeError):
        why = "Whether pages leave cannot be told."
        return should(f"Twilio's answer is not understood ({asked.status}).", why, "https://status.twilio.com")
    console = "https://console.twilio.com"
    if status != "active":
        return must(f"The Twilio account is {status}.", NO_PAGE, console)
    if kind == "Trial":
        why = "It sends only to numbers that were verified by hand."
        return must("The Twilio account is a trial.", why, f"Upgrade it: {console}")
    return fine("Pages leave by Twilio, which knows the account and its token.")
