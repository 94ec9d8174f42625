"""The table of an alert's transitions, and ``apply``, which alone reads it.

Every row has a short id that is written beside the change, audited, and asserted by tests. The first row that fits the
event, the state and its condition is taken; where none fits, the answer is a sentence that says why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub.domain import escalation, worsening
from hub.domain.alerts import (
    CLINICAL,
    LIVE,
    MISSING,
    TECHNICAL,
    Acknowledge,
    Alert,
    BackInRange,
    ChartOpened,
    Contacted,
    DataReturned,
    End,
    Event,
    Found,
    LapseDue,
    NobodyReached,
    NotReached,
    Over,
    PageDue,
    PassOn,
    Resolve,
    Seen,
    State,
    ago,
)
from hub.domain.escalation import Chain
from hub.domain.severity import Severity

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What ``apply`` allows: the alert after it, the fields that differ, the transition's id, its words."""

    transition: str
    after: Alert
    fields: Fields
    words: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """What ``apply`` does not allow, with the sentence for whoever asked."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: ``on`` this event, ``within`` these states, ``when`` this holds, ``effect`` changes fields."""

    id: str
    on: type[Any]
    within: frozenset[State]
    to: State | None
    """None: the state stays."""
    words: Callable[[Alert, Any], str]
    effect: Callable[[Alert, Any, datetime], Fields] = lambda _alert, _event, _now: {}
    when: Callable[[Alert, Any, datetime], bool] = lambda _alert, _event, _now: True


# Paging ------------------------------------------------------------------------------------------------------------


def first_page_at(severity: Severity, chain: Chain, now: datetime) -> datetime | None:
    """When a chain that begins ``now`` pages first. A red with nobody to page says so at once."""
    if not chain.steps and not chain.repeat_s:
        return None
    return now if severity is Severity.RED and not chain.steps else now + chain.wait_before(0)


_NOT_TAKEN: Fields = {
    "acknowledged_by": None,
    "acknowledged_name": None,
    "acknowledged_at": None,
    "lapses_at": None,
    "chart_opened_at": None,
    "contacted_at": None,
}


def _again(alert: Alert, _event: object, now: datetime) -> Fields:
    return {**_NOT_TAKEN, "round": alert.round + 1, "step": 0, "next_page_at": now}


def _page(alert: Alert, _event: PageDue, now: datetime) -> Fields:
    return {"step": alert.step + 1, "next_page_at": now + alert.chain.wait_before(alert.step + 1)}


def _nobody_to_page(alert: Alert, _event: PageDue, now: datetime) -> Fields:
    wait = timedelta(seconds=alert.chain.repeat_s)
    return {"next_page_at": now + wait, "nobody_reached_at": alert.nobody_reached_at or now}


def _page_is_due(alert: Alert, _event: PageDue, now: datetime) -> bool:
    return alert.next_page_at is not None and alert.next_page_at <= now


def _next_may_be_paged(alert: Alert, event: NotReached, _now: datetime) -> bool:
    # A failed page of a step that was passed long ago hurries nobody; at the chain's end the repeat has to do, or a
    # dead channel would be called every second.
    same = (event.round, event.step) == (alert.round, alert.step - 1)
    return same and alert.step < len(alert.chain.steps)


def _place(alert: Alert, event: PassOn) -> int | None:
    for place, step in enumerate(alert.chain.steps):
        if (event.staff_id is not None and step.staff_id == event.staff_id) or step.phone == event.phone:
            return place
    return None


def after_passing(alert: Alert, event: PassOn) -> int | None:
    """The step paged when this person passes it on; None: it is not theirs to pass, or there is nobody else."""
    steps, place = len(alert.chain.steps), _place(alert, event)
    if alert.state is State.ACKNOWLEDGED:
        if event.staff_id != alert.acknowledged_by or (event.staff_id is None and place is None):
            return None
    elif place is not None and place != min(alert.step, steps) - 1:
        return None
    following = (alert.step if alert.live and alert.state is State.OPEN else 0) if place is None else place + 1
    target = following if following < steps else 0
    return target if steps and target != place else None


