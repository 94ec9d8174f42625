"""What is known after a run: the cuffs' own log on one side, the rows of gateway and hub on the other."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from device_gateway.spool import FILE
from hub.adapters.sql.tables.alerting import alert, alert_event, demo_phone, outbox
from hub.adapters.sql.tables.measurements import finding, journal, quarantine, reading
from hub.services.ingest.samples import VALUES_PER_READING
from tests.faults.clinic import Clinic
from tests.faults.cuffs import Record


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement as the cuff's log has it. ``episode`` None: the patient was well."""

    record: Record
    at: datetime
    accepted: bool
    problem: str | None = None
    rules: frozenset[str] = frozenset()
    episode: int | None = None


@dataclass(frozen=True, slots=True)
class Spooled:
    """A reading in the gateway's spool: ``kept`` is acknowledged by the hub, ``queue`` waits, ``refused`` is put by."""

    place: str
    seq: int
    record: Record


@dataclass(frozen=True, slots=True)
class Journalled:
    """A journal row."""

    id: int
    seq: int
    record: Record
    status: str
    values: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A finding that stands."""

    journal_id: int
    rule: str
    alert_id: int | None


@dataclass(frozen=True, slots=True)
class Alerted:
    """An alert."""

    id: int
    kind: str
    subject: str
    problem: str
    state: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that had to leave. ``place`` is (round, step) of a page."""

    id: int
    kind: str
    alert_id: int | None
    place: tuple[int | None, int | None]
    state: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it. ``given`` is how many sequence numbers the spool gave out."""

    measured: tuple[Measured, ...]
    given: int
    dropped: int
    undecodable: int
    spooled: tuple[Spooled, ...]
    journal: tuple[Journalled, ...]
    readings: tuple[int, ...]
    refused: tuple[str, ...]
    findings: tuple[Found, ...]
    alerts: tuple[Alerted, ...]
    paged: tuple[int, ...]
    """An alert's id for every time its history says that somebody was paged."""
    messages: tuple[Sent, ...]
    phones: tuple[int | None, ...]
    """The message behind each text that a phone shows."""


def gather(clinic: Clinic) -> Evidence:
    """What is there now."""
    with sqlite3.connect(f"file:{clinic.directory / 'gateway' / FILE}?mode=ro", uri=True) as spool:
        given, dropped, undecodable, spooled = _spool(spool)
    spool.close()
    with clinic.reading.connect() as hub:
        return Evidence(
            measured=measured(clinic.directory / "measured.jsonl"),
            given=given,
            dropped=dropped,
            undecodable=undecodable,
            spooled=spooled,
            journal=_journal(hub),
            readings=tuple(hub.execute(select(reading.c.reading_id)).scalars()),
            refused=tuple(hub.execute(select(quarantine.c.code)).scalars()),
            findings=_findings(hub),
            alerts=tuple(Alerted(*row) for row in hub.execute(_ALERTS)),
            paged=tuple(hub.execute(_PAGED).scalars()),
            messages=_messages(hub),
            phones=tuple(hub.execute(select(demo_phone.c.outbox_id).where(~demo_phone.c.inward)).scalars()),
        )


def measured(log: Path) -> tuple[Measured, ...]:
    """The cuffs' log."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    accepted = {tuple(line["accepted"]) for line in lines if "accepted" in line}
    return tuple(
        Measured(
            record=(line["measured"][0], line["measured"][1]),
            at=datetime.fromisoformat(line["at"]),
            accepted=tuple(line["measured"]) in accepted,
            problem=line["problem"],
            rules=frozenset(line["rules"]),
            episode=line["episode"],
        )
        for line in lines
        if "measured" in line
    )


_SLOW = alert.c.problem.like("module:%") & alert.c.sentence.like("% module took %")
"""The hub says that the machine is slow, which is no fault of the story."""
_OF_ALERT = (alert.c.id, alert.c.kind, alert.c.subject, alert.c.problem, alert.c.state, alert.c.opened_at)
_ALERTS = select(*_OF_ALERT).where(~_SLOW)
_PAGED = select(alert_event.c.alert_id).where(alert_event.c.transition.in_(["ESC-1", "ESC-2"]))


def _spool(db: sqlite3.Connection) -> tuple[int, int, int, tuple[Spooled, ...]]:
    counts = dict(db.execute("SELECT name, value FROM meta"))
    rows = []
    for place in ("kept", "queue", "refused"):
        rows += [
            Spooled(place, seq, (body["device"], body["record"]))
            for seq, body in ((seq, json.loads(body)) for seq, body in db.execute(f"SELECT seq, body FROM {place}"))
        ]
    given, dropped, undecodable = (counts.get(f"{name}_total", 0) for name in ("taken", "dropped", "quarantined"))
    return given, dropped, undecodable, tuple(rows)


def _journal(hub: Connection) -> tuple[Journalled, ...]:
    rows = []
    for row in hub.execute(select(journal).order_by(journal.c.id)):
        body = json.loads(row.body)["reading"]
        record = (row.device, body["record"])
        rows.append(Journalled(row.id, row.seq, record, row.status, len(body["values"]), row.hub_received_at))
    return tuple(rows)


def _messages(hub: Connection) -> tuple[Sent, ...]:
    rows = hub.execute(select(outbox).order_by(outbox.c.id))
    return tuple(Sent(r.id, r.kind, r.alert_id, (r.round, r.step), r.state, r.attempts_started) for r in rows)


def _findings(hub: Connection) -> tuple[Found, ...]:
    standing = select(finding.c.reading_id, finding.c.rule, finding.c.alert_id).where(
        finding.c.superseded_at.is_(None), finding.c.reading_id.is_not(None)
    )
    return tuple(Found(row.reading_id // VALUES_PER_READING, row.rule, row.alert_id) for row in hub.execute(standing))
