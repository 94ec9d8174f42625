"""The life of alerts as a state machine: whatever happens in whatever order, these hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

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
)
from hub.domain.escalation import Person, build
from hub.domain.lifecycle import Change, apply, first_page_at
from hub.domain.messages import RANK, Sending, moves
from hub.domain.severity import Severity

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PEOPLE = [Person("Ana", "+15550101", 1), Person("Ben", "+15550102", 2)]
LAST = Person("the last resort", "+15550199")
LIVE = {State.OPEN, State.ACKNOWLEDGED}


class LifeOfAlerts(RuleBasedStateMachine):
    """Alerts by (subject, problem), as ``raise_alert`` keeps them: the open one is attached to, else one opens."""

    refs = Bundle("refs")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.alerts: list[Alert] = []
        self.closings: list[tuple[Alert, str]] = []

    @rule(minutes=st.integers(0, 300))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(
        target=refs,
        kind=st.sampled_from(["clinical", "missing", "technical"]),
        severity=st.sampled_from(Severity),
        name=st.sampled_from(["low", "lower"]),
        value=st.integers(70, 95),
        people=st.integers(0, 2),
    )
    def something_is_found(self, kind: str, severity: Severity, name: str, value: int, people: int) -> object:
        chain = build(kind, severity, PEOPLE[:people], LAST, 1.0)
        found = Found(severity, name, self.now, "found", values={"oxygen_saturation": Decimal(value)}, chain=chain)
        for place, alert in enumerate(self.alerts):
            if alert.kind == kind and alert.state in LIVE:
                self.happens(place, found)
                return multiple()
        alert = Alert(
            id=len(self.alerts),
            ref="K7Q2",
            kind=kind,
            patient_id=None if kind == "technical" else 7,
            problem=kind,
            subject="patient:7",
            severity=severity,
            state=State.OPEN,
            sentence="found",
            confirmed=True,
            signed_off=True,
            opened_at=self.now,
            triggered_at=self.now,
            last_finding_at=self.now,
            rules=frozenset({name}),
            worst=found.values,
            chain=chain,
        )
        alert = _begun(alert, self.now)
        self.alerts.append(alert)
        return len(self.alerts) - 1

    @rule(
        place=refs,
        event=st.one_of(
            st.builds(Acknowledge, st.sampled_from(["Ana", "Ben"]), st.sampled_from([1, 2, None]), st.booleans()),
            st.builds(PassOn, st.just("Ana"), st.sampled_from([1, 2, None]), st.sampled_from([None, LAST.phone])),
            st.just(PageDue()),
            st.builds(NotReached, st.integers(1, 3), st.integers(0, 3)),
            st.just(NobodyReached()),
            st.just(LapseDue()),
            st.builds(ChartOpened, st.sampled_from([1, 2])),
            st.builds(Contacted, st.booleans(), st.just("phone")),
            st.sampled_from([BackInRange(), DataReturned(), Over(), Seen(), End()]),
            st.builds(Resolve, st.just("Ana"), st.just(1), st.sampled_from(["true", "no_contact"]), st.just("rang")),
        ),
    )
    def something_happens(self, place: int, event: Event) -> None:
        self.happens(place, event)

    def happens(self, place: int, event: Event) -> None:
        before = self.alerts[place]
        outcome = apply(before, event, self.now)
        if isinstance(outcome, Change):
            assert outcome.after.version == before.version + 1
            assert outcome.after.severity >= before.severity
            if before.state in LIVE and outcome.after.state not in LIVE:
                self.closings.append((before, outcome.transition))
            self.alerts[place] = outcome.after

    @invariant()
    def red_never_closes_by_itself(self) -> None:
        for before, transition in self.closings:
            if before.severity is Severity.RED:
                assert transition in {"RES-1", "END-1"}

    @invariant()
    def a_red_about_a_patient_is_resolved_after_a_contact_or_a_vain_try(self) -> None:
        for alert in self.alerts:
            if alert.state is State.RESOLVED and alert.red and alert.one_patients:
                assert alert.contacted_at or alert.outcome == "no_contact"

    @invariant()
    def one_problem_has_one_open_alert(self) -> None:
        open_ones = [(alert.subject, alert.problem) for alert in self.alerts if alert.state in LIVE]
        assert len(open_ones) == len(set(open_ones))

    @invariant()
    def an_open_red_always_pages_again(self) -> None:
        for alert in self.alerts:
            if alert.state is State.OPEN and alert.red:
                assert alert.next_page_at is not None

    @invariant()
    def a_taken_red_always_lapses_some_time(self) -> None:
        for alert in self.alerts:
            if alert.state is State.ACKNOWLEDGED and alert.red:
                assert alert.lapses_at is not None

    @invariant()
    def what_is_over_pages_nobody(self) -> None:
        for alert in self.alerts:
            if alert.state not in LIVE:
                assert alert.next_page_at is None
                assert alert.lapses_at is None
                assert alert.closed_at is not None


def _begun(alert: Alert, now: datetime) -> Alert:
    return replace(alert, next_page_at=first_page_at(alert.severity, alert.chain, now))


class StatusesOfAMessage(RuleBasedStateMachine):
    """Whatever a provider tells, and in whatever order, the rank of a message never falls."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Sending.PENDING

    @rule(told=st.sampled_from(Sending))
    def told(self, told: Sending) -> None:
        if moves(self.state, told):
            assert RANK[told] > RANK[self.state]
            self.state = told
        else:
            assert RANK[told] <= RANK[self.state]


TestLifeOfAlerts = LifeOfAlerts.TestCase
TestLifeOfAlerts.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestStatusesOfAMessage = StatusesOfAMessage.TestCase
TestStatusesOfAMessage.settings = settings(max_examples=30, deadline=None)