def _pass(alert: Alert, event: PassOn, now: datetime) -> Fields:
    return {**_again(alert, event, now), "step": after_passing(alert, event)}


# Findings ----------------------------------------------------------------------------------------------------------


def is_worse(alert: Alert, event: Found) -> bool:
    """Next band, another rule of the problem, or a whole step further out: pages through an acknowledgement (SF13)."""
    another_rule = event.rule not in alert.rules and event.severity >= alert.severity
    return (
        event.afresh
        or event.severity > alert.severity
        or another_rule
        or worsening.has_worsened(alert.worst, event.values)
    )


def _added(alert: Alert, event: Found) -> dict[str, Any]:
    return {
        "findings": alert.findings + 1,
        "last_finding_at": max(alert.last_finding_at, event.at),
        "rules": alert.rules | {event.rule},
        "over_at": None,
    }


def _add(alert: Alert, event: Found, _now: datetime) -> Fields:
    # Behind an acknowledgement the base stays where it was: a creeping fall must reach the step some time.
    moves = alert.state is State.OPEN
    base = worsening.extremes(alert.worst, event.values if moves else _unknown(alert, event))
    told = {"sentence": event.sentence} if event.retold else {}
    return {**_added(alert, event), **told, "worst": base, "confirmed": alert.confirmed or event.confirmed}


def _unknown(alert: Alert, event: Found) -> dict[str, Any]:
    return {metric: value for metric, value in event.values.items() if metric not in alert.worst}


def _worsen(alert: Alert, event: Found, now: datetime) -> Fields:
    severity = max(alert.severity, event.severity)
    chain = event.chain if event.chain is not None and severity > alert.severity else alert.chain
    return {
        **_again(alert, event, now),
        **_added(alert, event),
        "severity": severity,
        "sentence": event.sentence,
        "confirmed": event.confirmed,
        "signed_off": event.signed_off,
        "worst": worsening.extremes(alert.worst, event.values),
        "worse_version": alert.version + 1,
        "worse_at": now,
        "chain": chain,
        "next_page_at": first_page_at(severity, chain, now),
    }


# People ------------------------------------------------------------------------------------------------------------


def _take(alert: Alert, event: Acknowledge, now: datetime) -> Fields:
    lapse = escalation.CHART if alert.one_patients else escalation.RESOLUTION
    return {
        **_NOT_TAKEN,
        "acknowledged_by": event.staff_id,
        "acknowledged_name": event.name,
        "acknowledged_at": now,
        "lapses_at": now + lapse * event.scale if alert.red else None,
        "next_page_at": None,
        "nobody_reached_at": None,
    }


def _open_chart(alert: Alert, event: ChartOpened, now: datetime) -> Fields:
    taken = alert.acknowledged_at or now
    return {"chart_opened_at": now, "lapses_at": taken + escalation.CONTACT * event.scale}


def _chart_counts(alert: Alert, event: ChartOpened, _now: datetime) -> bool:
    theirs = alert.acknowledged_by in (None, event.staff_id)
    return theirs and alert.red and alert.one_patients and alert.chart_opened_at is None and not alert.contacted_at


def _contact(alert: Alert, event: Contacted, now: datetime) -> Fields:
    wait = escalation.RESOLUTION if event.reached else escalation.CONTACT
    lapses_at = now + wait * event.scale if alert.red else None
    chart = {"chart_opened_at": alert.chart_opened_at or now}  # the contact is recorded on the chart
    return {**chart, "lapses_at": lapses_at, **({"contacted_at": now} if event.reached else {})}


def _resolve(alert: Alert, event: Resolve, now: datetime) -> Fields:
    closed = {"closed_by": event.staff_id, "closed_name": event.name, "outcome": event.outcome}
    return {**_silent(alert, event, now), **closed, "outcome_note": event.note or None}


def may_resolve(alert: Alert, event: Resolve) -> bool:
    """A red about a patient needs a recorded contact, or the outcome "not reached" with a note (SF13)."""
    if event.outcome == "no_contact" and not event.note.strip():
        return False
    return not alert.red or not alert.one_patients or alert.contacted_at is not None or event.outcome == "no_contact"


