"""The series copied to another engine: in pieces, behind a mark that stands in the copy itself.

The hub keeps two positions: up to where the copy is whole, and up to where somebody is writing. The copy's own mark
must be one of the two. If it is not, the copy is not what the hub left there (it was wiped, or the hub's database or
the engine was restored), and it is made anew.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hub.domain.columns import Columns
from hub.errors import Transient
from hub.services.hub import Hub
from hub.services.ports.copies import CopySource, SeriesCopy
from hub.services.ports.feed import START, Feed, Position
from hub.services.views.running import Lag

log = logging.getLogger(__name__)

WHOLE, WRITING = "copy", "copy:writing"
READINGS = 5000
"""Of the feed, copied together."""

STALE = timedelta(minutes=2)
"""Who has not finished a piece by then has died over it, or gives it up."""

IDLE = timedelta(minutes=1)
"""So often it is noted that there is nothing to copy."""

_EVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the copy stands, as the hub knows it."""

    whole: Position
    whole_at: datetime | None
    writing: Position
    writing_at: datetime | None

    def knows(self, mark: Position) -> bool:
        """Whether the hub left this mark in the copy."""
        return mark in {self.whole, self.writing}


@dataclass(frozen=True, slots=True)
class Difference:
    """One patient's metric that is not the same here and there, with how many samples hold in each."""

    patient_id: int
    metric: str
    here: int
    there: int


def standing(feed: Feed) -> Standing:
    """As the hub's rows say."""
    whole, writing = feed.position(WHOLE), feed.position(WRITING)
    return Standing(whole, feed.moved_at(WHOLE), writing, feed.moved_at(WRITING))


def lag(feed: Feed) -> Lag:
    """How far behind the copy is."""
    stands, newest = standing(feed), feed.newest()
    readings = max(newest.journal_id - stands.whole.journal_id, 0)
    changes = max(newest.change_id - stands.whole.change_id, 0)
    since = feed.oldest(stands.whole) if readings else stands.whole_at if changes else None
    return Lag(readings + changes, since)


class Copier:
    """One process's part in it. Several may try; one at a time writes."""

    def __init__(self, hub: Hub, copy: SeriesCopy) -> None:
        self._hub = hub
        self._copy = copy
        self._mine: datetime | None = None
        """When this process began what is written now, if it did."""

    def step(self, now: datetime) -> int:
        """Copy the next piece; how many samples that were, 0 if there was nothing to do or somebody else is at it.

        Raises ``Transient`` if the engine is away: what was being written is written again.
        """
        with self._hub.reads() as reads:
            stands, horizon = standing(reads.copy_source.feed), reads.copy_source.feed.horizon()
        if not stands.knows(self._copy.mark() or START):
            log.warning("the copy of the series is not what was left there: it is made anew")
            self.begin_anew(now)
            return 0
        if stands.whole == horizon:
            self._note_idle(stands, now)
            return 0
        if not self._free(stands, now):
            return 0
        return self._piece(stands, horizon, now)

    def begin_anew(self, now: datetime) -> bool:
        """Empty the copy; False if somebody is writing into it."""
        with self._hub.reads() as reads:
            stands = standing(reads.copy_source.feed)
        if not self._free(stands, now):
            return False
        with self._hub.unit_of_work() as uow:
            if not uow.feed.claim(WRITING, stands.writing, stands.writing_at, START, now):
                return False
            uow.feed.move(WHOLE, START, now)
            uow.commit()
        self._mine = now
        self._copy.wipe()
        return True

    def _free(self, stands: Standing, now: datetime) -> bool:
        """Whether nobody else is writing."""
        at = stands.writing_at
        return stands.writing == stands.whole or at is None or at == self._mine or not timedelta(0) <= now - at < STALE

    def _piece(self, stands: Standing, horizon: Position, now: datetime) -> int:
        began = self._hub.clock.monotonic()
        with self._hub.reads() as reads:
            source: CopySource = reads.copy_source
            touched, reached = source.feed.since(stands.whole, horizon, READINGS)
            points = source.points(touched)
        with self._hub.unit_of_work() as uow:
            if not uow.feed.claim(WRITING, stands.writing, stands.writing_at, reached, now):
                return 0
            uow.commit()
        self._mine = now
        for one in touched:
            if one.erased:
                self._copy.erase(one.patient_id, one.since, one.until + timedelta(milliseconds=1))
        self._copy.write(points)
        if self._hub.clock.monotonic() - began >= STALE.total_seconds():
            raise Transient("the copy of the series took too long to write: it is tried again")
        self._copy.set_mark(reached)
        with self._hub.unit_of_work() as uow:
            uow.feed.move(WHOLE, reached, now)
            uow.commit()
        return max(len(points), 1)

    def _note_idle(self, stands: Standing, now: datetime) -> None:
        if stands.whole_at is None or not timedelta(0) <= now - stands.whole_at < IDLE:
            with self._hub.unit_of_work() as uow:
                uow.feed.move(WHOLE, stands.whole, now)
                uow.commit()


def rebuild(hub: Hub, copy: SeriesCopy, tell: Callable[[int, int], object], pause: Callable[[], object]) -> int:
    """Empty the copy and make it anew, beside a worker that may do some of it; how many readings are in it then.

    ``tell`` is given how many of how many; ``pause`` waits a moment while the worker writes. Raises ``Transient``.
    """
    copier = Copier(hub, copy)
    while not copier.begin_anew(hub.clock.now()):
        pause()
    with hub.reads() as reads:
        upto = reads.copy_source.feed.horizon()
    while True:
        copied = copier.step(hub.clock.now())
        with hub.reads() as reads:
            whole = standing(reads.copy_source.feed).whole
        tell(min(whole.journal_id, upto.journal_id), upto.journal_id)
        if whole.journal_id >= upto.journal_id and whole.change_id >= upto.change_id:
            return upto.journal_id
        if not copied:
            pause()


def differences(hub: Hub, copy: SeriesCopy, tell: Callable[[int, int], object]) -> Iterator[Difference]:
    """What is not the same, sample by sample. Readings that come meanwhile differ too: ask when nothing is behind.

    The copy may still hold what was thinned here. ``tell`` is given how many of how many (patient, metric) are done.
    """
    there = copy.counts()
    with hub.reads() as reads:
        source = reads.copy_source
        here, thinned = source.counts(), source.thinned()
        both = sorted({*here, *there})
        for place, key in enumerate(both):
            tell(place, len(both))
            counts = here.get(key, 0), there.get(key, 0)
            more = counts[1] - counts[0]
            if not 0 <= more <= thinned.get(key, 0) or not _held(
                source.columns(*key, *_EVER), copy.columns(*key, *_EVER)
            ):
                yield Difference(*key, *counts)
        tell(len(both), len(both))


def _held(here: Columns, there: Columns) -> bool:
    """Whether every sample of here is there, and the same."""
    return here == there or _samples(here) <= _samples(there)


def _samples(columns: Columns) -> set[tuple[object, ...]]:
    lists = columns.at_ms, columns.reading_id, columns.value, columns.comparator, columns.flags
    return set(zip(*lists, strict=True))
