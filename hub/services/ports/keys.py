"""The keys by which a redelivered reading is known, and forgetting the oldest of them."""

from datetime import datetime
from typing import Protocol


class TransportKeys(Protocol):
    """Keys (gateway, spool, number). Those of devices' own records are never forgotten: a meter's memory has no end."""

    def received_before(self, at: datetime) -> int:
        """The newest journal row that the hub had received before then; 0: none."""
        ...

    def forgotten_to(self) -> int:
        """Up to which journal row they were forgotten."""
        ...

    def forget(self, after: int, upto: int, now: datetime) -> int:
        """Delete the keys of the journal rows ``after < id <= upto``; how many. The rows stay."""
        ...
