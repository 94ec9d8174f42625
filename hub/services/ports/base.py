"""What every use-case may ask of the world besides storage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The aware UTC instant."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back."""
        ...


class Ids(Protocol):
    """The only source of randomness."""

    def token(self) -> str:
        """256 random bits, URL-safe: sessions and secrets."""
        ...

    def ref(self) -> str:
        """Four characters a person reads out without mistaking one for another: an alert's reference."""
        ...

    def gateway_id(self) -> str:
        """An opaque name for topics: letters and digits, nothing about the place in it."""
        ...


class Passwords(Protocol):
    """Password hashing."""

    def hash(self, password: str) -> str:
        """The text to store."""
        ...

    def verify(self, stored: str, password: str) -> bool:
        """Whether ``password`` is the one behind ``stored``; costs the same when it is not."""
        ...

    def outdated(self, stored: str) -> bool:
        """Whether ``stored`` was made with weaker parameters than today's."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a channel says of a message: its state, the provider's id, and whether trying again can help."""

    state: str  # accepted | sent | delivered | undelivered | failed | unknown
    provider_id: str | None = None
    error: str | None = None
    permanent: bool = False


class MessageSender(Protocol):
    """A way to reach a phone."""

    @property
    def name(self) -> str: ...

    @property
    def reaches_people(self) -> bool:
        """False for a console: a page sent there never counts as having reached a person (SF12)."""
        ...

    @property
    def answers_keywords(self) -> bool:
        """Whether the provider itself answers STOP, HELP and START."""
        ...

    @property
    def idempotent(self) -> bool:
        """Whether a second ``send`` of one ``outbox_id`` shows once: after a crash it may be sent again blindly."""
        ...

    def send(self, outbox_id: int, to: str, body: str, now: datetime) -> Delivery:
        """Send once. Raises nothing on purpose: whatever went wrong is in the ``Delivery``. Idempotent by ``outbox_id``
        where the provider allows it."""
        ...


@dataclass(frozen=True, slots=True)
class CameIn:
    """A text that came in, as the provider lists it. ``at``: when it was sent."""

    provider_id: str
    sender: str
    to: str
    body: str
    media: int
    at: datetime


class TextSource(Protocol):
    """The provider's own list of what came in."""

    def since(self, at: datetime, *, whole: bool = False) -> Sequence[CameIn]:
        """What came in since, oldest first; ``whole``: however much that is.

        Raises ``Transient`` if the provider does not say.
        """
        ...


class WebhookVerifier(Protocol):
    """Tells a provider's call from anybody else's."""

    def genuine(self, path: str, fields: Mapping[str, str], signature: str) -> bool:
        """Whether the provider signed ``fields`` for ``path`` (with its query) under the hub's public address. Where a
        form has a name twice, all its values count."""
        ...
