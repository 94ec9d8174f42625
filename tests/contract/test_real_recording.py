"""Five people's continuous glucose, replayed: what the diabetes protocol says, against a plain count of the file."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.recordings import Replaying, real_recording, replaying

MAPPING = ("--value", "gl", "--metric", "blood_glucose", "--unit", "mg/dL", "--profile", "cgm")
SUBJECTS = {  # values below 54, below 70, over 250 and over 350, counted once with a line of awk
    "Subject 1": (2915, 0, 4, 11, 0),
    "Subject 2": (2829, 0, 0, 738, 34),
    "Subject 3": (1533, 0, 5, 87, 0),
    "Subject 4": (3664, 2, 10, 0, 0),
    "Subject 5": (2925, 0, 3, 330, 24),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return real_recording(tmp_path_factory.mktemp("fetched"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replaying]:
    with replaying(tmp_path_factory.mktemp("site")) as running:
        yield running


def curve(file: Path, subject: str) -> list[tuple[datetime, int]]:
    with file.open(newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row["id"] == subject]
    return sorted((datetime.fromisoformat(row["time"]), int(row["gl"])) for row in rows)


def expected(points: Iterable[tuple[datetime, int]]) -> Counter[tuple[str, int]]:
    """The protocol on one page: red below 54 and over 350 (until 330), amber below 70 and over 250 (until 240), and low
    over 180 twice running within a day. In the gaps 330-350 and 240-250 the last value outside of them decides."""
    found: Counter[tuple[str, int]] = Counter()
    red = amber = False
    before: tuple[datetime, int] | None = None
    for at, value in points:
        red = value > 350 or (red and value > 330)
        amber = value > 250 or (amber and value > 240)
        twice = before is not None and before[1] > 180 and at - before[0] <= timedelta(days=1)
        if value < 70:
            found["glucose-low", 3 if value < 54 else 2] += 1
        elif red or amber or (value > 180 and twice):
            found["glucose-high", 3 if red else 2 if amber else 1] += 1
        before = at, value
    return found


@pytest.mark.parametrize(("number", "subject"), list(enumerate(SUBJECTS, start=1)))
def test_the_rules_find_what_a_plain_count_finds(site: Replaying, file: Path, number: int, subject: str) -> None:
    points = curve(file, subject)
    values = [value for _, value in points]
    counted = [sum(value < limit for value in values) for limit in (54, 70)]
    counted += [sum(value > limit for value in values) for limit in (250, 350)]
    assert (len(values), *counted) == SUBJECTS[subject]
    tess = site.patient(number, "--test")
    made = site.replays(str(file), "--patient", tess, *MAPPING, "--where", f"id={subject}")
    assert made["outcome"]["answered"] == {"stored": len(values)}
    found = {(one["rule"], one["severity"]): one["count"] for one in made["outcome"]["found"]}
    assert found == expected(points)
    assert found.get(("glucose-low", 3), 0) == counted[0]
    assert found.get(("glucose-low", 2), 0) == counted[1] - counted[0]
    assert site.rows(f"SELECT count(*), max(centi) FROM replayed WHERE patient_id = {tess}") == [
        (len(values), max(values) * 100)
    ]
    assert site.rows(f"SELECT count(*) FROM reading WHERE patient_id = {tess}") == [(0,)]
    assert site.nobody_is_asked()
