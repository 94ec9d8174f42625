"""Whether readings are judged, and whether somebody is there when they are bad."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from hub.domain.checkin_template import check_template
from hub.domain.checkins import CheckIn
from hub.domain.patients import Monitoring
from hub.domain.protocols import Protocol
from hub.errors import BrokenProtocol
from hub.services.checkup.finding import Finding, fine, must, should
from hub.services.paging import care_team, operators
from hub.services.ports.storage import UnitOfWork

Templates = Mapping[str, tuple[bytes, Protocol]]
CheckInTemplates = Mapping[str, tuple[bytes, CheckIn]]
WATCHED = (Monitoring.ACTIVE, Monitoring.PAUSED)


def people(uow: UnitOfWork) -> Iterator[Finding]:
    """Who is paged first (SF12)."""
    team = care_team(uow, None)
    add = "rpmhub user add --role nurse --phone +… --login … --name …"
    if not team:
        yield must("No nurse or physician has a phone.", "A red goes straight to the last resort.", add)
    elif len(team) == 1:
        yield should("One nurse or physician has a phone.", "If they do not answer, only the last resort is left.", add)
    else:
        yield fine("Two people are paged one after the other.")
    if not operators(uow):
        yield should(
            "No operator has a phone.",
            "That the hub itself fails is told to the last resort alone.",
            add.replace("nurse", "operator"),
        )


def in_force(uow: UnitOfWork, templates: Templates) -> Iterator[Finding]:
    """Which protocols a new patient may be put on, and who signed them (SF21)."""
    copies = uow.protocols.all_current()
    if not copies:
        yield must(
            "No protocol is in force.",
            "No reading is judged, and no alert opens.",
            "rpmhub protocol sign ID --by NAME, for one that rpmhub protocol list shows",
        )
        return
    yield fine(f"In force: {', '.join(one.protocol.id for one in copies)}.")
    for one in copies:
        name = one.protocol.id
        sign = f"rpmhub protocol sign {name} --by NAME"
        if one.protocol.signed_by is None:
            yield must(f"Protocol {name} is in force unsigned.", "No clinician answers for its limits.", sign)
        elif name in templates and one.sha256 != _hash(templates, name):
            yield should(
                f"The file of protocol {name} differs from the copy in force.",
                "What this version improved, or your site changed, changes nobody's care until it is signed.",
                f"Read it, then {sign}",
            )


def asked(uow: UnitOfWork, templates: CheckInTemplates) -> Iterator[Finding]:
    """What patients are asked by text, and who signed it (SF21)."""
    copies = uow.checkins.all_current()
    if not copies:
        yield fine("No check-in is in force: no patient is asked anything by text.")
        return
    yield fine(f"Asked by text: {', '.join(one.checkin.id for one in copies)}.")
    for one in copies:
        name = one.checkin.id
        sign = f"rpmhub checkin sign {name} --by NAME"
        if one.checkin.signed_by is None:
            yield must(f"Check-in {name} is in force unsigned.", "No clinician answers for it: it is not asked.", sign)
        elif name in templates and one.sha256 != _hash(templates, name):
            yield should(
                f"The file of check-in {name} differs from the copy in force.",
                "What this version improved, or your site changed, is asked of nobody until it is signed.",
                f"Read it, then {sign}",
            )
        yield from _outgrown(one.checkin, f"Mend its file, then {sign}")


def _outgrown(checkin: CheckIn, mend: str) -> Iterator[Finding]:
    """A copy that was signed before this version became stricter."""
    try:
        check_template(checkin)
    except BrokenProtocol as error:
        what = f"This version would not take check-in {checkin.id} as it was signed: {error}."
        yield should(what, "It goes on being asked as it is.", mend)


def enrolled(uow: UnitOfWork, templates: Templates, now: datetime) -> Iterator[Finding]:
    """Whether each patient is watched, and by which copy."""
    patients = uow.patients.in_state(*WATCHED)
    on = uow.protocols.of_patients([one.id for one in patients], now)
    without = sorted(one.id for one in patients if one.id not in on and not one.is_test)
    older: dict[str, list[int]] = {}
    for one in patients:
        for enrolment in on.get(one.id, ()):
            name = enrolment.in_force.protocol.id
            if name in templates and enrolment.in_force.sha256 != _hash(templates, name):
                older.setdefault(name, []).append(one.id)
    if without:
        yield must(
            f"On no protocol: {_ids(without)}.",
            "Their readings are kept and judged by nothing.",
            f"rpmhub patient assign {without[0]} PROTOCOL",
        )
    for name, ids in sorted(older.items()):
        yield should(
            f"On another copy of {name} than its file now: {_ids(sorted(ids))}.",
            "They keep the limits they were given until a clinician gives them others.",
            f"Read the new one, sign it, then rpmhub patient assign {min(ids)} {name}",
        )
    if patients and not without and not older:
        yield fine(f"Patients in care: {len(patients)}, each on a protocol as its file is now.")


def zones(uow: UnitOfWork) -> Iterator[Finding]:
    """Whether each patient's day is known here."""
    for zone in sorted({one.zone for one in uow.patients.in_state(*WATCHED)}):
        try:
            ZoneInfo(zone)
        except (KeyError, OSError, ValueError):
            yield must(
                f"A patient's time zone, {zone}, is not known on this machine.",
                "When their readings are due cannot be told.",
                "pip install --upgrade tzdata",
            )


def _hash(templates: Templates | CheckInTemplates, name: str) -> str:
    return sha256(templates[name][0]).hexdigest()


def _ids(ids: list[int]) -> str:
    """By number: a name has no place in a terminal's history."""
    shown = ", ".join(str(number) for number in ids[:5])
    kind = "patient" if len(ids) == 1 else "patients"
    return f"{kind} {shown}" + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
