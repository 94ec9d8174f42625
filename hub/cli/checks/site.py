"""What the clinic must say before anybody depends on its hub (SF12, SF19)."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from zoneinfo import ZoneInfo

import phonenumbers

from hub.adapters.probes.clock import synchronised
from hub.cli.checks.subject import Subject
from hub.domain.gsm7 import plain
from hub.domain.text_lint import tells
from hub.domain.texts import LONGEST_CLINIC
from hub.services.checkup.finding import Finding, fine, must, should
from hub.settings import NO_CLINIC_NAME


def emergency_number(subject: Subject) -> Iterator[Finding]:
    """What patients are told to call."""
    number = subject.settings.emergency_number
    if re.fullmatch(r"\+?[0-9][0-9 -]{1,18}", number):
        yield fine(f"Patients are told to call {number} in an emergency.")
    else:
        said = f"{number} is no number to call" if number else "No emergency number is set"
        why = "The hub does not start without one, and has no default: another country's could cost a life."
        yield must(f"{said}.", why, "RPMHUB_EMERGENCY_NUMBER=…")


def clinic_phone(subject: Subject) -> Iterator[Finding]:
    """What a patient calls for advice."""
    number = subject.settings.clinic_phone
    if number:
        yield fine(f"Who texts HELP is told to call {number}.")
    else:
        why = "Who texts HELP is told nothing but the emergency number."
        yield should("No phone of the clinic is set.", why, "RPMHUB_CLINIC_PHONE=…, as a patient dials it")


def clinic_name(subject: Subject) -> Iterator[Finding]:
    """What stands first in every text, on a phone that lies on a table."""
    name = plain(subject.settings.clinic_name, LONGEST_CLINIC)
    told = tells(name)
    if told:
        why = f'Every text begins with "{name}": whoever sees the phone learns why the patient is watched.'
        yield should(f'The clinic\'s name says "{told[0]}".', why, "RPMHUB_CLINIC_NAME=…, a name without a condition")
    elif name == NO_CLINIC_NAME:
        why = "Whoever gets one does not know who writes, and agreed to texts of a clinic by its name."
        yield should(f"No clinic name is set: texts begin with {name}.", why, "RPMHUB_CLINIC_NAME=…")
    else:
        yield fine(f"Texts begin with {name}.")


def last_resort(subject: Subject) -> Iterator[Finding]:
    """Who is paged when nobody else can be."""
    phone = subject.settings.last_resort_phone
    mend = "RPMHUB_LAST_RESORT_PHONE=+…, in E.164, of somebody who always answers"
    if not phone:
        yield must("No last resort is set.", "A red can end with nobody, so the hub does not start.", mend)
        return
    number = phonenumbers.parse(phone, None)
    if not phonenumbers.is_possible_number(number):
        yield must(f"The last resort's number {phone} has the wrong length.", "It reaches nobody.", mend)
    elif not phonenumbers.is_valid_number(number):
        yield should(f"The last resort's number {phone} is in no range in use.", "It may reach nobody.", mend)
    else:
        yield fine("The last resort has a phone.")


def zone(subject: Subject) -> Iterator[Finding]:
    """The clinic's wall clock."""
    name = subject.settings.clinic_zone
    if not name:
        why = "The hub does not start without it: when a reading is due is told by the wall clock."
        yield must("No clinic zone is set.", why, "RPMHUB_CLINIC_ZONE=Europe/London, or what yours is")
        return
    here = subject.now.astimezone(ZoneInfo(name))
    yield fine(f"The clinic's clock shows {here:%Y-%m-%d %H:%M} ({name}, {_zone_data()}).")


def _zone_data() -> str:
    """Which rules of summer time it goes by."""
    try:
        return f"tzdata {version('tzdata')}"
    except PackageNotFoundError:
        return "the system's zone data"


def clock(_subject: Subject) -> Iterator[Finding]:
    """Whether the machine's own time can be trusted."""
    yield from kept_right(kept=synchronised())


def kept_right(*, kept: bool | None) -> Iterator[Finding]:
    """What follows from the kernel's answer; None: it gave none."""
    why = "Readings are dated and pages are due by it."
    if kept is None:
        yield should("Whether the system clock is kept right cannot be told here.", why, "timedatectl show-timesync")
    elif kept:
        yield fine("The system clock is synchronised.")
    else:
        yield should("The system clock is not synchronised.", why, "timedatectl set-ntp true")