# Endings -----------------------------------------------------------------------------------------------------------


def _silent(_alert: Alert, _event: object, now: datetime) -> Fields:
    return {"next_page_at": None, "lapses_at": None, "closed_at": now}


def _closes(kind: str) -> Callable[[Alert, object, datetime], bool]:
    return lambda alert, _event, _now: alert.kind == kind and not alert.red


def _stays(kind: str) -> Callable[[Alert, object, datetime], bool]:
    return lambda alert, _event, _now: alert.kind == kind and alert.red and alert.over_at is None


def _over(_alert: Alert, _event: object, now: datetime) -> Fields:
    return {"over_at": now}


def _lapse_due(alert: Alert, now: datetime) -> bool:
    return alert.lapses_at is not None and alert.lapses_at <= now


def _no_chart(alert: Alert, _event: LapseDue, now: datetime) -> bool:
    return _lapse_due(alert, now) and alert.one_patients and alert.chart_opened_at is None


def _no_contact(alert: Alert, _event: LapseDue, now: datetime) -> bool:
    return _lapse_due(alert, now) and alert.one_patients and alert.contacted_at is None


OPEN, ACKNOWLEDGED = frozenset({State.OPEN}), frozenset({State.ACKNOWLEDGED})

# fmt: off
TABLE: tuple[Transition, ...] = (
    Transition("WORSE-1", Found, ACKNOWLEDGED, State.OPEN, lambda _, e: f"worse: {e.sentence}", _worsen,
               lambda a, e, _: is_worse(a, e)),
    Transition("WORSE-2", Found, OPEN, None, lambda _, e: f"worse: {e.sentence}", _worsen,
               lambda a, e, _: e.severity > a.severity),
    Transition("ADD-1", Found, LIVE, None, lambda _, e: e.sentence, _add),
    Transition("ACK-2", Acknowledge, OPEN, State.ACKNOWLEDGED, lambda _, e: f"{e.name} took it by text", _take,
               lambda _, e, __: e.by_text),
    Transition("ACK-1", Acknowledge, OPEN, State.ACKNOWLEDGED, lambda _, e: f"{e.name} took it on the page", _take),
    Transition("PASS-1", PassOn, OPEN, None, lambda _, e: f"{e.name} passed it on", _pass,
               lambda a, e, _: after_passing(a, e) is not None),
    Transition("PASS-2", PassOn, ACKNOWLEDGED, State.OPEN, lambda _, e: f"{e.name} gave it back and passed it on",
               _pass, lambda a, e, _: after_passing(a, e) is not None),
    Transition("ESC-0", PageDue, OPEN, None, lambda *_: "nobody can be paged", _nobody_to_page,
               lambda a, e, now: _page_is_due(a, e, now) and not a.chain.steps),
    Transition("ESC-1", PageDue, OPEN, None, lambda a, _: f"paged {a.chain.at(a.step).name}", _page,
               lambda a, e, now: _page_is_due(a, e, now) and a.step < len(a.chain.steps)),
    Transition("ESC-2", PageDue, OPEN, None, lambda a, _: f"paged {a.chain.at(a.step).name} again", _page,
               _page_is_due),
    Transition("ESC-3", NotReached, OPEN, None, lambda a, _: f"{a.chain.at(a.step - 1).name} was not reached",
               lambda _, __, now: {"next_page_at": now}, _next_may_be_paged),
    Transition("NOB-1", NobodyReached, OPEN, None, lambda *_: "nobody was reached",
               lambda _, __, now: {"nobody_reached_at": now}, lambda a, *_: a.nobody_reached_at is None),
    Transition("LAPSE-1", LapseDue, ACKNOWLEDGED, State.OPEN,
               lambda a, _: f"{a.acknowledged_name} took it and did not open the chart", _again, _no_chart),
    Transition("LAPSE-2", LapseDue, ACKNOWLEDGED, State.OPEN,
               lambda a, _: f"{a.acknowledged_name} took it and recorded no contact", _again, _no_contact),
    Transition("LAPSE-3", LapseDue, ACKNOWLEDGED, State.OPEN,
               lambda a, _: f"{a.acknowledged_name} took it and did not resolve it", _again,
               lambda a, _, now: _lapse_due(a, now)),
    Transition("CHART-1", ChartOpened, ACKNOWLEDGED, None, lambda *_: "chart opened", _open_chart, _chart_counts),
    Transition("CON-1", Contacted, ACKNOWLEDGED, None, lambda _, e: f"reached the patient ({e.way})", _contact,
               lambda _, e, __: e.reached),
    Transition("CON-2", Contacted, ACKNOWLEDGED, None, lambda _, e: f"tried to reach the patient ({e.way})", _contact),
    Transition("CLR-1", BackInRange, LIVE, State.CLOSED, lambda *_: "closed by itself: back in range", _silent,
               _closes(CLINICAL)),
    Transition("CLR-2", DataReturned, LIVE, State.CLOSED, lambda *_: "closed by itself: data returned", _silent,
               _closes(MISSING)),
    Transition("CLR-3", Over, LIVE, State.CLOSED, lambda *_: "closed by itself: over", _silent, _closes(TECHNICAL)),
    Transition("NOTE-1", DataReturned, LIVE, None, lambda *_: "data returned; red stays for a person", _over,
               _stays(MISSING)),
    Transition("NOTE-2", Over, LIVE, None, lambda *_: "over; red stays for a person", _over, _stays(TECHNICAL)),
    Transition("RES-1", Resolve, LIVE, State.RESOLVED, lambda _, e: f"{e.name} resolved it: {e.outcome}", _resolve,
               lambda a, e, _: may_resolve(a, e)),
    Transition("SEEN-1", Seen, frozenset({State.CLOSED}), None, lambda *_: "closing seen",
               lambda _, __, now: {"closing_seen_at": now}, lambda a, *_: a.closing_seen_at is None),
    Transition("END-1", End, LIVE, State.ENDED, lambda *_: "monitoring ended", _silent),
)
# fmt: on


