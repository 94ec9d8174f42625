"""How a patient is, in one word. What is missing is never fine: silence can not look like "in range" (SF8)."""

from dataclasses import dataclass
from datetime import datetime

from dashboards.viewmodels import times
from dashboards.viewmodels.values import label, reported
from hub.domain.patients import Monitoring
from hub.domain.severity import Severity
from hub.services.views.worklist import PatientRow, Watch

STALE = 1.5
"""No reading for this many times the planned interval is no data, whatever the engine has said so far."""


@dataclass(frozen=True, slots=True)
class State:
    """``code`` is one of ``CODES``; ``tone`` names the colour, never alone: ``mark`` and ``word`` stand beside it."""

    code: str
    word: str
    tone: str  # red | amber | low | grey | calm
    mark: str
    detail: str = ""


CODES = ("open", "no_data", "late", "waiting", "in_range", "not_monitored", "invited", "paused", "ended")
"""Also the order of the panel: what needs a person first."""


def state_of(row: PatientRow, now: datetime, zone: str) -> State:
    """The state of one patient at ``now``."""
    away = _away(row, now, zone)
    clinical = [severity for _, kind, severity in row.open_alerts if kind == "clinical"]
    if clinical:
        worst = max(clinical)
        silent = _silence(row, now)
        detail = f"also {silent.detail}" if silent else (away.word if away else "")
        return State("open", f"{worst.priority} alert open", worst.word, worst.mark, detail)
    if away:
        return away
    if not row.watches:
        return State("not_monitored", "not monitored", "grey", "○", "no readings are planned")
    return _silence(row, now) or _delay(row, now, zone) or State("in_range", "in range", "calm", "✓", _newest(row, now))


def _away(row: PatientRow, now: datetime, zone: str) -> State | None:
    if row.monitoring is Monitoring.PAUSED:
        until = f"until {times.clock(row.paused_until, zone, now)}" if row.paused_until else "no end set"
        why = f": {row.state_reason}" if row.state_reason else ""
        return State("paused", "paused", "grey", "‖", until + why)
    if row.monitoring is Monitoring.INVITED:
        return State("invited", "invited", "grey", "○", "not started yet")
    if row.monitoring is Monitoring.ENDED:
        return State("ended", "ended", "grey", "○", row.state_reason or "")
    return None


def _silence(row: PatientRow, now: datetime) -> State | None:
    silent = [watch for watch in row.watches if _no_data(watch, row, now)]
    if not silent:
        missing = any(kind == "missing" for _, kind, _ in row.open_alerts)
        return (
            State("no_data", "no data", "grey", "?", "an expected reading or answer did not come") if missing else None
        )
    words = sorted({_silent_words(watch, row, now) for watch in silent})
    spans = [now - watch.latest_at for watch in silent if watch.latest_at is not None and not _unusable(watch, row)]
    word = f"no data {times.span(max(spans))}" if spans else "no data"
    return State("no_data", word, "grey", "?", ", ".join(words))


def _no_data(watch: Watch, row: PatientRow, now: datetime) -> bool:
    if watch.state == "no_data" or _unusable(watch, row):
        return True
    last = watch.latest_at if watch.latest_at is not None else watch.counted_from
    return now - last > watch.interval * STALE


def _unusable(watch: Watch, row: PatientRow) -> bool:
    """The newest reading is no measurement: it says nothing about the patient."""
    return any(sample.metric == watch.metric and not sample.credible for sample in row.latest)


def _silent_words(watch: Watch, row: PatientRow, now: datetime) -> str:
    if watch.latest_at is None:
        return f"never a {label(watch.metric)} reading"
    if _unusable(watch, row):
        return f"last {label(watch.metric)} reading was not usable"
    return f"no {label(watch.metric)} for {times.span(now - watch.latest_at)}"


def _delay(row: PatientRow, now: datetime, zone: str) -> State | None:
    late = sorted({label(watch.metric) for watch in row.watches if watch.state != "due"})
    if late:
        return State("late", "late", "grey", "…", f"{', '.join(late)} expected and not here yet")
    never = [watch for watch in row.watches if watch.latest_at is None]
    if never:
        by = times.clock(min(watch.due_at for watch in never), zone, now)
        return State("waiting", "waiting for the first reading", "grey", "…", f"expected by {by}")
    return None


def _newest(row: PatientRow, now: datetime) -> str:
    newest = max(watch.latest_at for watch in row.watches if watch.latest_at is not None)
    theirs = any(sample.at == newest and reported(sample) for sample in row.latest)
    return f"last reading {times.relative(newest, now)}{', by text' if theirs else ''}"


def panel_order(row: PatientRow, state: State) -> tuple[int, int, str, int]:
    """Worst first, then by name."""
    worst = max((severity for _, _, severity in row.open_alerts), default=Severity.LOW)
    return CODES.index(state.code), -int(worst), row.patient.name.casefold(), row.patient.id
