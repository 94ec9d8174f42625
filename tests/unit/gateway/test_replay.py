"""Putting a recording into the spool, paced by a clock; and what the command refuses."""

import asyncio
import json
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from device_gateway.cli import main
from device_gateway.errors import RecordingError, TransientError
from device_gateway.recordings import Columns, Tape, read, wind
from device_gateway.replay import Replay
from device_gateway.settings import Settings
from tests.unit.gateway.parts import CountingIds, HandClock

UNTIL = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
CONTENT = "time,metric,value,unit\n" + "".join(
    f"2026-01-01T{hour:02}:00:00Z,blood_glucose,{100 + hour},mg/dL\n" for hour in range(4)
)
MAPPED = ("--time", "when", "--value", "gl", "--metric", "blood_glucose", "--unit", "mg/dL")


def tape() -> Tape:
    rows, _ = read(CONTENT.encode(), Columns())
    return wind(CONTENT.encode(), Columns(), rows, UNTIL, now=UNTIL)


def replay(tmp_path: Path, clock: HandClock, **more: Any) -> Replay:
    limits = {"spool_max_rows": more.pop("spool_max_rows")} if "spool_max_rows" in more else {}
    settings = Settings(mqtt_url="mqtt://replay@127.0.0.1:1", zone="UTC", data_dir=str(tmp_path), **limits)
    return Replay(settings=settings, clock=clock, ids=CountingIds(), tape=tape(), device="x", **more)


def test_at_once_is_everything_oldest_first(tmp_path: Path) -> None:
    left = deque(tape().moments)
    due = replay(tmp_path, HandClock())._due(left, 0)
    assert [one.measured_at for one in due] == [UNTIL - timedelta(hours=hours) for hours in (3, 2, 1, 0)]
    assert not left


def test_a_speed_paces_and_changes_nothing_else(tmp_path: Path) -> None:
    """3600 times faster: an hour of the recording each second."""
    clock, left = HandClock(), deque(tape().moments)
    one = replay(tmp_path, clock, speed=3600.0)
    began, due = clock.mono_ms(), []
    for seconds in (0.0, 0.999, 0.001, 1.5, 60):
        clock.forward(seconds=seconds)
        due.append([each.measured_at for each in one._due(left, began)])
    assert [len(each) for each in due] == [1, 0, 1, 1, 1]
    assert [at for each in due for at in each] == [moment.at for moment in tape().moments]


def test_a_hub_that_never_answers_is_told_and_what_was_stored_stays(tmp_path: Path) -> None:
    class Impatient(HandClock):
        """Each look at it takes ten seconds."""

        def mono_ms(self) -> int:
            self.forward(seconds=10)
            return self.mono

    told: list[tuple[int, int]] = []
    one = replay(tmp_path, Impatient(), patience_s=5.0, progress=lambda *counts: told.append(counts))
    with pytest.raises(TransientError, match="4 readings are left"):
        asyncio.run(one.run(asyncio.Event()))
    assert told[-1] == (0, 4)


def test_whoever_stops_it_is_told_that_it_is_not_whole(tmp_path: Path) -> None:
    async def story() -> bool:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, stop.set)
        return await replay(tmp_path, HandClock()).run(stop)

    assert asyncio.run(story()) is False


def test_a_recording_that_the_spool_would_have_to_drop_is_refused(tmp_path: Path) -> None:
    one = replay(tmp_path, HandClock(), spool_max_rows=3)
    with pytest.raises(RecordingError, match="more than the spool may hold"):
        asyncio.run(one.run(asyncio.Event()))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "recording.csv"
    made.write_text(CONTENT)
    return made


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["replay", *arguments])
    return done.exit_code, done.output


def test_a_check_says_what_would_be_sent(file: Path) -> None:
    code, output = said(str(file), "--check", "--json", "--until", "2026-11-22T08:00:00+01:00", "--profile", "cgm")
    found = json.loads(output)
    assert (code, found["readings"], found["until"]) == (0, 4, "2026-11-22T07:00:00+00:00")
    assert [each["device"] for each in found["devices"]] == ["recording/cgm"]
    assert "4 readings would be sent" in said(str(file), "--check")[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--metric", "blood_glucose"), "a unit is never guessed"),
        (("--until", "2999-01-01T00:00:00Z"), "lies in the future"),
        (("--until", "2026-01-01T00:00:00"), "has no offset"),
        (("--until", "soon"), "no time in ISO 8601"),
        (("--zone", "Mars/Olympus"), "no time zone"),
        (("--where", "id"), "not COLUMN=VALUE"),
        (("--where", "unit=kg"), "no row is there to replay where it says so"),
        (MAPPED, "no column is called when; the first line says: time, metric, value, unit"),
    ],
)
def test_what_is_asked_wrongly_is_one_sentence(file: Path, options: tuple[str, ...], sentence: str) -> None:
    code, output = said(str(file), "--check", *options)
    assert code != 0
    assert sentence in output
    assert "Traceback" not in output


def test_bad_rows_are_listed_up_to_a_bound(file: Path) -> None:
    file.write_text(CONTENT + "2026-01-02T00:00:00Z,blood_glucose,Low,mg/dL\n" * 30)
    code, output = said(str(file), "--check")
    assert code == 1
    assert "30 rows are no sample. Nothing was sent" in output
    assert "  line 6: 'Low' is no number" in output
    assert "and 10 more" in output
    assert "30 rows left out" in said(str(file), "--check", "--skip-bad")[1]
