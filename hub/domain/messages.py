"""States of a message that has to leave: a lattice, so that a late or doubled status never goes back (S15)."""

from datetime import timedelta
from enum import StrEnum


class Sending(StrEnum):
    """Where a message is."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    """It may or may not have left: never resent blindly, the next person is paged instead."""
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    STALE = "stale"


RANK = {
    Sending.PENDING: 0,
    Sending.SENDING: 1,
    Sending.UNKNOWN: 2,
    Sending.ACCEPTED: 3,
    Sending.SENT: 4,
    Sending.UNDELIVERED: 5,
    Sending.FAILED: 5,
    Sending.CANCELLED: 5,
    Sending.STALE: 5,
    Sending.DELIVERED: 5,
}
"""The end states share a rank: the first one told stands."""

LEFT = frozenset({Sending.SENDING, Sending.UNKNOWN, Sending.ACCEPTED, Sending.SENT, Sending.DELIVERED})
"""It may be on a phone: its reader must hear when it no longer matters."""

ARRIVING = frozenset({Sending.ACCEPTED, Sending.SENT, Sending.DELIVERED})
"""The provider has taken it."""

DEAD = frozenset({Sending.UNDELIVERED, Sending.FAILED})
"""It will not arrive: whoever it was for does not know."""

PAGE_VALID = timedelta(minutes=15)
"""A page not sent by then is not sent at all: newer ones have been written since."""
NEWS_VALID = timedelta(hours=2)
"""The same for messages that page nobody."""

TRIES = 3
RETRY_AFTER = timedelta(seconds=15)


def moves(seen: Sending, told: Sending) -> bool:
    """Whether a status ``told`` changes a message in ``seen``: only upwards, never sideways."""
    return RANK[told] > RANK[seen]


def try_again(attempts: int, *, permanent: bool) -> timedelta | None:
    """How long to wait before the next try after ``attempts`` that surely did not leave; None: give up."""
    return None if permanent or attempts >= TRIES else RETRY_AFTER * attempts
