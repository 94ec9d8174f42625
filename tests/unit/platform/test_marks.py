"""Whoever writes the database leaves a mark that only a clean stop takes away."""

import multiprocessing
import signal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from hub.adapters.database_file.marks import Marks, Standing
from hub.errors import WrongMode

WITHIN_S = 20.0


def write(file: Path, at_work: Event, go_on: Event) -> None:
    with Marks(file).writing("ingest", "child"):
        at_work.set()
        go_on.wait(WITHIN_S)


def standing(marks: Marks) -> tuple[int, int, bool]:
    found = marks.standing()
    return found.at_work, len(found.left), found.owed


def test_nothing_is_left_where_nothing_was_written(tmp_path: Path) -> None:
    assert Marks(tmp_path / "hub.sqlite3").standing() == Standing(0, (), owed=False)
    assert list(tmp_path.iterdir()) == []


def test_a_writer_is_known_while_it_works_and_forgotten_when_it_stops(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "hub.sqlite3")
    with marks.writing("ingest", "a"), Marks(tmp_path / "hub.sqlite3").writing("worker", "b"):
        assert standing(marks) == (2, 0, False)
    assert marks.standing().clean


def test_a_refusal_is_a_clean_stop_and_a_fault_is_none(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "hub.sqlite3")
    with pytest.raises(WrongMode), marks.writing("ingest", "a"):
        raise WrongMode("x")
    assert marks.standing().clean
    with pytest.raises(ZeroDivisionError), marks.writing("ingest", "b"):
        raise ZeroDivisionError
    assert standing(marks) == (0, 1, False)


def test_a_writer_that_was_killed_leaves_its_mark(tmp_path: Path) -> None:
    file = tmp_path / "hub.sqlite3"
    context = multiprocessing.get_context("spawn")
    at_work, go_on = context.Event(), context.Event()
    process = context.Process(target=write, args=(file, at_work, go_on))
    process.start()
    assert at_work.wait(WITHIN_S)
    assert standing(Marks(file)) == (1, 0, False)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert standing(Marks(file)) == (0, 1, False)
    Marks(file).forgive(Marks(file).standing().left)
    assert Marks(file).standing().clean


def test_a_check_that_is_owed_outlives_clean_stops(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "hub.sqlite3")
    with marks.writing("worker", "a"):
        marks.owe()
    assert standing(marks) == (0, 0, True)
    marks.forgive()
    assert marks.standing().clean
