"""Staff and their sessions."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, literal_column, or_, select, true, update

from hub.adapters.sql.many import Many
from hub.adapters.sql.tables.people import session, staff
from hub.domain.escalation import Person
from hub.errors import NotFound
from hub.services.ports.staff import SessionRow, StaffMember

_BY_ID = select(staff).where(staff.c.id == bindparam("this"))


@cache
def _reachable(*roles: str) -> Many:
    """Whoever can be paged and has one of these roles."""
    people = select(staff.c.name, staff.c.phone, staff.c.id).order_by(staff.c.id)
    may = staff.c.disabled_at.is_(None), staff.c.phone != literal_column("''")
    return Many(lambda _: people.where(or_(*(staff.c.role == bindparam(role) for role in roles)), *may), roles)


class SqlStaff:
    """See ``hub.services.ports.staff.StaffStore``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reachable: dict[tuple[str, ...], list[Person]] = {}

    def add(self, login: str, name: str, role: str, phone: str | None, password_hash: str, now: datetime) -> int:
        """The new member's id."""
        self._reachable.clear()
        values = {
            "login": login,
            "name": name,
            "role": role,
            "phone": phone,
            "password_hash": password_hash,
            "created_at": now,
        }
        added: int = self._connection.execute(insert(staff).values(values).returning(staff.c.id)).scalar_one()
        return added

    def get(self, staff_id: int) -> StaffMember:
        """Raises ``NotFound``."""
        row = self._connection.execute(_BY_ID, {"this": staff_id}).first()
        if row is None:
            raise NotFound("no such member of staff")
        return to_member(row)

    def by_login(self, login: str) -> StaffMember | None:
        """However it is capitalised (phones write a capital first). Also of a member who is disabled."""
        row = self._connection.execute(select(staff).where(func.lower(staff.c.login) == login.lower())).first()
        return None if row is None else to_member(row)

    def by_phone(self, phone: str) -> StaffMember | None:
        """The member who is paged on this number and still works here."""
        found = select(staff).where(staff.c.phone == phone, staff.c.disabled_at.is_(None)).order_by(staff.c.id)
        row = self._connection.execute(found).first()
        return None if row is None else to_member(row)

    def reachable(self, *roles: str) -> list[Person]:
        """Not disabled and with a phone, in id order; asked once in a transaction."""
        if roles not in self._reachable:
            rows = _reachable(*roles).rows(self._connection, roles)
            self._reachable[roles] = [Person(*row) for row in rows]
        return list(self._reachable[roles])

    def all(self) -> list[StaffMember]:
        """Everybody, disabled ones too, in id order."""
        return [to_member(row) for row in self._connection.execute(select(staff).order_by(staff.c.id))]

    def set_password(self, staff_id: int, password_hash: str) -> None:
        """Replace the stored hash."""
        self._connection.execute(update(staff).where(staff.c.id == staff_id).values(password_hash=password_hash))

    def count_failed(self, staff_id: int) -> int:
        """One more sign-in failed; how many in a row by now."""
        counted = update(staff).where(staff.c.id == staff_id).values(failed_sign_ins=staff.c.failed_sign_ins + 1)
        failed: int = self._connection.execute(counted.returning(staff.c.failed_sign_ins)).scalar_one()
        return failed

    def note_sign_in(self, staff_id: int, failed: int, allowed_at: datetime | None) -> None:
        """Record how many sign-ins failed in a row and when the next may be tried."""
        self._connection.execute(
            update(staff).where(staff.c.id == staff_id).values(failed_sign_ins=failed, sign_in_allowed_at=allowed_at)
        )


class SqlSessions:
    """See ``hub.services.ports.staff.Sessions``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(self, token_hash: bytes, staff_id: int, csrf: str, now: datetime) -> None:
        """A new session."""
        self._connection.execute(
            insert(session).values(token_hash=token_hash, staff_id=staff_id, csrf=csrf, created_at=now, seen_at=now)
        )

    def find(self, token_hash: bytes) -> SessionRow | None:
        """A session that has not ended, of a member who is not disabled."""
        found = (
            select(staff, session.c.csrf, session.c.created_at.label("session_created_at"), session.c.seen_at)
            .join(staff, staff.c.id == session.c.staff_id)
            .where(session.c.token_hash == token_hash, session.c.ended_at.is_(None), staff.c.disabled_at.is_(None))
        )
        row = self._connection.execute(found).first()
        return None if row is None else SessionRow(to_member(row), row.csrf, row.session_created_at, row.seen_at)

    def touch(self, token_hash: bytes, now: datetime) -> None:
        """The person behind it did something."""
        self._connection.execute(update(session).where(session.c.token_hash == token_hash).values(seen_at=now))

    def end(self, token_hash: bytes, now: datetime) -> None:
        """Over for good, on the server; the first end stands."""
        self._end(session.c.token_hash == token_hash, now)

    def end_all(self, staff_id: int, now: datetime) -> None:
        """Every session of this member is over."""
        self._end(session.c.staff_id == staff_id, now)

    def end_of_everybody(self, now: datetime) -> None:
        """Whoever they are of."""
        self._end(true(), now)

    def _end(self, which: Any, now: datetime) -> None:
        self._connection.execute(update(session).where(which, session.c.ended_at.is_(None)).values(ended_at=now))


def to_member(row: Row[Any]) -> StaffMember:
    """A row of the staff table."""
    return StaffMember(
        id=row.id,
        login=row.login,
        name=row.name,
        role=row.role,
        phone=row.phone,
        password_hash=row.password_hash,
        disabled_at=row.disabled_at,
        failed_sign_ins=row.failed_sign_ins,
        sign_in_allowed_at=row.sign_in_allowed_at,
    )
