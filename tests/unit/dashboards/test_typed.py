"""What a patient typed is never taken for what a device measured."""

import csv
import io

from dashboards.viewmodels import charts
from dashboards.viewmodels.next_step import advice
from dashboards.viewmodels.patient_state import state_of
from dashboards.viewmodels.spreadsheet import readings_csv
from dashboards.viewmodels.values import doubts, latest_words, origin_words
from hub.domain.samples import PATIENT_REPORTED, WITHDRAWN
from tests.unit.dashboards.shown import NOW, ZONE, ago, alert, patient, sample, series, watch

TYPED = frozenset({PATIENT_REPORTED})
TAKEN_BACK = TYPED | {WITHDRAWN}


def test_the_newest_value_says_that_it_came_by_text() -> None:
    both = [sample("182", metric="systolic_blood_pressure", flags=TYPED)]
    both.append(sample("104", metric="diastolic_blood_pressure", flags=TYPED))
    assert latest_words(both) == "BP 182/104 mmHg (by text)"
    assert latest_words([sample("97", flags=TAKEN_BACK)]) == "SpO2 97 % (by text, withdrawn)"
    assert latest_words([sample("97")]) == "SpO2 97 %"


def test_typed_is_no_doubt_and_withdrawn_is_one() -> None:
    assert doubts(sample("97", flags=TYPED)) == ""
    assert doubts(sample("97", flags=TAKEN_BACK)) == "withdrawn by the patient: mistyped"


def test_evidence_says_that_no_device_measured_it() -> None:
    assert origin_words([sample("97")]) == ""
    assert origin_words([sample("97", flags=TYPED)]) == "typed by the patient in a text, not measured by a device"


def test_each_has_a_shape_of_its_own_and_stays_out_of_the_mean() -> None:
    measured, typed, mistyped = sample("96", ago(hours=3)), sample("88", ago(hours=2), flags=TYPED), ago(hours=1)
    one = series(measured, typed, sample("69", mistyped, flags=TAKEN_BACK))
    plot = charts.plots([one], ago(days=7), NOW, ZONE, "7 days")[0]
    assert [point[1] for point in plot.data["points"]] == [96]
    assert plot.data["typed"] == [[typed.at.timestamp(), 88.0, "typed by the patient"]]
    assert plot.data["withdrawn"][0][1:] == [69.0, "typed by the patient, withdrawn by the patient: mistyped"]
    assert plot.data["suspect"] == []
    assert "1 reading, mean 96 %" in plot.summary
    assert plot.summary.endswith("; 2 typed by the patient (1 withdrawn), left out, the newest 88 %")
    assert charts.kinds([plot]) == {"typed": True, "suspect": False, "withdrawn": True}


def test_a_patient_who_only_types_has_no_mean() -> None:
    plot = charts.plots([series(sample("93", flags=TYPED))], ago(days=7), NOW, ZONE, "7 days")[0]
    assert plot.summary == "SpO2, 7 days: no usable reading; 1 typed by the patient, left out, the newest 93 %"


def test_the_table_and_the_spreadsheet_name_the_patient_where_the_device_stands() -> None:
    one = series(sample("93", ago(hours=1), flags=TYPED), sample("95", flags=TAKEN_BACK))
    newest, oldest = charts.table([one])
    assert (oldest.profile, oldest.withdrawn) == ("the patient, by text", False)
    assert (newest.profile, newest.withdrawn) == ("the patient, by text", True)
    rows = list(csv.DictReader(io.StringIO(readings_csv([one], ZONE, ""))))
    assert [(row["device"], row["source"]) for row in rows] == [("the patient, by text", "patient_reported")] * 2
    device = list(csv.DictReader(io.StringIO(readings_csv([series(sample("95"))], ZONE, ""))))
    assert device[0]["source"] == "device"


def test_what_was_waited_for_and_came_by_text_says_so() -> None:
    row = patient(watch(ago(hours=1)), latest=(sample("97", ago(hours=1), flags=TYPED),))
    assert state_of(row, NOW, ZONE).detail == "last reading 60 min ago, by text"


def test_whoever_answers_for_it_is_told_to_have_it_measured() -> None:
    one = alert(latest=(sample("182", metric="systolic_blood_pressure", flags=TYPED),))
    assert any("was typed by the patient" in step for step in advice(one, "112"))
    assert not any("typed" in step for step in advice(alert(latest=(sample("97"),)), "112"))
