"""The three severity words, and no others: in range is "in range", never a colour."""

from enum import IntEnum


class Severity(IntEnum):
    """How soon a person must answer. Higher is worse, so ``max`` finds the worst."""

    LOW = 1
    AMBER = 2
    RED = 3

    @property
    def word(self) -> str:
        """``red``, ``amber`` or ``low``: what the database and the metrics say."""
        return self.name.lower()

    @property
    def mark(self) -> str:
        """A shape beside the colour: colour is never alone."""
        return {Severity.LOW: "●", Severity.AMBER: "◆", Severity.RED: "▲"}[self]

    @property
    def priority(self) -> str:
        """``High``, ``Medium`` or ``Low``: the word read aloud beside the mark."""
        return {Severity.LOW: "Low", Severity.AMBER: "Medium", Severity.RED: "High"}[self]

    def raised(self) -> "Severity":
        """One step worse, red at most."""
        return Severity(min(self + 1, Severity.RED))

    @classmethod
    def of(cls, word: str) -> "Severity":
        """The severity a protocol or a row names; ``KeyError`` for any other word."""
        return cls[word.upper()]
