"""What is set, whether it can work, and how to mend what cannot."""

import json
import os
import sys
from collections import Counter

import click

from hub.adapters.clock import SystemClock, SystemIds
from hub.cli.context import settings
from hub.errors import WrongSetting
from hub.services.checkup.finding import Need, Report, must
from hub.settings import describe

MARKS = {Need.MUST: "MUST", Need.SHOULD: "should", Need.FINE: "fine"}


@click.command()
@click.option(
    "--settings", "show_settings", is_flag=True, help="Print every setting with its value and what it is for."
)
@click.option("--whole", is_flag=True, help="Read the database to its end, however long that takes.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(show_settings: bool, whole: bool, as_json: bool) -> None:
    """Say what must be mended before patients depend on this hub, and how. It changes nothing.

    Ends with status 1 while something must be mended. With --settings it prints the settings, secrets masked.
    """
    if show_settings:
        for name, value, text in describe(settings()):
            click.echo(f"{name}={value}\n    {text}")
        return
    report = _report(whole)
    click.echo(_as_json(report) if as_json else _as_text(report))
    sys.exit(any(finding.need is Need.MUST for _about, finding in report))


def _report(whole: bool) -> Report:
    from hub.cli.checks.examination import examine  # its libraries are for this command alone
    from hub.cli.checks.subject import Subject

    try:
        known = settings()
    except WrongSetting as error:
        return [("settings", must(str(error), "The hub does not start.", "Correct what it names"))]
    return examine(Subject(known, os.environ, SystemClock(), SystemIds().token(), whole=whole))


def _as_json(report: Report) -> str:
    rows = [{"check": about, "need": f.need, "what": f.what, "why": f.why, "mend": f.mend} for about, f in report]
    return json.dumps({"ready": all(row["need"] != Need.MUST for row in rows), "findings": rows}, ensure_ascii=False)


def _as_text(report: Report) -> str:
    """What is worst stands first, each with its mark in words."""
    order = sorted(report, key=lambda row: list(Need).index(row[1].need))
    lines = []
    for about, finding in order:
        lines.append(f"{MARKS[finding.need]:8}{about}: {finding.what}")
        lines += [f"{'':10}{finding.why}"] if finding.why else []
        lines += [f"{'':10}Mend: {finding.mend}"] if finding.mend else []
    return "\n".join([*lines, "", _summary(report)])


def _summary(report: Report) -> str:
    count = Counter(finding.need for _about, finding in report)
    if not count[Need.MUST]:
        return f"Nothing must be mended; {count[Need.SHOULD]} should be, {count[Need.FINE]} are fine."
    tail = f"{count[Need.SHOULD]} should be, {count[Need.FINE]} are fine."
    return f"{count[Need.MUST]} must be mended before patients depend on this hub; {tail}"
