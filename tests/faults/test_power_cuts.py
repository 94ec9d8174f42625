"""The power fails while readings are stored: what was acknowledged is there, whatever the disk kept of the rest.

The programs' own code runs on their own drivers; what SQLite does to its files is noted, and of it disks are made as a
cut at any moment may leave them. ``FAULT_CUTS`` says how many for each kind, ``FAULT_SEED`` which.
"""

from functools import partial
from pathlib import Path
from random import Random  # noqa: TID251 - seeded here

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.sql import checkpoints, engine, wal_room
from tests.faults.power import cut, lay_down
from tests.faults.record import count_of, record
from tests.faults.sqlite_writes import Told
from tests.faults.stories_of_ingest import CACHED_PAGES, CHECKPOINT_PAGES, ROOM_PAGES, IngestStory
from tests.faults.stories_of_spool import SpoolStory
from tests.faults.verdict import Verdict

CUTS, SEED = count_of("FAULT_CUTS", 16), count_of("FAULT_SEED", 1)
CUTS_OF_A_STORY = 25
WITHOUT_WAL = "ingest_without_wal"
"""As on a machine whose SQLite must not be trusted with a WAL."""
BESIDE = "ingest_wal_moved_beside"
"""As the hub's own ingest does it, which lays it out first.

In the others who commits moves it, in the middle of what is acknowledged then.
"""
STORIES = {
    "ingest": IngestStory,
    BESIDE: partial(IngestStory, beside=True),
    WITHOUT_WAL: IngestStory,
    "spool": SpoolStory,
}
TOO_WEAK = {"ingest": "NORMAL", BESIDE: "NORMAL", WITHOUT_WAL: "FULL", "spool": "NORMAL"}
CLOCK = SystemClock()


@pytest.fixture(params=STORIES)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == WITHOUT_WAL:
        monkeypatch.setattr(engine, "wal_is_safe", lambda: False)
    if request.param == BESIDE:
        monkeypatch.setattr(checkpoints, "CHECKPOINT_PAGES", CHECKPOINT_PAGES)
        monkeypatch.setattr(checkpoints, "LONG_PAGES", 3 * CHECKPOINT_PAGES)
        monkeypatch.setattr(wal_room, "ROOM_PAGES", ROOM_PAGES)
        monkeypatch.setattr(wal_room, "CACHED_PAGES", CACHED_PAGES)
    return str(request.param)


def cuts(kind: str, directory: Path, count: int, *, only_behind_answers: bool, synchronous: str | None) -> Verdict:
    """Tell stories of this kind and judge what so many cuts leave of them."""
    chance, verdict = Random(f"{SEED}/{kind}"), Verdict()  # noqa: S311 - a run can be told again
    story, answers = None, [0]
    for number in range(count):
        if story is None or number % CUTS_OF_A_STORY == 0:
            story = STORIES[kind](directory / f"story-{number}", chance, synchronous)
            answers = [place + 1 for place, one in enumerate(story.events) if isinstance(one, Told)]
        behind_answer = only_behind_answers or number % 2
        length = chance.choice(answers) if behind_answer else chance.randint(0, len(story.events))
        disk = directory / f"cut-{number}"
        lay_down(cut(story.before, story.events[:length], chance), disk)
        told = [one.what for one in story.events[:length] if isinstance(one, Told)]
        story.judge(disk, told, verdict)
    return verdict


@pytest.mark.timeout(60 + 2 * CUTS)
def test_no_cut_takes_what_was_acknowledged(kind: str, tmp_path: Path) -> None:
    began = CLOCK.monotonic()
    verdict = cuts(kind, tmp_path, CUTS, only_behind_answers=False, synchronous=None)
    record(f"power_cuts_{kind}", began=began, **verdict.figures())
    assert verdict.sentences == []


def test_commits_that_do_not_wait_for_the_disk_are_caught(kind: str, tmp_path: Path) -> None:
    verdict = cuts(kind, tmp_path, 6, only_behind_answers=True, synchronous=TOO_WEAK[kind])
    assert verdict.lost > 0
    assert verdict.doubled == 0
