"""What an alert rests on: one finding in full, each other rule in a line, the rest behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.domain.severity import Severity
from hub.services.views.alerts import AlertPage, FindingLine


@dataclass(frozen=True, slots=True)
class Evidence:
    """Newest first throughout."""

    leading: FindingLine | None
    """The newest finding, at the alert's severity, of the rule that set it."""
    others: tuple[FindingLine, ...]
    """The newest of every other rule, and of the leading one where it has become milder."""
    earlier: tuple[FindingLine, ...]
    unlisted: int
    """Further earlier ones, which the page does not list."""


def evidence(page: AlertPage) -> Evidence:
    """The findings of an alert in the order a reader needs them."""
    findings = sorted(page.findings, key=lambda finding: finding.id, reverse=True)
    leading = _leading(findings, page.alert.sentence, page.alert.severity)
    if leading is None:
        return Evidence(None, (), (), 0)
    newest: dict[str, FindingLine] = {}
    for finding in findings:
        newest.setdefault(finding.rule, finding)
    others = tuple(finding for finding in newest.values() if finding.id != leading.id)
    shown = {leading.id, *(finding.id for finding in others)}
    earlier = tuple(finding for finding in findings if finding.id not in shown)
    return Evidence(leading, others, earlier, max(0, len(page.found) - len(findings)))


def _leading(findings: Sequence[FindingLine], sentence: str, severity: Severity) -> FindingLine | None:
    if not findings:
        return None
    setter = next((f for f in reversed(findings) if f.sentence == sentence), None)
    of_rule = [f for f in findings if setter is not None and f.rule == setter.rule and f.severity == severity]
    at_severity = of_rule or [f for f in findings if f.severity == severity] or list(findings)
    standing = [f for f in at_severity if f.superseded_at is None]
    return (standing or at_severity)[0]
