"""What to do about an alert: one primary act, and a sentence that says why."""

from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

from dashboards.viewmodels import times
from dashboards.viewmodels.values import reported
from dashboards.viewmodels.working import tail
from hub.domain.severity import Severity
from hub.services.views.alerts import AlertRow
from hub.services.views.texts import DANGER


@dataclass(frozen=True, slots=True)
class NextStep:
    """``act``: acknowledge | contact | resolve | seen | none. ``words`` is what the page says above the button."""

    act: str
    words: str
    duty: str = ""
    """What must be done before the acknowledgement lapses."""


def next_step(alert: AlertRow, actor_id: int | None, zone: str, now: datetime) -> NextStep:
    """The one primary button of an alert."""
    if alert.state == "open":
        return NextStep("acknowledge", _open_words(alert))
    if alert.state == "closed" and alert.closing_seen_at is None:
        return NextStep("seen", "It closed by itself. Look at the readings, then say that you have seen it.")
    if alert.state != "acknowledged":
        return NextStep("none", _over_words(alert, zone, now))
    who = "You have it" if alert.owner_id == actor_id else f"{alert.owner} has it"
    since = f"{who} since {times.clock(alert.acknowledged_at, zone, now)}." if alert.acknowledged_at else f"{who}."
    if alert.kind == "technical" or alert.patient is None or alert.contacted_at is not None:
        return NextStep("resolve", f"{since} Write down what was done.", "resolve")
    duty = "open the chart" if alert.chart_opened_at is None else "record a contact"
    return NextStep("contact", f"{since} Contact the patient and record it.", duty)


def subject_words(subject: str) -> str:
    """What an alert without a patient is about: ``Gateway g-home-1``."""
    kind, _, name = subject.partition(":")
    known = {"gateway": "Gateway", "device": "Device", "hub": "The hub", "engine": "The hub’s engine", "staff": "Staff"}
    words = known.get(kind, kind.replace("_", " ").capitalize())
    if kind == "device":  # ``gateway/address``: the gateway stands in the sentence
        name = tail(name.rpartition("/")[2])
    return f"{words} {name}" if name else words


def standing(alert: AlertRow) -> str:
    """Changes when the page's heading or forms are no longer what they should be; a further finding changes neither."""
    parts = (alert.state, alert.severity, alert.owner_id, alert.contacted_at, alert.confirmed, alert.sentence)
    return f"{crc32(repr(parts).encode()):08x}"


def _open_words(alert: AlertRow) -> str:
    if alert.nobody_reached_at is not None:
        return "Nobody has been reached. Take it now."
    if alert.next_page is None:
        return "Nobody has taken it yet. It pages nobody: it waits here."
    return "Nobody has taken it yet."


def _over_words(alert: AlertRow, zone: str, now: datetime) -> str:
    when = f" at {times.clock(alert.closed_at, zone, now)}" if alert.closed_at else ""
    by = f" by {alert.closed_by}" if alert.closed_by else ""
    words = {"resolved": "Resolved", "closed": "Closed by itself, and seen", "ended": "Ended with the monitoring"}
    return f"{words.get(alert.state, alert.state.capitalize())}{by}{when}. Nothing is left to do here."


def advice(alert: AlertRow, emergency_number: str) -> list[str]:
    """Suggested steps: decision support, never done by the hub itself."""
    if alert.kind == "technical" and alert.subject.startswith("device:"):
        return [
            "Open Devices: there stands who has it, and the command that pairs it again.",
            "Call the home: until it is paired again, whoever has it is not watched by it.",
        ]
    if alert.kind == "technical":
        return [
            "Open Devices to see what is affected.",
            "Call the home or the supplier, then write down what was done.",
        ]
    if alert.kind == "missing":
        return [
            "Call the patient: are they well, and is the device at hand and charged?",
            "If nobody answers, follow the clinic's plan for no answer and record the attempt.",
        ]
    if alert.problem == DANGER:
        return _danger_advice(alert, emergency_number)
    steps = []
    if any(reported(sample) for sample in alert.latest):
        steps.append(
            "The newest value was typed by the patient: ask what the device shows, and for a new measurement with it."
        )
    if not alert.confirmed:
        steps.append(
            "Unconfirmed: ask for a repeat, at rest, after 5 minutes. Do not wait for it if the patient is unwell."
        )
    if alert.severity is Severity.RED:
        steps.append("Call the patient now. Ask about symptoms and what changed.")
        if emergency_number:
            steps.append(f"Chest pain, hard to breathe, confused or very unwell: {emergency_number}.")
    else:
        steps.append("Call the patient today. Ask about symptoms, medicines and what changed.")
    steps.append("Ask for a new measurement and look at the trend before you resolve it.")
    return steps


def _danger_advice(alert: AlertRow, emergency_number: str) -> list[str]:
    who = "Call the patient now" if alert.patient else "Call the number the text came from now"
    steps = [f"{who}. The words may be about somebody else, or mean no harm: only the call tells."]
    if emergency_number:
        steps.append(
            f"In danger, or not reached though the words are grave: {emergency_number}, with the address on file."
        )
    return [*steps, "Nobody answers: follow the clinic's plan for no answer and record the attempt."]
