"""The check-ins a patient is asked, in words: when, and why not."""

from dataclasses import dataclass

from dashboards.viewmodels.conversation import Clocks
from dashboards.viewmodels.values import label
from hub.domain.checkins import PRESSURES
from hub.domain.patients import Monitoring
from hub.services.views.texts import AskedCheckIn, TextsPage

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class CheckInLine:
    """One check-in in force. ``not_asked`` says why nobody is asked; empty: they are."""

    title: str
    version: int
    signed_by: str | None
    when: str
    next: str
    not_asked: str


def lines(page: TextsPage, clocks: Clocks, *, may: bool, demo: bool) -> list[CheckInLine]:
    """Every check-in in force for this patient. ``demo``: there an unsigned one is asked too (SF21)."""
    return [_line(one, clocks, _why_not(page, may=may) or _unsigned(one, demo=demo)) for one in page.asked]


def _line(one: AskedCheckIn, clocks: Clocks, why: str) -> CheckInLine:
    return CheckInLine(one.title, one.version, one.signed_by, _when(one), "" if why else _next(one, clocks), why)


def _unsigned(one: AskedCheckIn, *, demo: bool) -> str:
    return "" if one.signed_by or demo else "not asked: nobody signed it"


def _why_not(page: TextsPage, *, may: bool) -> str:
    if page.patient.state is Monitoring.PAUSED:
        return "not asked: monitoring is paused"
    if page.patient.state is Monitoring.ENDED:
        return "not asked: monitoring has ended"
    if page.patient.phone is None:
        return "not asked: no phone number"
    return "" if may else "not asked: no consent"


def _when(one: AskedCheckIn) -> str:
    parts = []
    if one.schedule is not None:
        days = sorted(one.schedule.days)
        which = "daily" if len(days) == len(_DAYS) else ", ".join(_DAYS[day] for day in days)
        parts.append(f"{which} {one.schedule.at:%H:%M}, the patient's time")
    if one.missing:
        names = " or ".join(dict.fromkeys(_called(metric) for metric in one.missing))
        parts.append(f"when an expected {names} reading is late")
    return "; ".join(parts)


def _called(metric: str) -> str:
    return "blood pressure" if metric in PRESSURES else label(metric)


def _next(one: AskedCheckIn, clocks: Clocks) -> str:
    return f"next {clocks.words(one.next_at)}" if one.next_at is not None else ""


def nothing_yet(page: TextsPage, *, may: bool) -> str:
    """Why there is no text, and what comes next."""
    if page.patient.phone is None:
        return "No texts: the patient has no phone number. Record it on the chart; until then call by another way."
    if not may:
        return "No texts: no consent to texts stands. Record one on the chart when the patient agrees; until then call."
    if page.patient.state is not Monitoring.ACTIVE:
        return f"No texts yet. Monitoring is {page.patient.state.value}: nobody is asked."
    if not page.asked:
        return (
            "No texts yet, and no check-in is in force for this patient: a clinician signs one with"
            " rpmhub checkin sign. What the patient writes will stand here all the same."
        )
    return "No texts yet. The check-ins below are asked when their time comes; what the patient writes stands here."
