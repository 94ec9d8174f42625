"""After a restore: what the backup did not know must not be done again, or done to whoever has opted out since (SF22).

The restore stamps the database before the hub sees it. What each later stamp says is said of that one restore.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.alerts import CLINICAL, Alert
from hub.domain.replies import NOT_REUSED
from hub.errors import Invalid, Refused
from hub.services.hub import HUB, OPERATORS, Actor, Hub, require
from hub.services.ports.alerting import FARTHEST, AlertEvent
from hub.services.ports.operations import Operations
from hub.services.ports.storage import UnitOfWork

WAIT = timedelta(minutes=5)
"""Paging waits no longer: whoever is responsible has been told that the hub is back."""

ALL = 1_000_000
NUMBERS_LOST = 40
"""Numbers to answer with that the backup may not know to be on a phone."""

WHY_NO_TEXT = "restored: opt-outs are not entered yet"

_RESTORED, _BEGAN, _NOTICED = "restored", "restored-began", "restored-noticed"
_ENTERED, _LISTED, _OVER = "restored-opt-outs", "restored-listed", "restored-over"


@dataclass(frozen=True, slots=True)
class Restored:
    """The last restore of this database, and how far what follows from it is."""

    at: datetime
    made_at: datetime
    """Of the backup. What happened since is not in it."""
    since: datetime
    """From here on opt-outs may be missing: of an earlier restore where that was not dealt with."""
    began: datetime | None
    noticed: bool
    entered: bool
    """An operator has said that opt-outs, deaths and withdrawals are entered."""
    listed: bool
    """The provider's list since has been read."""
    over: bool
    """Patients may be texted again."""


def last(uow: UnitOfWork) -> Restored | None:
    """None: this database was never restored."""
    return last_of(uow.operations)


def last_of(operations: Operations) -> Restored | None:
    """The same, of the stamps alone."""
    stamp = operations.stamp(_RESTORED)
    if stamp is None:
        return None
    at, made_at, since = (datetime.fromisoformat(one) for one in json.loads(stamp))
    later = {name: _later(operations, name, at) for name in (_BEGAN, _NOTICED, _ENTERED, _LISTED, _OVER)}
    return Restored(
        at,
        made_at,
        since,
        began=later[_BEGAN],
        noticed=later[_NOTICED] is not None,
        entered=later[_ENTERED] is not None,
        listed=later[_LISTED] is not None,
        over=later[_OVER] is not None,
    )


def mark(uow: UnitOfWork, actor: Actor, made_at: datetime, now: datetime) -> tuple[int, int]:
    """Stamp the restore, before the hub starts; how many messages became stale, and how many reds page anew."""
    if made_at > now:
        raise Invalid({"made_at": f"The backup's time {made_at:%Y-%m-%d %H:%M} UTC is still to come."})
    before = last(uow)
    since = made_at if before is None or before.over else min(made_at, before.since)
    uow.operations.restamp(_RESTORED, json.dumps([one.isoformat() for one in (now, made_at, since)]))
    uow.sessions.end_of_everybody(now)  # who has signed out since, or was shut out, is in no backup
    stale = uow.outbox.all_stale("restored")
    anew = sum(_page_anew(uow, alert, now) for alert in paging(uow, now))
    detail = {"made_at": made_at, "stale_messages": stale, "reds_paged_anew": anew}
    uow.audit.write(now, actor.name, "restore", "database", detail)
    return stale, anew


def paging(uow: UnitOfWork, now: datetime) -> list[Alert]:
    """Alerts that nobody has taken and that page somebody, now or later."""
    found = []
    for alert_id in uow.alerts.due_pages(now + FARTHEST, ALL):
        with suppress(ValueError, KeyError, TypeError):  # a row that cannot be read is the engine's alarm
            found.append(uow.alerts.get(alert_id))
    return found


