"""Several ingest processes share the work: each gateway is one's, by its id alone, whoever else runs or does not."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zlib import crc32

from hub.errors import WrongSetting

_TEXT = re.compile(r"([1-9][0-9]?)/([1-9][0-9]?)")


@dataclass(frozen=True, slots=True)
class Shard:
    """The ``number``th of ``of`` parts, counted from one."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def name(self) -> str:
        """What tells its process, and its session at the broker, from the others'; nothing where there is one."""
        return f"-{self.number}" if self.of > 1 else ""

    def has(self, gateway_id: str) -> bool:
        """Whether this gateway is this part's. Every id is exactly one's, known here or not."""
        return self.of == 1 or crc32(gateway_id.encode(errors="replace")) % self.of == self.number - 1


WHOLE = Shard(1, 1)


def parse_shard(text: str) -> Shard:
    """``2/3`` as the second of three; nothing is the whole. Raises ``WrongSetting``."""
    if not text:
        return WHOLE
    found = _TEXT.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise WrongSetting("RPMHUB_INGEST_SHARD must be a part of a number of parts, such as 1/2 or 2/2.")
    return Shard(int(found[1]), int(found[2]))


class Beaten(Protocol):
    """A role's sign of life."""

    @property
    def role(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def detail(self) -> Mapping[str, object]: ...


def silent(beats: Iterable[Beaten], now: datetime, within: timedelta) -> list[str]:
    """Of the parts that live ingest processes say there are, those that gave no sign of life ``within``: ``2/2``.

    Nothing where none lives at all: that is told in other words.
    """
    alive = [beat for beat in beats if beat.role == "ingest" and now - beat.at < within]
    shards = {parse_shard(str(beat.detail.get("shard", ""))) for beat in alive}
    of = max((shard.of for shard in shards), default=1)
    return [str(shard) for number in range(1, of + 1) if (shard := Shard(number, of)) not in shards and of > 1]