def apply(alert: Alert, event: Event, now: datetime) -> Change | Refusal:
    """The change that ``event`` makes to ``alert``, or the sentence that says why it makes none."""
    for row in TABLE:
        if row.on is type(event) and alert.state in row.within and row.when(alert, event, now):
            fields = {**row.effect(alert, event, now), "state": row.to or alert.state, "version": alert.version + 1}
            return Change(row.id, replace(alert, **fields), fields, row.words(alert, event))
    return Refusal(why_not(alert, event, now))


def why_not(alert: Alert, event: Event, now: datetime) -> str:
    """The sentence for an event without a transition: who was first, or what is wanting."""
    if alert.state is State.RESOLVED:
        return f"{alert.closed_name} resolved it {ago(alert.closed_at or now, now)}"
    if alert.state is State.CLOSED:
        return f"it closed by itself {ago(alert.closed_at or now, now)}"
    if alert.state is State.ENDED:
        return f"monitoring of this patient ended {ago(alert.closed_at or now, now)}"
    return _why_not_live(alert, event, now)


def _why_not_live(alert: Alert, event: Event, now: datetime) -> str:
    taken = alert.state is State.ACKNOWLEDGED
    if isinstance(event, Acknowledge | PassOn) and taken and getattr(event, "staff_id", None) != alert.acknowledged_by:
        return f"{alert.acknowledged_name} acknowledged {ago(alert.acknowledged_at or now, now)}"
    if isinstance(event, Acknowledge):
        return f"you acknowledged {ago(alert.acknowledged_at or now, now)}"
    if isinstance(event, PassOn):
        last, place = alert.chain.last_paged(alert.step), _place(alert, event)
        moved = last is not None and place is not None and last != alert.chain.at(place)
        return f"it has gone on to {last.name}" if last and moved else "there is nobody after you"
    if isinstance(event, Resolve):
        wanting = "say in a note what was tried" if event.outcome == "no_contact" else "record a contact first"
        return f"{wanting}: a red alert is resolved only after the patient was contacted, or could not be"
    if isinstance(event, BackInRange | DataReturned | Over) and alert.red:
        return "red never closes by itself"
    return "take it first" if isinstance(event, Contacted) else "nothing is due"
