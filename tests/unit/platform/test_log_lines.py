"""A line of the log: one JSON object, whatever is logged."""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.log_lines import JsonLines, start_logging
from hub.errors import HubError


def line(level: int, message: str, *given: object, **more: Any) -> str:
    extra = more.pop("extra", None)
    record = logging.getLogger("hub.somewhere").makeRecord(
        "hub.somewhere", level, "", 0, message, given, more.get("exc_info"), extra=extra, sinfo=more.get("sinfo")
    )
    record.created = 1_772_438_645.25
    return JsonLines("ingest").format(record)


def said(level: int, message: str, *given: object, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line(level, message, *given, **more))
    return found


def test_a_line_says_who_what_when_and_how_bad() -> None:
    assert said(logging.WARNING, "%d of %s", 3, "them", extra={"queue": 7}) == {
        "role": "ingest",
        "event": "3 of them",
        "level": "warning",
        "logger": "hub.somewhere",
        "queue": 7,
        "timestamp": "2026-03-02T08:04:05.250000Z",
    }


def test_a_line_is_one_line_of_plain_letters() -> None:
    written = line(logging.INFO, "one\ntwo", extra={"name_of": "Zoë ▲"})
    assert "\n" not in written
    assert written.isascii()
    assert json.loads(written)["event"] == "one\ntwo"
    assert json.loads(written)["name_of"] == "Zoë ▲"


def test_what_json_has_no_words_for_is_shown_as_python_shows_it() -> None:
    assert (
        said(logging.INFO, "when", extra={"day": date(2026, 3, 2), "some": {1}})["day"] == "datetime.date(2026, 3, 2)"
    )


def test_an_exception_is_told_with_its_cause() -> None:
    error = HubError("the second")
    error.__cause__ = HubError("the first")
    told = said(logging.ERROR, "failed", exc_info=(HubError, error, None))["exception"]
    assert told.index("the first") < told.index("direct cause") < told.index("the second")


@pytest.mark.parametrize("none", [None, (None, None, None)])
def test_where_there_is_no_exception_none_is_told(none: Any) -> None:
    assert "exception" not in said(logging.ERROR, "failed", exc_info=none)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file in which this process logs as a worker."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root = logging.getLogger()
    before = root.level, [*root.handlers]
    start_logging("worker", tmp_path / "log")
    yield tmp_path / "log"
    for handler in root.handlers:
        handler.close()
    root.level, root.handlers = before


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(one) for one in log.read_text().splitlines()]


def test_a_process_logs_into_a_file_and_leaves_its_libraries_chatter_out(log: Path) -> None:
    logging.getLogger("apscheduler.executors").info("a job ran")
    logging.getLogger("hub.somewhere").info("it began")
    logging.getLogger("apscheduler.executors").warning("a job did not run")
    said = [(one["role"], one["event"]) for one in lines(log)]
    assert said == [("worker", "it began"), ("worker", "a job did not run")]


def test_a_thread_that_ends_by_an_exception_is_told_of(log: Path) -> None:
    def fails() -> None:
        raise HubError("all is lost")

    thread = threading.Thread(target=fails, name="checkpoints")
    thread.start()
    thread.join()
    (said,) = lines(log)
    assert (said["level"], said["event"], said["thread_name"]) == ("critical", "a thread ended", "checkpoints")
    assert said["exception"].endswith("HubError: all is lost")
