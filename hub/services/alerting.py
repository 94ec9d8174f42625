"""Raising alerts in the caller's transaction: finding, alert, history, audit and first page stand or fall together."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.domain.alerts import TECHNICAL, Alert, DataReturned, End, Event, Found, Over, State
from hub.domain.findings import Finding
from hub.domain.lifecycle import first_page_at
from hub.domain.patients import Monitoring, Patient
from hub.domain.severity import Severity
from hub.domain.slots import missing_problem
from hub.domain.worsening import values_of
from hub.errors import Transient
from hub.services.closing import note_in_range
from hub.services.hub import HUB, Hub
from hub.services.paging import chain_for, open_and_page, page_if_due, stand_everybody_down
from hub.services.ports.alerting import NewTask
from hub.services.ports.storage import UnitOfWork
from hub.services.transitions import Changed, change

TRIES = 8
REVIEW_RED, REVIEW_OTHER = timedelta(hours=8), timedelta(hours=24)
NOBODY_CAN_BE_PAGED = "A red alert is open and nobody can be paged: no member of staff and no last resort has a phone."
WRONG_PERSON = "Wrong person, or home again? "
"""What a paused patient's red opens with (SF17)."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A finding as ingest hands it over. ``page`` False: too old to page, a person reviews it."""

    finding: Finding
    kind: str  # clinical | missing | technical
    signed_off: bool
    protocol_version_id: int | None
    page: bool
    retold: bool = False
    """The alert's sentence is this finding's, though nothing became worse."""
    afresh: bool = False
    """It pages through an acknowledgement, as worse, whatever was found before."""
    new: bool = False
    """This transaction has seen that none is open: what is tried first is to open one."""


def raise_alert(
    uow: UnitOfWork, hub: Hub, patient: Patient | None, raised: Raised, subject: str, now: datetime
) -> int | None:
    """The alert this finding belongs to: the open one of (subject, problem), or a new one. None: it is for review."""
    ended = patient is not None and patient.state is Monitoring.ENDED
    if ended or not raised.page:
        _keep(uow, patient, raised, None, now)
        if not ended:
            _review(uow, patient, raised, subject, now)
        return None
    event = _found(patient, raised)
    alert = None if raised.new else uow.alerts.open_of(subject, raised.finding.problem)
    for _ in range(TRIES):
        if alert is None:
            alert = _open(uow, hub, patient, raised, event, subject, now)
        elif not _attach(uow, hub, patient, alert, event, now):
            alert = None
            continue
        if alert is not None:
            _keep(uow, patient, raised, alert.id, now)
            return alert.id
        alert = uow.alerts.open_of(subject, raised.finding.problem)  # lost the race, or the reference was taken
    kind = subject.partition(":")[0]  # the rest may be a phone's number, and this is logged
    raise Transient(f"no alert could be opened for this {kind}")


def _found(patient: Patient | None, raised: Raised) -> Found:
    finding = raised.finding
    paused = patient is not None and patient.state is Monitoring.PAUSED and finding.severity is Severity.RED
    return Found(
        severity=finding.severity,
        rule=finding.rule,
        at=finding.at,
        sentence=f"{WRONG_PERSON}{finding.sentence}" if paused else finding.sentence,
        confirmed=finding.confirmed,
        signed_off=raised.signed_off,
        values=values_of(finding.inputs),
        retold=raised.retold,
        afresh=raised.afresh,
    )


def _open(
    uow: UnitOfWork, hub: Hub, patient: Patient | None, raised: Raised, event: Found, subject: str, now: datetime
) -> Alert | None:
    """The new alert, its first page written if it is due; None if somebody else opened one."""
    chain = chain_for(uow, hub, patient, raised.kind, event.severity)
    alert = Alert(
        id=0,
        ref=hub.ids.ref(),
        kind=raised.kind,
        patient_id=None if patient is None else patient.id,
        problem=raised.finding.problem,
        subject=subject,
        severity=event.severity,
        state=State.OPEN,
        sentence=event.sentence,
        confirmed=event.confirmed,
        signed_off=event.signed_off,
        opened_at=now,
        triggered_at=event.at,
        last_finding_at=event.at,
        rules=frozenset({event.rule}),
        worst=event.values,
        worse_at=now,
        chain=chain,
        next_page_at=first_page_at(event.severity, chain, now),
    )
    opened = open_and_page(uow, hub, alert, patient, now)
    if opened is not None:
        uow.operations.count("rpmhub_alerts_opened_total", f"{opened.kind},{opened.severity.word}")
        _somebody_must_be_paged(uow, hub, opened, now)
    return opened


