"""SF1: tries that gave no value, and values beyond belief."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pytest

from hub.domain.findings import Deadline
from hub.domain.protocols import after_attempt
from hub.domain.rules.artefact import Artefact
from hub.domain.samples import Attempt, Sample
from hub.domain.screening import unmeasured
from hub.domain.severity import Severity
from tests.unit.domain.builders import (
    MIN,
    NOW,
    PATIENT,
    PROTOCOLS,
    found,
    history_of,
    rule,
    sample,
    unread,
    worst,
)

_rule = rule("copd", "no-valid-reading")
assert isinstance(_rule, Artefact)
RULE: Artefact = _rule
SPO2 = "oxygen_saturation"


def failed(ago: timedelta = 0 * MIN, metric: str = SPO2, flags: Iterable[str] = ("no_signal",)) -> Attempt:
    return Attempt(1, metric, NOW - ago, failed=True, obtained=False, flags=frozenset(flags))


def obtained(ago: timedelta) -> Attempt:
    return Attempt(1, SPO2, NOW - ago, failed=False, obtained=True)


def duties(past: Sequence[Attempt], now: Attempt | None = None) -> list[Deadline]:
    def earlier(metric: str, since: datetime, until: datetime) -> list[Attempt]:
        return sorted((one for one in past if one.metric == metric and since <= one.at < until), key=lambda one: one.at)

    return [deadline for _, deadline in after_attempt(PROTOCOLS["copd"], now or failed(), earlier, PATIENT)]


def test_one_failed_attempt_is_nothing() -> None:
    assert duties([]) == []
    assert duties([failed(31 * MIN)]) == []
    assert duties([failed(5 * MIN, metric="pulse_rate")]) == []


def test_a_second_one_within_30_min_must_be_followed_by_a_valid_one() -> None:
    (deadline,) = duties([failed(30 * MIN)])
    assert (deadline.kind, deadline.metric, deadline.due_at) == ("no_valid_repeat", SPO2, NOW + 15 * MIN)
    assert deadline.finding.severity is Severity.RED
    assert (
        deadline.finding.sentence
        == "Cannot obtain a reading: SpO2 failed twice, 30 min apart, none valid within 15 min"
    )
    assert deadline.finding.inputs["attempt"] == "2026-11-22T07:00:00Z: no_signal"


def test_a_value_between_breaks_the_run() -> None:
    assert duties([failed(20 * MIN), obtained(10 * MIN)]) == []
    assert duties([obtained(20 * MIN), failed(10 * MIN)])


def test_a_failing_oximeter_sets_one_duty_a_quarter_hour_not_one_a_second() -> None:
    keys = set()
    for second in range(1, 3600, 10):
        now = Attempt(1, SPO2, NOW + timedelta(seconds=second), failed=True, obtained=False)
        keys |= {deadline.key for deadline in RULE.after_attempt(now, lambda *_: [failed()], PATIENT)}
    assert len(keys) == 4


def test_a_duty_that_was_cancelled_does_not_stand_in_for_the_next() -> None:
    """Two failures, a value, two failures, all within one quarter hour."""
    first = RULE.after_attempt(failed(-3 * MIN), lambda *_: [failed(-2 * MIN)], PATIENT)[0]
    past = [failed(-2 * MIN), failed(-3 * MIN), obtained(-5 * MIN), failed(-8 * MIN)]
    second = RULE.after_attempt(failed(-10 * MIN), lambda *_: past, PATIENT)[0]
    assert first.key != second.key


@pytest.mark.parametrize(
    ("repeat", "cancels"),
    [
        (sample(SPO2, "97", NOW + MIN), True),
        (sample(SPO2, "80", NOW + MIN), True),  # it speaks for itself
        (sample(SPO2, "97", NOW - MIN), False),
        (sample(SPO2, "0", NOW + MIN), False),
        (sample(SPO2, "20", NOW + MIN), False),
        (sample(SPO2, "97", NOW + MIN, flags=frozenset({"poor_signal"})), False),
        (sample("pulse_rate", "70", NOW + MIN), False),
    ],
)
def test_only_a_valid_value_of_that_metric_cancels(repeat: Sample, *, cancels: bool) -> None:
    assert duties([failed(5 * MIN)])[0].cancelled_by(repeat) is cancels


def test_zeros_and_declared_faults_are_attempts_without_a_value() -> None:
    past = [sample(SPO2, "0", NOW - 5 * MIN)]
    fault = sample(SPO2, "91", flags=frozenset({"poor_signal"}))
    (deadline,) = RULE.deadlines(fault, history_of(past), PATIENT)
    assert deadline.key == duties([failed(5 * MIN)])[0].key  # told twice, it is one duty
    assert RULE.deadlines(sample(SPO2, "91"), unread, PATIENT) == ()


def test_a_reading_without_its_value_is_a_failed_attempt() -> None:
    flags = frozenset({"invalid_value"})
    made = unmeasured("pulse-oximeter", [], flags, reading_id=3, at=NOW)
    assert made == [
        Attempt(3, SPO2, NOW, failed=True, obtained=False, flags=flags),
        Attempt(3, "pulse_rate", NOW, failed=True, obtained=False, flags=flags),
    ]
    assert unmeasured("glucose-meter", [], frozenset(), reading_id=3, at=NOW)[0].failed
    assert unmeasured("manual", [], frozenset(), reading_id=3, at=NOW) == []


def test_a_reading_may_leave_out_what_its_device_never_measured() -> None:
    assert unmeasured("pulse-oximeter", [SPO2], frozenset(), reading_id=3, at=NOW) == []
    (failed,) = unmeasured("pulse-oximeter", [SPO2], frozenset({"poor_signal"}), reading_id=3, at=NOW)
    assert failed.metric == "pulse_rate"


@pytest.mark.parametrize("value", ["12", "210", "-4"])
def test_a_value_beyond_belief_on_a_side_without_a_limit_pages_marked(value: str) -> None:
    one = sample("diastolic_blood_pressure", value)
    finding = found(RULE.evaluate(one, unread, PATIENT))
    assert (finding.severity, finding.confirmed) == (Severity.RED, False)
    assert finding.sentence.endswith(", outside 20 to 200 mmHg, unconfirmed, may be artefact")
    assert worst("hypertension", one) is Severity.RED


def test_it_says_nothing_of_a_fault_or_of_what_a_threshold_pages() -> None:
    assert RULE.evaluate(sample("diastolic_blood_pressure", "0"), unread, PATIENT) is None
    fault = sample("diastolic_blood_pressure", "12", flags=frozenset({"cuff_loose"}))
    assert RULE.evaluate(fault, unread, PATIENT) is None
    assert RULE.evaluate(sample(SPO2, "20"), unread, PATIENT) is None
    assert RULE.evaluate(sample("diastolic_blood_pressure", "70"), unread, PATIENT) is None


def test_every_protocol_watches_for_artefacts() -> None:
    for name in PROTOCOLS:
        assert rule(name, "no-valid-reading").lookback == 30 * MIN
        assert rule(name, "no-valid-reading").bands(PATIENT) == ()


@pytest.mark.parametrize("flag", ["late", "from_memory", "time_suspect", "device_clock_off", "clock_not_set"])
def test_a_flag_about_time_is_no_failure_of_what_was_not_measured(flag: str) -> None:
    """An oximeter that gives no pulse and sends from its memory has not failed to measure one."""
    assert unmeasured("pulse-oximeter", ["oxygen_saturation"], frozenset({flag}), reading_id=3, at=NOW) == []
