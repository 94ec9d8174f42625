"""Checks run side by side: one that hangs or fails holds up and hides no other."""

import threading
from collections.abc import Iterator
from pathlib import Path

from hub.adapters.clock import SystemClock
from hub.cli.checks import OF_ITS_ROWS, OF_THE_SITE
from hub.cli.checks.examination import examine
from hub.cli.checks.subject import Subject
from hub.errors import WrongSetting
from hub.services.checkup.finding import Finding, Need, fine, must
from tests.unit.checkup.subjects import subject


def well(_subject: Subject) -> Iterator[Finding]:
    yield fine("It is well.")


def ill(_subject: Subject) -> Iterator[Finding]:
    yield must("It is not well.", "It matters.", "Mend it")


def refused(_subject: Subject) -> Iterator[Finding]:
    raise WrongSetting("A setting is wrong.")
    yield


def failing(_subject: Subject) -> Iterator[Finding]:
    yield fine("So far.")
    raise RuntimeError("an invented password")


def test_what_hangs_is_left_behind(tmp_path: Path) -> None:
    told = threading.Event()

    def hanging(_subject: Subject) -> Iterator[Finding]:
        told.wait()
        yield fine("Too late.")

    began = SystemClock().monotonic()
    report = examine(subject(tmp_path, within_s=0), (("hangs", hanging), ("well", well)), (("rows too", well),))
    assert SystemClock().monotonic() - began < 2
    told.set()
    assert [(about, finding.need) for about, finding in report] == [
        ("hangs", Need.MUST),
        ("well", Need.FINE),
        ("rows too", Need.FINE),
    ]
    assert report[0][1].what == "This could not be told in time."


def test_what_fails_is_told_without_its_words(tmp_path: Path) -> None:
    report = examine(subject(tmp_path), (("refused", refused), ("failing", failing), ("well", well)), ())
    assert [finding.what for _about, finding in report] == [
        "A setting is wrong.",
        "This could not be looked at: RuntimeError.",
        "It is well.",
    ]
    assert [finding.need for _about, finding in report] == [Need.MUST, Need.MUST, Need.FINE]
    assert "password" not in repr(report)


def test_without_a_database_its_rows_are_not_asked(tmp_path: Path) -> None:
    report = examine(subject(tmp_path), (("database", ill), ("well", well)), (("never", failing),))
    assert [about for about, _finding in report] == ["database", "well", "rows"]


def test_each_check_has_a_name_of_its_own() -> None:
    names = [name for name, _check in (*OF_THE_SITE, *OF_ITS_ROWS)]
    assert len(names) == len(set(names))