def _somebody_must_be_paged(uow: UnitOfWork, hub: Hub, alert: Alert, now: datetime) -> None:
    if alert.red and not alert.chain.steps and not alert.technical:
        technical(uow, hub, "hub", "nobody-can-be-paged", Severity.RED, NOBODY_CAN_BE_PAGED, now)


def _attach(uow: UnitOfWork, hub: Hub, patient: Patient | None, alert: Alert, event: Found, now: datetime) -> bool:
    """Whether the finding joined ``alert``; False if that is no longer open."""
    if event.severity > alert.severity:
        event = replace(event, chain=chain_for(uow, hub, patient, alert.kind, event.severity))
    outcome = change(uow, alert, event, HUB, now)
    if isinstance(outcome, Changed) and outcome.transition != "ADD-1":
        uow.outbox.cancel_of_alert(alert.id)  # pages of the round before know a lesser alert
        _somebody_must_be_paged(uow, hub, page_if_due(uow, hub, outcome.after, now), now)
    return isinstance(outcome, Changed)


def _keep(uow: UnitOfWork, patient: Patient | None, raised: Raised, alert_id: int | None, now: datetime) -> None:
    if patient is not None or raised.finding.reading_id is not None:
        uow.findings.add(
            None if patient is None else patient.id,
            raised.finding,
            found_at=now,
            protocol_version_id=raised.protocol_version_id,
            retrospective=alert_id is None,
            alert_id=alert_id,
        )


def _review(uow: UnitOfWork, patient: Patient | None, raised: Raised, subject: str, now: datetime) -> None:
    finding = raised.finding
    wait = REVIEW_RED if finding.severity is Severity.RED else REVIEW_OTHER
    which = finding.at.isoformat()  # of one reading, whichever of its values spoke
    if patient is None:  # nobody's: a stranger's meter may bring hundreds at once
        which = f"{now:%Y-%m-%d}"
    task = NewTask(
        kind="review",
        title=finding.sentence,
        due_at=now + wait,
        patient_id=None if patient is None else patient.id,
        role="nurse",
        key=f"review:{subject}:{finding.problem}:{which}"[:120],
    )
    uow.tasks.add(task, now)


def data_returned(uow: UnitOfWork, hub: Hub, patient_id: int, metric: str, now: datetime) -> None:
    """Close the missing alert of this metric; a red one stays, with a note."""
    _over(uow, hub, f"patient:{patient_id}", missing_problem(metric), DataReturned(), now)


def technical(
    uow: UnitOfWork, hub: Hub, subject: str, problem: str, severity: Severity, sentence: str, now: datetime
) -> int:
    """The open technical alarm of (subject, problem). Raised again at the same severity it stays as it is."""
    alert = uow.alerts.open_of(subject, problem)
    if alert is not None and alert.severity >= severity and alert.over_at is None:
        return alert.id
    finding = Finding(rule="technical", problem=problem, severity=severity, at=now, sentence=sentence)
    raised = raise_alert(uow, hub, None, Raised(finding, TECHNICAL, True, None, True), subject, now)
    if raised is None:  # only a finding about a patient goes to review
        raise Transient(f"no alarm could be raised for {subject}")
    return raised


def technical_over(uow: UnitOfWork, hub: Hub, subject: str, problem: str, now: datetime) -> None:
    """Close the technical alarm; a red one stays for a person, with a note."""
    _over(uow, hub, subject, problem, Over(), now)


def _over(uow: UnitOfWork, hub: Hub, subject: str, problem: str, event: Event, now: datetime) -> None:
    alert = uow.alerts.open_of(subject, problem)
    if alert is None:
        return
    outcome = change(uow, alert, event, HUB, now)
    if isinstance(outcome, Changed) and not outcome.after.live:
        stand_everybody_down(uow, hub, outcome.after, "closed by itself", now)


def end_patient(uow: UnitOfWork, hub: Hub, patient_id: int, now: datetime) -> None:  # noqa: ARG001 (as its neighbours)
    """Monitoring ended: nothing more is sent, alerts close as ended, tasks are cancelled (SF17)."""
    uow.outbox.cancel_of_patient(patient_id)
    uow.tasks.cancel_of_patient(patient_id)
    for alert in uow.alerts.of_patient(patient_id):
        change(uow, alert, End(), HUB, now)


__all__ = [
    "Raised",
    "data_returned",
    "end_patient",
    "note_in_range",
    "raise_alert",
    "technical",
    "technical_over",
]
