"""Everything ``rpmhub doctor`` looks at: a check is one function that yields findings, and one line in these lists."""

from collections.abc import Callable, Iterator

from hub.bootstrap import checkin_templates, templates
from hub.cli.checks import answers, backups, broker, database, files, pages, safety, series, site, texts
from hub.cli.checks.subject import Subject
from hub.services.checkup import care, running
from hub.services.checkup.finding import Finding

Check = Callable[[Subject], Iterator[Finding]]
Checks = tuple[tuple[str, Check], ...]


def people(subject: Subject) -> Iterator[Finding]:
    """Who is paged."""
    with subject.rows() as uow:
        yield from care.people(uow)


def protocols(subject: Subject) -> Iterator[Finding]:
    """What readings are judged by."""
    known = templates(subject.settings)
    with subject.rows() as uow:
        yield from care.in_force(uow, known)
        yield from care.enrolled(uow, known, subject.now)


def checkins(subject: Subject) -> Iterator[Finding]:
    """What patients are asked."""
    known = checkin_templates(subject.settings)
    with subject.rows() as uow:
        yield from care.asked(uow, known)


def zones(subject: Subject) -> Iterator[Finding]:
    """Where patients live."""
    with subject.rows() as uow:
        yield from care.zones(uow)


def gateways(subject: Subject) -> Iterator[Finding]:
    """What delivers."""
    with subject.rows() as uow:
        yield from running.gateways(uow.gateways.all(), subject.now)


def roles(subject: Subject) -> Iterator[Finding]:
    """What works."""
    with subject.rows() as uow:
        yield from running.roles(uow.operations.heartbeats(), subject.now)


OF_THE_SITE: Checks = (
    ("emergency", site.emergency_number),
    ("clinic phone", site.clinic_phone),
    ("last resort", site.last_resort),
    ("clinic name", site.clinic_name),
    ("clinic zone", site.zone),
    ("clock", site.clock),
    ("data directory", files.data_dir),
    ("free space", files.room),
    ("owners", files.owners),
    ("secrets", files.secrets),
    ("site directory", files.site_dir),
    ("database", database.database),
    ("clean stop", safety.closed),
    ("reserved space", safety.reserved),
    ("sqlite", database.sqlite),
    ("series copy", series.copied),
    ("broker", broker.carries),
    ("broker's door", broker.strangers),
    ("public address", pages.public_url),
    ("pages", pages.listening),
    ("channel", texts.channel),
    ("answers", answers.brought),
)
"""Whatever state the hub is in."""

OF_ITS_ROWS: Checks = (
    ("mode", database.mode),
    ("backups", backups.newest),
    ("restore", backups.after_restore),
    ("last check", safety.last_check),
    ("people", people),
    ("protocols", protocols),
    ("check-ins", checkins),
    ("time zones", zones),
    ("gateways", gateways),
    ("broker files", broker.its_files),
    ("roles", roles),
)
"""Only where the database can be read."""
