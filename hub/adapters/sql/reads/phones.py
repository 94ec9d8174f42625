"""The demo's phones."""

from sqlalchemy import Connection, select

from hub.adapters.sql.reads.checkins import checkin_of
from hub.adapters.sql.tables.alerting import demo_phone, inbound
from hub.adapters.sql.tables.checkins import checkin_version, conversation
from hub.adapters.sql.tables.people import patient, staff
from hub.services.views.equipment import Bubble, Phone


def phones(connection: Connection, limit: int) -> tuple[Phone, ...]:
    """Every phone of staff and of patients, and every other that a text went to, each with its newest texts."""
    members = (
        select(staff.c.phone, staff.c.name, staff.c.role)
        .where(staff.c.phone.is_not(None), staff.c.disabled_at.is_(None))
        .order_by(staff.c.id)
    )
    owners: dict[str, tuple[str | None, str | None]] = {r.phone: (r.name, r.role) for r in connection.execute(members)}
    of_staff = set(owners)
    for number, name in _patients(connection):
        if number not in of_staff:
            others = owners.get(number, (None, None))[0]
            owners[number] = (f"{others}, {name}" if others else name, "patient")
    said: dict[str, list[Bubble]] = {number: [] for number in owners}
    for number, bubble in _texts(connection, limit):
        said.setdefault(number, []).append(bubble)
    offers = _offers(connection)
    return tuple(
        Phone(number, *owners.get(number, (None, None)), tuple(texts), offers.get(number, ()))
        for number, texts in said.items()
    )


def _patients(connection: Connection) -> list[tuple[str, str]]:
    c = patient.c
    found = select(c.phone, c.name).where(c.phone.is_not(None), c.state != "ended").order_by(c.id)
    return [(row.phone, row.name) for row in connection.execute(found)]


def _offers(connection: Connection) -> dict[str, tuple[tuple[str, str], ...]]:
    """The options of each question that is open, by the number of whoever was asked."""
    found = (
        select(patient.c.phone, conversation.c.step, checkin_version.c.sha256, checkin_version.c.body)
        .join(patient, patient.c.id == conversation.c.patient_id)
        .join(checkin_version, checkin_version.c.id == conversation.c.checkin_version_id)
        .where(conversation.c.state == "open", patient.c.phone.is_not(None))
    )
    offers = {}
    for row in connection.execute(found):
        checkin = checkin_of(row.sha256, row.body)
        if checkin is not None and row.step < len(checkin.steps):
            offers[row.phone] = tuple((one.digit, one.words) for one in checkin.steps[row.step].choices)
    return offers


def _texts(connection: Connection, limit: int) -> list[tuple[str, Bubble]]:
    """The newest texts out and in, by phone, oldest first."""
    newest_out = select(demo_phone).order_by(demo_phone.c.id.desc()).limit(limit)
    newest_in = select(inbound).order_by(inbound.c.id.desc()).limit(limit)
    out = reversed(connection.execute(newest_out).all())
    back = reversed(connection.execute(newest_in).mappings().all())
    texts = [(r.phone, Bubble(f"out-{r.id}", r.inward, r.body, r.at)) for r in out]
    texts += [(r["from"], Bubble(f"in-{r['id']}", True, r["body"], r["received_at"])) for r in back]
    # An answer is of the same instant as the text it answers, and stands after it.
    return sorted(texts, key=lambda text: (text[1].at, not text[1].inward))
