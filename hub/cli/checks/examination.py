"""Running checks side by side: none waits for another, and the whole is over in time."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from hub.cli.checks import OF_ITS_ROWS, OF_THE_SITE, Check, Checks
from hub.cli.checks.subject import Subject
from hub.errors import HubError
from hub.services.checkup.finding import Finding, Need, Report, must, should

GRACE_S = 0.5
"""Beyond what a check may wait for: the bound is the subject's, this is for the way there and back."""


@dataclass(slots=True)
class _Run:
    """One check in its own thread, which dies with the program: a name server that hangs holds up nobody."""

    about: str
    check: Check
    found: list[Finding] | None = None
    thread: threading.Thread = field(init=False)

    def start(self, subject: Subject) -> None:
        self.thread = threading.Thread(target=self._work, args=(subject,), daemon=True, name=f"check {self.about}")
        self.thread.start()

    def _work(self, subject: Subject) -> None:
        self.found = _findings(self.check, subject)

    def result(self, within_s: float | None) -> Iterable[tuple[str, Finding]]:
        """What it found by then."""
        self.thread.join(within_s)
        late = must("This could not be told in time.", "What is not known is not fine.", "rpmhub doctor, again")
        return [(self.about, finding) for finding in (self.found if self.found is not None else [late])]


def _findings(check: Check, subject: Subject) -> list[Finding]:
    try:
        return list(check(subject))
    except HubError as error:
        return [must(str(error), "The hub cannot work with it.", "Correct what it names")]
    except Exception as error:  # noqa: BLE001 - a check that fails hides no other; its words may hold a secret
        said = getattr(error, "strerror", None) or type(error).__name__
        why = "What is not known is not fine."
        return [must(f"This could not be looked at: {said}.", why, "rpmhub doctor, as the owner of the data")]


def examine(subject: Subject, of_the_site: Checks = OF_THE_SITE, of_its_rows: Checks = OF_ITS_ROWS) -> Report:
    """Every finding under the name of its check, in the order of the lists."""
    began = subject.clock.monotonic()
    report = _run(of_the_site, subject, began)
    if any(about == "database" and finding.need is Need.MUST for about, finding in report):
        what = "Who is on call, protocols, gateways and roles could not be looked at."
        report.append(("rows", should(what, "They stand in the database.", "Mend the database, then rpmhub doctor")))
        return report
    return report + _run(of_its_rows, subject, began)


def _run(checks: Checks, subject: Subject, began: float) -> Report:
    runs = [_Run(about, check) for about, check in checks]
    for run in runs:
        run.start(subject)
    report: Report = []
    for run in runs:
        left = began + subject.within_s + GRACE_S - subject.clock.monotonic()
        report += run.result(None if subject.whole and run.about == "database" else max(left, GRACE_S / 2))
    return report
