"""Many reviews of one patient are one line of the worklist; every other task is its own."""

from dataclasses import replace

from dashboards.viewmodels.chores import Chore, folded
from hub.services.views.worklist import TaskRow
from tests.unit.dashboards.shown import NOW, PATIENT

OTHER = replace(PATIENT, id=2, name="Bruno Madeup")
REVIEW = TaskRow(1, "review", "Glucose 57 mg/dL", NOW, NOW, None, None, "nurse", PATIENT, None)


def test_reviews_of_one_patient_are_one_line() -> None:
    second, others = replace(REVIEW, id=2), replace(REVIEW, id=3, patient=OTHER)
    assert folded([REVIEW, others, second]) == [Chore(REVIEW, 1), Chore(others)]


def test_what_somebody_took_stands_for_itself() -> None:
    taken = replace(REVIEW, id=2, owner_id=7)
    assert folded([REVIEW, taken]) == [Chore(REVIEW), Chore(taken)]


def test_other_tasks_are_never_folded() -> None:
    calls = [replace(REVIEW, id=number, kind="call_patient") for number in (1, 2)]
    nobodys = [replace(REVIEW, id=number, patient=None) for number in (3, 4)]
    assert folded(calls + nobodys) == [Chore(task) for task in calls + nobodys]
    assert folded([]) == []
