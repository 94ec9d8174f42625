"""What was found after faults, counted."""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Verdict:
    """``lost`` and ``doubled`` are readings; ``unfinished`` are faults that left work undone, which is done again."""

    trials: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    unfinished: int = 0
    sentences: list[str] = field(default_factory=list)
    """What is wrong, one sentence each."""

    def kept(self, acknowledged: Iterable[Hashable], found: Iterable[Hashable]) -> None:
        """Of what was acknowledged everything is there, and everything that is there is there once."""
        wanted, rows = set(acknowledged), Counter(found)
        missing = wanted - rows.keys()
        doubled = {one: count for one, count in rows.items() if count > 1}
        self.acknowledged += len(wanted)
        self.lost += len(missing)
        self.doubled += sum(doubled.values()) - len(doubled)
        self.sentences += [f"acknowledged and lost: {one}" for one in sorted(missing, key=str)]
        self.sentences += [f"{one} is there {count} times" for one, count in doubled.items()]

    def holds(self, so: object, otherwise: str) -> None:
        """Note what is so ``otherwise``."""
        if not so:
            self.sentences.append(otherwise)

    def figures(self) -> dict[str, Any]:
        """For the record."""
        return {
            "trials": self.trials,
            "lost": self.lost,
            "doubled": self.doubled,
            "acknowledged": self.acknowledged,
            "unfinished": self.unfinished,
            "violations": len(self.sentences),
        }
