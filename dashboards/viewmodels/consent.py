"""Consent in words: whether texts may be sent, the whole ledger, and what may be recorded next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboards.viewmodels import times
from hub.domain.patients import Monitoring, Patient
from hub.services.consents import NUMBER_CHANGED, SMS, SOURCES
from hub.services.opting_out import IN_OWN_WORDS
from hub.services.ports.consents import SCOPES, ConsentEntry

SCOPE_WORDS = {"sms": "Texts", "monitoring": "Monitoring", "sharing": "Sharing"}
SCOPE_MEANS = {
    "sms": "Texts: questions and reminders to the patient's own number",
    "monitoring": "Monitoring: the readings of the patient's devices",
    "sharing": "Sharing: readings shown to somebody outside the clinic",
}
_SOURCE_WORDS = {
    "paper": "on paper",
    "spoken": "by word of mouth",
    "portal": "in the portal",
    "text": "by text",
    "command line": "on the command line",
    IN_OWN_WORDS: "by text, in their own words",
    NUMBER_CHANGED: "because the number changed",
}
RECORDED = tuple((source, _SOURCE_WORDS[source]) for source in SOURCES if source != "command line")
"""(source, words): how the patient said so, as somebody at a desk records it."""
_PROVIDER = "provider"
_THEMSELVES = ("hub", "patient", "the patient")
"""Who stands beside what a text from the patient's phone changed: nobody recorded it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether texts may be sent, in a few words; ``may`` False is never a blank."""

    may: bool
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger. ``stands``: it has not ended."""

    scope: str
    title: str
    wording: str
    number: str
    given: str
    ended: str
    stands: bool


def texts(patient: Patient, ledger: Sequence[ConsentEntry], zone: str, now: datetime) -> Standing:
    """``agreed Tue 3 Mar 09:12, on paper``, or why no texts are sent."""
    ours = [entry for entry in ledger if entry.scope == SMS]
    standing = [entry for entry in ours if entry.revoked_at is None]
    good = next((entry for entry in standing if entry.phone is not None and entry.phone == patient.phone), None)
    if good is not None:
        agreed = f"agreed {times.clock(good.given_at, zone, now)}, {source_words(good.source)}"
        doubt = "; the provider may block them since STOP" if blocked(patient, ledger) else ""
        return Standing(True, agreed + doubt)
    if standing:
        return Standing(False, f"agreed for another number ({tail(standing[0].phone)}): no texts are sent")
    if ours and ours[0].revoked_at is not None:
        return Standing(False, f"ended {_ended(ours[0], zone, now)}: no texts are sent")
    return Standing(False, "none: no texts are sent")


def source_words(source: str | None) -> str:
    """How it was said: ``on paper``, ``by text``."""
    if source is None:
        return "nobody wrote down how"
    if source.startswith(_PROVIDER):
        return f"by the phone's owner with the provider ({source})"
    return _SOURCE_WORDS.get(source, source)


def tail(phone: str | None) -> str:
    """Enough of a number to tell two apart."""
    return f"…{phone[-4:]}" if phone else "no number"


def ledger_lines(ledger: Sequence[ConsentEntry], zone: str, now: datetime) -> list[Line]:
    """Every line there ever was, the newest first."""
    return [_line(entry, zone, now) for entry in ledger]


def _line(entry: ConsentEntry, zone: str, now: datetime) -> Line:
    return Line(
        scope=entry.scope,
        title=SCOPE_WORDS.get(entry.scope, entry.scope),
        wording=entry.wording,
        number=f"number {tail(entry.phone)}" if entry.scope == SMS else "",
        given=f"{times.clock(entry.given_at, zone, now)} {_given(entry)}",
        ended=f"{_ended(entry, zone, now)}{_by(entry)}" if entry.revoked_at is not None else "",
        stands=entry.revoked_at is None,
    )


def _given(entry: ConsentEntry) -> str:
    if entry.source == "text" and entry.given_by in _THEMSELVES:
        return "by text (START)"
    by = f"recorded by {entry.given_by}" if entry.given_by else "nobody wrote down by whom"
    return f"{source_words(entry.source)}, {by}"


def _ended(entry: ConsentEntry, zone: str, now: datetime) -> str:
    at = times.clock(entry.revoked_at, zone, now) if entry.revoked_at is not None else ""
    how = "by text (STOP)" if entry.revoked_source == "text" else source_words(entry.revoked_source)
    return f"{at} {how}"


def _by(entry: ConsentEntry) -> str:
    if entry.revoked_source in {"text", IN_OWN_WORDS} and entry.revoked_by in (None, *_THEMSELVES):
        return ""
    return f", recorded by {entry.revoked_by}" if entry.revoked_by else ""


def may_be_given(patient: Patient, ledger: Sequence[ConsentEntry]) -> list[str]:
    """Scopes that can be recorded now: what does not stand already; texts need a number."""
    if patient.state is Monitoring.ENDED:
        return []
    standing = {entry.scope for entry in ledger if entry.revoked_at is None and _holds(entry, patient)}
    return [scope for scope in SCOPES if scope not in standing and (scope != SMS or patient.phone)]


def _holds(entry: ConsentEntry, patient: Patient) -> bool:
    return entry.scope != SMS or entry.phone == patient.phone


def blocked(patient: Patient, ledger: Sequence[ConsentEntry]) -> bool:
    """Since STOP the provider blocks this number, whatever was recorded afterwards: only START from it lifts that."""
    for entry in ledger:
        if entry.scope != SMS or entry.phone != patient.phone:
            continue
        if entry.source == "text":
            return False
        if entry.revoked_source is not None and entry.revoked_source.startswith(("text", _PROVIDER)):
            return True
    return False


def proposed(scope: str, patient: Patient, clinic: str, emergency: str) -> str:
    """A wording to begin with: the clinic changes it to what the patient agreed to."""
    call = f"In an emergency I call {emergency}." if emergency else "In an emergency I call the emergency number."
    return {
        "sms": (
            f"{clinic} may send texts to my phone {patient.phone or '(number)'}: short questions, and reminders to"
            f" measure. Texts are not encrypted, and nobody watches my answers day and night. {call}"
            " I can end this at any time by answering STOP."
        ),
        "monitoring": (
            f"{clinic} may receive and keep the readings of the devices I was given and call me about them. They are"
            f" not watched every minute. {call} I can end this at any time."
        ),
        "sharing": f"{clinic} may show my readings to (name and role). I can end this at any time.",
    }[scope]
