"""The transition table: every state and event is either allowed, by this id, or refused, with this sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hub.domain.alerts import (
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
from hub.domain.escalation import Person, build
from hub.domain.lifecycle import TABLE, Change, Refusal, apply
from hub.domain.severity import Severity

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ANA, BEN = Person("Ana Example", "+15550101", 1), Person("Ben Sample", "+15550102", 2)
LAST = Person("the last resort", "+15550199")
CHAIN = build("clinical", Severity.RED, [ANA, BEN], LAST, 1.0)

ALERT = Alert(
    id=1,
    ref="K7Q2",
    kind="clinical",
    patient_id=7,
    problem="oxygen-low",
    subject="patient:7",
    severity=Severity.RED,
    state=State.OPEN,
    sentence="SpO2 88 %",
    confirmed=True,
    signed_off=True,
    opened_at=NOW,
    triggered_at=NOW,
    last_finding_at=NOW,
    rules=frozenset({"low"}),
    worst={"oxygen_saturation": Decimal(88)},
    worse_at=NOW,
    chain=CHAIN,
    step=1,
    next_page_at=NOW,
)
TAKEN = {"acknowledged_by": 1, "acknowledged_name": "Ana Example", "acknowledged_at": NOW, "lapses_at": NOW}

EVENTS: dict[str, Event] = {
    "found": Found(Severity.RED, "low", NOW, "SpO2 88 %"),
    "worse": Found(Severity.RED, "other", NOW, "SpO2 88 %"),
    "acknowledge": Acknowledge("Ana Example", 1),
    "by text": Acknowledge("Ana Example", 1, by_text=True),
    "pass on": PassOn("Ana Example", 1),
    "page due": PageDue(),
    "not reached": NotReached(1, 0),
    "nobody": NobodyReached(),
    "lapse": LapseDue(),
    "chart": ChartOpened(1),
    "contact": Contacted(True, "phone"),
    "tried": Contacted(False, "phone"),
    "in range": BackInRange(),
    "data": DataReturned(),
    "over": Over(),
    "resolve": Resolve("Ana Example", 1, "no_contact", "rang"),
    "seen": Seen(),
    "end": End(),
}

# What a red about a patient allows. All that is not named here is refused.
ALLOWED: dict[State, dict[str, str]] = {
    State.OPEN: {
        "found": "ADD-1",
        "worse": "ADD-1",
        "acknowledge": "ACK-1",
        "by text": "ACK-2",
        "pass on": "PASS-1",
        "page due": "ESC-1",
        "not reached": "ESC-3",
        "nobody": "NOB-1",
        "resolve": "RES-1",
        "end": "END-1",
    },
    State.ACKNOWLEDGED: {
        "found": "ADD-1",
        "worse": "WORSE-1",
        "pass on": "PASS-2",
        "lapse": "LAPSE-1",
        "chart": "CHART-1",
        "contact": "CON-1",
        "tried": "CON-2",
        "resolve": "RES-1",
        "end": "END-1",
    },
    State.RESOLVED: {},
    State.CLOSED: {"seen": "SEEN-1"},
    State.ENDED: {},
}


def in_state(state: State, **fields: object) -> Alert:
    taken = TAKEN if state is State.ACKNOWLEDGED else {}
    closed = {"closed_at": NOW, "closed_name": "Ana Example", "next_page_at": None} if state not in ALLOWED_LIVE else {}
    return replace(ALERT, state=state, **{**taken, **closed, **fields})  # type: ignore[arg-type]


ALLOWED_LIVE = {State.OPEN, State.ACKNOWLEDGED}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("name", list(EVENTS))
def test_every_state_and_event_is_allowed_or_refused(state: State, name: str) -> None:
    outcome = apply(in_state(state), EVENTS[name], NOW)
    expected = ALLOWED[state].get(name)
    if expected is None:
        assert isinstance(outcome, Refusal)
        assert outcome.sentence
    else:
        assert isinstance(outcome, Change)
        assert outcome.transition == expected
        assert outcome.after.version == ALERT.version + 1
        assert outcome.words


def amber(kind: str = "clinical", state: State = State.OPEN) -> Alert:
    return in_state(state, severity=Severity.AMBER, kind=kind)


OTHERS: list[tuple[str, Alert, Event]] = [
    ("WORSE-2", amber(), Found(Severity.RED, "low", NOW, "SpO2 84 %", chain=CHAIN)),
    ("ESC-2", in_state(State.OPEN, step=3), PageDue()),
    ("ESC-0", in_state(State.OPEN, chain=build("clinical", Severity.RED, [], None, 1)), PageDue()),
    ("LAPSE-2", in_state(State.ACKNOWLEDGED, chart_opened_at=NOW), LapseDue()),
    ("LAPSE-3", in_state(State.ACKNOWLEDGED, chart_opened_at=NOW, contacted_at=NOW), LapseDue()),
    ("CLR-1", amber(), BackInRange()),
    ("CLR-1", amber(state=State.ACKNOWLEDGED), BackInRange()),
    ("CLR-2", amber("missing"), DataReturned()),
    ("CLR-3", amber("technical"), Over()),
    ("NOTE-1", in_state(State.OPEN, kind="missing"), DataReturned()),
    ("NOTE-2", in_state(State.OPEN, kind="technical"), Over()),
]


@pytest.mark.parametrize(("transition", "alert", "event"), OTHERS)
def test_what_depends_on_more_than_the_state(transition: str, alert: Alert, event: Event) -> None:
    outcome = apply(alert, event, NOW)
    assert isinstance(outcome, Change)
    assert outcome.transition == transition


def test_every_row_of_the_table_is_reached_by_these_tests_and_ids_are_unique() -> None:
    ids = [row.id for row in TABLE]
    assert len(ids) == len(set(ids))
    reached = {transition for row in ALLOWED.values() for transition in row.values()} | {one for one, _, _ in OTHERS}
    assert reached == set(ids)


REFUSALS: list[tuple[Alert, Event, str]] = [
    (in_state(State.ACKNOWLEDGED), Acknowledge("Ben Sample", 2), "Ana Example acknowledged 10 s ago"),
    (in_state(State.ACKNOWLEDGED), Acknowledge("Ana Example", 1), "you acknowledged 10 s ago"),
    (in_state(State.RESOLVED), Acknowledge("Ben Sample", 2), "Ana Example resolved it 10 s ago"),
    (in_state(State.CLOSED), Acknowledge("Ben Sample", 2), "it closed by itself 10 s ago"),
    (in_state(State.ENDED), Acknowledge("Ben Sample", 2), "monitoring of this patient ended 10 s ago"),
    (in_state(State.ACKNOWLEDGED), PassOn("Ben Sample", 2), "Ana Example acknowledged 10 s ago"),
    (in_state(State.OPEN, step=2), PassOn("Ana Example", 1), "it has gone on to Ben Sample"),
    (in_state(State.OPEN), BackInRange(), "red never closes by itself"),
    (in_state(State.OPEN), Contacted(True, "phone"), "take it first"),
    (
        in_state(State.ACKNOWLEDGED),
        Resolve("Ana Example", 1, "true"),
        "record a contact first: a red alert is resolved only after the patient was contacted, or could not be",
    ),
]


@pytest.mark.parametrize(("alert", "event", "sentence"), REFUSALS)
def test_a_refusal_says_who_was_first_or_what_is_wanting(alert: Alert, event: Event, sentence: str) -> None:
    assert apply(alert, event, NOW + timedelta(seconds=10)) == Refusal(sentence)


def test_nothing_is_due_before_its_time() -> None:
    early = NOW - timedelta(seconds=1)
    assert apply(in_state(State.OPEN), PageDue(), early) == Refusal("nothing is due")
    assert apply(in_state(State.ACKNOWLEDGED), LapseDue(), early) == Refusal("nothing is due")


def test_passing_on_from_the_end_of_the_chain_begins_it_again() -> None:
    outcome = apply(in_state(State.OPEN, step=5), PassOn("the last resort", None, LAST.phone), NOW)
    assert isinstance(outcome, Change)
    assert (outcome.after.step, outcome.after.round, outcome.after.next_page_at) == (0, 2, NOW)


def test_the_only_person_cannot_pass_it_on() -> None:
    alone = build("clinical", Severity.RED, [ANA], None, 1.0)
    outcome = apply(in_state(State.OPEN, chain=alone), PassOn("Ana Example", 1), NOW)
    assert outcome == Refusal("there is nobody after you")


def test_a_failed_page_of_an_earlier_step_or_round_hurries_nobody() -> None:
    assert isinstance(apply(in_state(State.OPEN, step=2), NotReached(1, 0), NOW), Refusal)
    assert isinstance(apply(in_state(State.OPEN, round=2), NotReached(1, 0), NOW), Refusal)
    assert isinstance(apply(in_state(State.OPEN, step=3), NotReached(1, 2), NOW), Refusal)


WORSENINGS: list[tuple[str, dict[str, str], dict[str, str], str]] = [
    ("SpO2 falls by 2", {"oxygen_saturation": "88"}, {"oxygen_saturation": "86"}, "WORSE-1"),
    ("SpO2 falls by 1.9", {"oxygen_saturation": "88"}, {"oxygen_saturation": "86.1"}, "ADD-1"),
    ("SpO2 rises", {"oxygen_saturation": "85"}, {"oxygen_saturation": "88"}, "ADD-1"),
    ("low glucose falls by 10", {"blood_glucose": "52"}, {"blood_glucose": "42"}, "WORSE-1"),
    ("high glucose falls", {"blood_glucose": "400"}, {"blood_glucose": "380"}, "ADD-1"),
    ("weight rises by 0.5", {"body_weight": "81.0"}, {"body_weight": "81.5"}, "WORSE-1"),
    ("weight rises by 0.4", {"body_weight": "81.0"}, {"body_weight": "81.4"}, "ADD-1"),
    ("high systolic rises by 10", {"systolic_blood_pressure": "185"}, {"systolic_blood_pressure": "195"}, "WORSE-1"),
    ("low systolic falls by 10", {"systolic_blood_pressure": "85"}, {"systolic_blood_pressure": "75"}, "WORSE-1"),
    ("high systolic falls", {"systolic_blood_pressure": "195"}, {"systolic_blood_pressure": "185"}, "ADD-1"),
    ("another metric", {"oxygen_saturation": "88"}, {"pulse_rate": "120"}, "ADD-1"),
]


@pytest.mark.parametrize(("_what", "before", "after", "transition"), WORSENINGS)
def test_worse_is_a_whole_step(_what: str, before: dict[str, str], after: dict[str, str], transition: str) -> None:
    alert = in_state(State.ACKNOWLEDGED, worst={metric: Decimal(value) for metric, value in before.items()})
    values = {metric: Decimal(value) for metric, value in after.items()}
    outcome = apply(alert, Found(Severity.RED, "low", NOW, "again", values=values), NOW)
    assert isinstance(outcome, Change)
    assert outcome.transition == transition


def test_a_creeping_fall_behind_an_acknowledgement_reaches_the_step() -> None:
    alert, seen = in_state(State.ACKNOWLEDGED), []
    for value in ("87", "86"):
        found = Found(Severity.RED, "low", NOW, "again", values={"oxygen_saturation": Decimal(value)})
        outcome = apply(alert, found, NOW)
        assert isinstance(outcome, Change)
        alert = outcome.after
        seen.append(outcome.transition)
    assert seen == ["ADD-1", "WORSE-1"]


def test_while_it_is_open_the_base_moves_along() -> None:
    found = Found(Severity.RED, "low", NOW, "again", values={"oxygen_saturation": Decimal(84)})
    outcome = apply(ALERT, found, NOW)
    assert isinstance(outcome, Change)
    assert outcome.after.worst == {"oxygen_saturation": Decimal(84)}


@pytest.mark.parametrize(
    ("passed", "words"),
    [(0, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7200, "2 h ago"), (172800, "2 days ago")],
)
def test_how_long_ago(passed: int, words: str) -> None:
    assert ago(NOW, NOW + timedelta(seconds=passed)) == words
