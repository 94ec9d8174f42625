"""Signing in and staying signed in.

A session is a row; the browser holds only a random token whose SHA-256 is the row's key. It ends after 15 minutes
without the person doing anything, after 12 hours at the latest, and at once when somebody signs out or is disabled.

Failures delay the next try of that account for seconds, 30 at most, and never lock it: a browser that this person has
signed in with before is not delayed at all, so that nobody can keep the person on call out by typing wrong passwords.
An unknown name costs the same hash, the same write and gets the same sentence as a wrong password.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.errors import NotSignedIn
from hub.services.hub import Actor, Hub
from hub.services.ports.staff import SessionRow, StaffMember

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=12)
TOUCH_AFTER = timedelta(seconds=30)
"""Not every click is a write."""

FREE_TRIES = 3
LONGEST_DELAY = timedelta(seconds=30)

REFUSED = "That name and password do not match, or there were too many tries. Wait half a minute and try again."
LONGEST_PASSWORD = 1024
"""Longer ones are refused unread: hashing megabytes is a way to stop a server."""

AT_ONCE = 2
"""Passwords hashed at a time in one process."""
PATIENCE = timedelta(seconds=3)
"""A try waits this long for its turn, then it is refused."""
_hashing = threading.BoundedSemaphore(AT_ONCE)

# A hash of nothing, with the parameters of a real one, so that an unknown name costs what a known one does.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5LWhhcy10aGlzLXNhbHQ$7oY9mXNqmBNrYVg0R0Q1sG1uN0QkQ2oWb1dZV1d0c2E"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session, as every page needs it."""

    actor: Actor
    csrf: str
    expires_at: datetime
    """When it ends by the clock, whatever the person does."""


def sign_in(hub: Hub, login: str, password: str, known_browser: str | None = None) -> str:
    """A new session's token. ``known_browser`` is the token of this browser's session before, ended or not.

    Raises ``NotSignedIn`` with one and the same sentence for an unknown name, a wrong password and a delay.
    """
    now = hub.clock.now()
    with hub.reads() as reads:
        member = reads.member_by_login(login.strip())
        familiar = bool(known_browser and member and reads.browser_knows(token_hash(known_browser), member.id))
    stored = member.password_hash if member else _NOBODY
    right = len(password) <= LONGEST_PASSWORD and _verified(hub, stored, password)
    if member is None or not right or member.disabled_at or _delayed(member, familiar, now):
        _note_failure(hub, member, now, counts=not right)
        raise NotSignedIn(REFUSED)
    return _start(hub, member, password, now)


def _verified(hub: Hub, stored: str, password: str) -> bool:
    with _slot():
        return hub.passwords.verify(stored, password)


@contextmanager
def _slot() -> Iterator[None]:
    """Each hash takes 64 MiB and a core: a flood of tries may take neither the memory nor all threads."""
    if not _hashing.acquire(timeout=PATIENCE.total_seconds()):
        raise NotSignedIn(REFUSED)
    try:
        yield
    finally:
        _hashing.release()


def _delayed(member: StaffMember, familiar: bool, now: datetime) -> bool:  # noqa: FBT001
    return not familiar and member.sign_in_allowed_at is not None and now < member.sign_in_allowed_at


def _note_failure(hub: Hub, member: StaffMember | None, now: datetime, *, counts: bool) -> None:
    # Written for an unknown name too: the time of a commit would tell the two apart.
    subject = f"staff:{member.id}" if member else "staff:unknown"
    with hub.unit_of_work() as work:
        work.audit.write(now, "hub", "staff.sign_in_refused", subject, {})
        if member and counts:
            failed = work.staff.count_failed(member.id)
            work.staff.note_sign_in(member.id, failed, _next_try(failed, now))
        work.commit()


def _next_try(failed: int, now: datetime) -> datetime | None:
    if failed <= FREE_TRIES:
        return None
    return now + min(timedelta(seconds=2 ** min(failed - FREE_TRIES, 10)), LONGEST_DELAY)


def _start(hub: Hub, member: StaffMember, password: str, now: datetime) -> str:
    token = hub.ids.token()
    better = None
    if hub.passwords.outdated(member.password_hash):
        with _slot():
            better = hub.passwords.hash(password)
    with hub.unit_of_work() as work:
        if better is not None:
            work.staff.set_password(member.id, better)
        work.staff.note_sign_in(member.id, 0, None)
        work.sessions.start(token_hash(token), member.id, hub.ids.token(), now)
        work.audit.write(now, member.name, "staff.sign_in", f"staff:{member.id}", {})
        work.commit()
    return token


def current(hub: Hub, token: str | None) -> SignedIn | None:
    """The live session behind ``token``, or None. Looking does not keep it alive: ``keep_alive`` does."""
    if not token:
        return None
    with hub.reads() as reads:
        row = reads.session(token_hash(token))
    if row is None or _over(row, hub.clock.now()):
        return None
    actor = Actor(row.staff.name, row.staff.role, row.staff.id)
    return SignedIn(actor, row.csrf, min(row.seen_at + IDLE, row.created_at + ABSOLUTE))


def _over(row: SessionRow, now: datetime) -> bool:
    return now - row.seen_at >= IDLE or now - row.created_at >= ABSOLUTE


def keep_alive(hub: Hub, token: str | None) -> SignedIn | None:
    """The person did something: the 15 minutes start again. The session as it is then; one that is over stays over."""
    live = current(hub, token)
    now = hub.clock.now()
    if token is None or live is None or live.expires_at - now > IDLE - TOUCH_AFTER:
        return live
    with hub.unit_of_work() as work:
        work.sessions.touch(token_hash(token), now)
        work.commit()
    return current(hub, token)


def sign_out(hub: Hub, token: str) -> None:
    """End the session on the server; a copy of the cookie is worth nothing from then on."""
    now = hub.clock.now()
    with hub.unit_of_work() as work:
        row = work.sessions.find(token_hash(token))
        work.sessions.end(token_hash(token), now)
        if row is not None:
            work.audit.write(now, row.staff.name, "staff.sign_out", f"staff:{row.staff.id}", {})
        work.commit()


def token_hash(token: str) -> bytes:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).digest()
