"""The consent ledger: what a patient agreed to, in which words, how that was told, and when it ended (SF16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

SCOPES = ("sms", "monitoring", "sharing")


@dataclass(frozen=True, slots=True)
class ConsentEntry:
    """One line of the ledger. ``phone``: the number it was given for; another number needs another consent."""

    id: int
    patient_id: int
    scope: str
    phone: str | None
    wording: str
    source: str
    given_at: datetime
    given_by: str | None
    revoked_at: datetime | None
    revoked_source: str | None
    revoked_by: str | None


class Consents(Protocol):
    """Lines are added and ended, never changed."""

    def give(
        self, patient_id: int, scope: str, wording: str, source: str, by: str, now: datetime, phone: str | None = None
    ) -> int:
        """The new line's id."""
        ...

    def revoke(self, patient_id: int, scope: str, source: str, by: str, now: datetime) -> int:
        """End every line of this scope that stands; how many."""
        ...

    def stands(self, patient_id: int, scope: str, phone: str | None = None) -> bool:
        """Whether a line of this scope has not ended; with ``phone``, one that was given for this number."""
        ...

    def of_patient(self, patient_id: int) -> Sequence[ConsentEntry]:
        """The whole ledger, the newest line first."""
        ...
