"""Whether the database's own file is whole."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found."""

    said: str | None
    """The first damage; None: there is none in what was read."""
    whole: bool
    """Whether it was read to its end."""
    took_s: float

    @property
    def sound(self) -> bool:
        """Read to its end, and nothing wrong."""
        return self.whole and self.said is None


class SoundnessCheck(Protocol):
    """Reads the file whole. It may take minutes, holds no lock that a writer waits for, and gives up when told to."""

    @property
    def owed(self) -> bool:
        """Whether something happened since the last good check that asks for another."""
        ...

    def run(self) -> Verdict: ...
    def settle(self, verdict: Verdict) -> None:
        """What the next start shall know: a damaged file is read before it is served."""
        ...