def _page_anew(uow: UnitOfWork, alert: Alert, now: datetime) -> bool:
    """A red begins its chain again: who was paged last, and what they said since, is not known."""
    fields = {"round": alert.round + 1, "step": 0, "next_page_at": now, "version": alert.version + 1}
    if not alert.red or not uow.alerts.save(alert.id, alert.version, fields):
        return False
    uow.alerts.note(alert.id, AlertEvent(now, "ESC-0", HUB.name, "the hub was restored: paging begins again"))
    return True


def pages_wait(uow: UnitOfWork, known: Restored | None, alert: Alert | None, now: datetime) -> bool:
    """Whether a page waits: until some minutes after the hub came back. No alert: about a task.

    A red that something measured since speaks for does not wait. ``known``: what ``last`` says.
    """
    if known is None:
        return False
    if alert is not None and alert.kind == CLINICAL and alert.last_finding_at > known.at:
        return False
    return timedelta(0) <= now - begun(uow, known, now) < WAIT


def begun(uow: UnitOfWork, known: Restored, now: datetime) -> datetime:
    """When the hub was first at work after it; stamped by whoever asks first."""
    if known.began is None:
        _stamp(uow, _BEGAN, known, now)
    return known.began or now


def noticed(uow: UnitOfWork, known: Restored, now: datetime) -> None:
    """Whoever is responsible has been told."""
    _stamp(uow, _NOTICED, known, now)


def texts_wait(uow: UnitOfWork) -> bool:
    """Whether no text may go to a patient: who has opted out, died or left since the backup is not known."""
    known = last(uow)
    return known is not None and not known.over


def list_from(uow: UnitOfWork) -> datetime | None:
    """From when on the provider's list is still to be read; None: nothing is."""
    known = last(uow)
    return None if known is None or known.listed or known.over else known.since


def list_read(uow: UnitOfWork, now: datetime) -> None:
    """Everything that came in since the backup is kept."""
    known = last(uow)
    if known is not None and not known.listed:
        _stamp(uow, _LISTED, known, now)


def opt_outs_entered(hub: Hub, actor: Actor) -> Restored:
    """An operator says so. Raises ``Refused`` where nothing waits for it."""
    require(actor, OPERATORS)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        known = last(uow)
        if known is None or known.entered or known.over:
            raise Refused("No restore waits for opt-outs to be entered.")
        _stamp(uow, _ENTERED, known, now)
        uow.audit.write(now, actor.name, "restore.opt-outs-entered", "database", {"since": known.since})
        uow.commit()
    return known


def end_if_known(uow: UnitOfWork, hub: Hub, known: Restored, now: datetime) -> bool:
    """Let patients be texted once every opt-out since the backup stands in the ledger; whether it is so now."""
    read = known.listed or hub.texts is None
    if known.over or not known.entered or not read or uow.outbox.inbound.unhandled(1):
        return False
    _stamp(uow, _OVER, known, now)
    uow.audit.write(now, HUB.name, "restore.texts-again", "database", {"since": known.since})
    return True


def may_be_on_a_phone(uow: UnitOfWork, known: Restored | None, phone: str, now: datetime) -> range:
    """Numbers that pages since the backup may have carried: an answer to one of those must not take another alert."""
    if known is None or now - known.at >= NOT_REUSED:
        return range(0)
    codes = uow.outbox.codes(phone, now - NOT_REUSED)
    before = [code.digit for code in codes if code.issued_at <= known.since]
    return range(1, max(before, default=0) + NUMBERS_LOST + 1)


def _later(operations: Operations, name: str, of: datetime) -> datetime | None:
    stamp = operations.stamp(name)
    if stamp is None:
        return None
    restore, at = (datetime.fromisoformat(one) for one in json.loads(stamp))
    return at if restore == of else None


def _stamp(uow: UnitOfWork, name: str, known: Restored, now: datetime) -> None:
    uow.operations.restamp(name, json.dumps([known.at.isoformat(), now.isoformat()]))
