"""Staff and their sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.domain.escalation import Person


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody who signs in, or is paged."""

    id: int
    login: str
    name: str
    role: str  # nurse | physician | pharmacist | social_worker | operator | admin
    phone: str | None
    password_hash: str
    disabled_at: datetime | None = None
    failed_sign_ins: int = 0
    sign_in_allowed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A signed-in browser. ``csrf`` is the token its forms must carry."""

    staff: StaffMember
    csrf: str
    created_at: datetime
    seen_at: datetime


class StaffStore(Protocol):
    """Who works here."""

    def add(self, login: str, name: str, role: str, phone: str | None, password_hash: str, now: datetime) -> int: ...
    def get(self, staff_id: int) -> StaffMember: ...
    def by_login(self, login: str) -> StaffMember | None: ...
    def by_phone(self, phone: str) -> StaffMember | None: ...
    def reachable(self, *roles: str) -> list[Person]:
        """Who has one of these roles and a phone and is not disabled, in id order."""
        ...

    def all(self) -> list[StaffMember]: ...
    def set_password(self, staff_id: int, password_hash: str) -> None: ...
    def count_failed(self, staff_id: int) -> int:
        """One more sign-in failed; how many in a row by now, whoever else counts at this moment."""
        ...

    def note_sign_in(self, staff_id: int, failed: int, allowed_at: datetime | None) -> None:
        """Record how many sign-ins failed in a row and when the next may be tried."""
        ...


class Sessions(Protocol):
    """Signed-in browsers, revocable on the server."""

    def start(self, token_hash: bytes, staff_id: int, csrf: str, now: datetime) -> None: ...
    def find(self, token_hash: bytes) -> SessionRow | None:
        """A session that has not ended, of a member who is not disabled."""
        ...

    def touch(self, token_hash: bytes, now: datetime) -> None: ...
    def end(self, token_hash: bytes, now: datetime) -> None: ...
    def end_all(self, staff_id: int, now: datetime) -> None: ...
    def end_of_everybody(self, now: datetime) -> None: ...
