"""What is missing is never fine."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.viewmodels.patient_state import CODES, STALE, panel_order, state_of
from hub.domain.patients import Monitoring
from hub.domain.severity import Severity
from tests.unit.dashboards.shown import NOW, ZONE, ago, patient, sample, watch

HOURS = st.floats(min_value=0, max_value=24 * 60)
RED = ("K7Q2", "clinical", Severity.RED)


@given(
    age=st.none() | HOURS,
    interval=st.floats(min_value=0.5, max_value=24 * 14),
    state=st.sampled_from(["due", "late", "no_data"]),
    others=st.integers(min_value=0, max_value=3),
    alerts=st.lists(st.sampled_from([RED, ("M3XT", "missing", Severity.LOW)]), max_size=2),
    monitoring=st.sampled_from(list(Monitoring)),
)
def test_a_stale_patient_is_never_in_range(
    age: float | None,
    interval: float,
    state: str,
    others: int,
    alerts: list[tuple[str, str, Severity]],
    monitoring: Monitoring,
) -> None:
    latest = None if age is None else ago(hours=age)
    doubtful = watch(latest, interval=timedelta(hours=interval), state=state)
    row = patient(*[watch() for _ in range(others)], doubtful, open_alerts=tuple(alerts), monitoring=monitoring)
    shown = state_of(row, NOW, ZONE)
    stale = age is None or timedelta(hours=age) > timedelta(hours=interval) * STALE or state != "due"
    if stale or alerts or monitoring is not Monitoring.ACTIVE:
        assert shown.code != "in_range"
        assert shown.tone != "calm"
    else:
        assert shown.code == "in_range"
    assert shown.code in CODES
    assert shown.word


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        (patient(watch(ago(hours=2))), "in_range", "last reading 2 h ago"),
        (patient(watch(ago(days=2))), "no_data", "no SpO2 for 2 days"),
        (patient(watch(None)), "no_data", "never a SpO2 reading"),
        (patient(watch(None, counted_from=ago(hours=2))), "waiting", "expected by Mon 23 Nov 02:04"),
        (patient(watch(ago(hours=20), state="late")), "late", "SpO2 expected and not here yet"),
        (patient(), "not_monitored", "no readings are planned"),
        (patient(watch(), monitoring=Monitoring.INVITED), "invited", "not started yet"),
        (
            patient(watch(), open_alerts=(("K", "missing", Severity.LOW),)),
            "no_data",
            "an expected reading or answer did not come",
        ),
        (patient(watch(ago(days=3)), open_alerts=(RED,)), "open", "also no SpO2 for 3 days"),
    ],
)
def test_states_in_words(row: object, code: str, words: str) -> None:
    shown = state_of(row, NOW, ZONE)  # type: ignore[arg-type]
    assert (shown.code, shown.detail) == (code, words)


def test_silence_says_how_long_in_its_first_word() -> None:
    scale = watch(ago(days=5), metric="body_weight")
    assert state_of(patient(watch(ago(days=2)), scale), NOW, ZONE).word == "no data 5 days"
    assert state_of(patient(watch(None)), NOW, ZONE).word == "no data"
    unusable = patient(watch(), latest=(sample("0", flags=frozenset({"zero_is_no_signal"})),))
    assert state_of(unusable, NOW, ZONE).word == "no data"


def test_a_pause_says_until_when_and_why() -> None:
    row = patient(monitoring=Monitoring.PAUSED, paused_until=NOW + timedelta(days=1), state_reason="in hospital")
    assert state_of(row, NOW, ZONE).detail == "until Mon 23 Nov 14:04: in hospital"


def test_a_reading_that_is_no_measurement_is_no_data() -> None:
    row = patient(watch(), latest=(sample("0", flags=frozenset({"zero_is_no_signal"})),))
    assert state_of(row, NOW, ZONE).detail == "last SpO2 reading was not usable"


def test_whoever_needs_a_person_stands_first() -> None:
    rows = [patient(watch()), patient(), patient(watch(ago(days=3))), patient(watch(), open_alerts=(RED,))]
    states = sorted(((row, state_of(row, NOW, ZONE)) for row in rows), key=lambda pair: panel_order(*pair))
    assert [state.code for _, state in states] == ["open", "no_data", "in_range", "not_monitored"]
