"""Reading a document that gets signed by a closed schema: unknown names are errors, and errors name their place."""

import re
from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import NoReturn

from hub.domain.severity import Severity
from hub.errors import BrokenProtocol

_DURATION = re.compile(r"^([0-9]+) (min|h|d)$")
_SECONDS = {"min": 60, "h": 3600, "d": 86400}
_CLOCK = re.compile(r"^([01][0-9]|2[0-3]):([0-5][0-9])$")
_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,63}$")


def broken(path: str, sentence: str) -> NoReturn:
    """Raise ``BrokenProtocol`` naming the place: ``rules[2].clear: must be a number``."""
    raise BrokenProtocol(f"{path}: {sentence}")


class Fields:
    """One mapping of a document. Each reader checks a type; ``close`` refuses the keys nobody asked for."""

    def __init__(self, document: object, path: str = "") -> None:
        self.path = path
        if not isinstance(document, Mapping):
            broken(path or "document", "must be a mapping of names to values")
        for key in document:
            if not isinstance(key, str):
                broken(path or "document", f"the name {key!r} must be text; write it in quotes")
        self._document: Mapping[str, object] = document
        self._asked: list[str] = []

    def where(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Whether an optional key is there."""
        self._asked.append(key)
        return key in self._document

    def get(self, key: str) -> object:
        if not self.has(key):
            broken(self.where(key), "is missing")
        return self._document[key]

    def close(self) -> None:
        for key in self._document:
            if key not in self._asked:
                near = get_close_matches(key, self._asked, n=1)
                hint = f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(set(self._asked)))}"
                broken(self.where(key), f"is not known{hint}")

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not value.strip():
            broken(self.where(key), "must be text")
        return value

    def name(self, key: str) -> str:
        value = self.text(key)
        if not _NAME.match(value):
            broken(self.where(key), f"{value!r} must be lower-case letters, digits, - and _, starting with a letter")
        return value

    def one_of(self, key: str, known: Sequence[str]) -> str:
        value = self.text(key)
        if value not in known:
            broken(self.where(key), f"{value!r} is not known; one of {', '.join(known)}")
        return value

    def flag(self, key: str) -> bool:
        value = self.get(key)
        if not isinstance(value, bool):
            broken(self.where(key), "must be true or false")
        return value

    def integer(self, key: str, *, least: int) -> int:
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            broken(self.where(key), f"must be a whole number, {least} or more")
        return value

    def severity(self, key: str) -> Severity:
        return Severity.of(self.one_of(key, ("red", "amber", "low")))

    def duration(self, key: str) -> timedelta:
        found = _DURATION.match(self.text(key))
        if not found or int(found[1]) == 0:
            broken(self.where(key), 'must be a duration such as "15 min", "24 h" or "7 d"')
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])

    def clock(self, key: str) -> time:
        value = self.get(key)
        found = _CLOCK.match(value) if isinstance(value, str) else None
        if not found:
            broken(self.where(key), 'must be a local time in quotes such as "08:00"')
        return time(int(found[1]), int(found[2]))

    def items(self, key: str) -> list[tuple[str, object]]:
        """The list under ``key`` with each item's place."""
        value = self.get(key)
        if not isinstance(value, list | tuple) or not value:
            broken(self.where(key), "must be a list with at least one item")
        return [(f"{self.where(key)}[{index}]", item) for index, item in enumerate(value)]

    def names(self, key: str, known: Sequence[str]) -> tuple[str, ...]:
        """A list of different names out of ``known``."""
        found: list[str] = []
        for path, item in self.items(key):
            if not isinstance(item, str) or item not in known:
                broken(path, f"{item!r} is not known; one of {', '.join(known)}")
            if item in found:
                broken(path, f"{item} stands there twice")
            found.append(item)
        return tuple(found)

    def fields(self, key: str) -> "Fields":
        return Fields(self.get(key), self.where(key))


def decimal_of(value: object, path: str) -> Decimal:
    """A YAML number as the exact decimal that was written."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        broken(path, "must be a number")
    number = Decimal(repr(value))
    if not number.is_finite():
        broken(path, "must be a finite number")
    return number
