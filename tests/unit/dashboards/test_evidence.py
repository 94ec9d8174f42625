"""What an alert rests on: one in full, one line a rule, the rest behind them."""

from dataclasses import replace

from dashboards.viewmodels.evidence import Evidence, evidence
from hub.domain.severity import Severity
from hub.services.views.alerts import AlertPage, FindingLine
from tests.unit.dashboards.shown import NOW, ago, alert


def finding(number: int, rule: str, severity: Severity, sentence: str = "", **fields: object) -> FindingLine:
    made = FindingLine(
        id=number,
        at=ago(seconds=100 - number),
        found_at=NOW,
        severity=severity,
        sentence=sentence or f"{rule} {number}",
        rule=rule,
        protocol="hypertension",
        protocol_title="Hypertension",
        protocol_version=1,
        signed_by="Dr Imaginary",
        signed_at=NOW,
        confirmed=True,
        retrospective=False,
        superseded_at=None,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def found(*findings: FindingLine, sentence: str, severity: Severity = Severity.RED, kept: int = 0) -> Evidence:
    page = AlertPage(
        alert=alert(sentence=sentence, severity=severity),
        phone=None,
        findings=tuple(reversed(findings)),
        found=(NOW,) * (kept or len(findings)),
        events=(),
        messages=(),
        contacts=(),
        similar=(),
    )
    return evidence(page)


LOW = finding(1, "systolic", Severity.LOW)
SETTER = finding(2, "systolic", Severity.RED, "Systolic 181")
OTHER = finding(3, "diastolic", Severity.AMBER)
AGAIN = finding(4, "systolic", Severity.RED, "Systolic 190")
OTHER_RED = finding(5, "diastolic", Severity.RED)


def test_the_newest_of_the_rule_that_set_the_severity_leads() -> None:
    told = found(LOW, SETTER, OTHER, AGAIN, OTHER_RED, sentence="Systolic 181")
    assert told == Evidence(AGAIN, (OTHER_RED,), (OTHER, SETTER, LOW), 0)


def test_a_milder_word_of_the_same_rule_does_not_hide_what_the_red_rests_on() -> None:
    milder = finding(6, "systolic", Severity.AMBER)
    told = found(SETTER, AGAIN, milder, sentence="Systolic 181")
    assert (told.leading, told.others, told.earlier) == (AGAIN, (milder,), (SETTER,))


def test_one_that_a_later_reading_changed_leads_only_if_there_is_no_other() -> None:
    over = replace(AGAIN, superseded_at=NOW)
    assert found(SETTER, over, sentence="Systolic 181").leading == SETTER
    assert found(over, sentence="Systolic 190").leading == over


def test_nothing_is_lost() -> None:
    told = found(LOW, SETTER, OTHER, AGAIN, sentence="Systolic 181", kept=60)
    assert told.leading is not None
    assert {f.id for f in (told.leading, *told.others, *told.earlier)} == {1, 2, 3, 4}
    assert told.unlisted == 56
    assert found(sentence="x") == Evidence(None, (), (), 0)
    assert found(OTHER_RED, sentence="of a finding no longer kept").leading == OTHER_RED
