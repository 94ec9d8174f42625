"""What changed in the series, for those who copy it elsewhere: projections follow it at their own pace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Position:
    """How far a projection has come: all at or below is committed, and nothing at or below will still appear."""

    journal_id: int = 0
    change_id: int = 0


START = Position()
"""Before everything: who stands here copies the whole series."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Samples of this patient, of all metrics, may have changed in ``since <= at <= until``."""

    patient_id: int
    since: datetime
    until: datetime
    erased: bool = False
    """What is not there any more was deleted for ever, and is to be so in copies."""


class Feed(Protocol):
    """New readings are found by their journal ids; everything else that touches the series says so by ``changed``.

    A projection asks for the ``horizon``, reads ``since`` in pieces up to it, copies each touched span whole, and then
    moves its position. It may copy a span twice, and never misses one.
    """

    def changed(self, touched: Touched, reason: str) -> None:
        """Samples that were there changed: released, marked, amended, erased. In the transaction of the change."""
        ...

    def horizon(self) -> Position:
        """How far there is something to copy. It waits for writers that are under way, and writes nothing.

        Raises ``Transient`` where one of them takes too long: who comes after it would wait as well.
        """
        ...

    def silent(self, span: Touched, after: Position) -> bool:
        """Whether nothing in this span was touched after a horizon. What comes is beyond the next until the commit.

        So windows that were made of a snapshot after that horizon may be written, though another process follows.
        """
        ...

    def newest(self) -> Position:
        """The same without waiting: something below it may still appear. Good enough to tell how far behind one is."""
        ...

    def since(self, after: Position, upto: Position, limit: int) -> tuple[Sequence[Touched], Position]:
        """What was touched after ``after``, by patient and hour, and the position reached with it.

        At most ``limit`` new readings and ``limit`` changes are looked at; ``upto`` is reached when all of them were.
        """
        ...

    def oldest(self, after: Position) -> datetime | None:
        """When the hub received the first reading after this position; None: there is none."""
        ...

    def position(self, projection: str) -> Position:
        """Where it stands: ``START`` if it was never moved."""
        ...

    def moved_at(self, projection: str) -> datetime | None:
        """When it was moved there; None: never."""
        ...

    def claim(self, projection: str, seen: Position, seen_at: datetime | None, to: Position, now: datetime) -> bool:
        """``move``, if it still stands where it was seen, since when it was seen; False if somebody moved it."""
        ...

    def move(self, projection: str, to: Position, now: datetime) -> None: ...
