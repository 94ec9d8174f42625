"""What every use-case is given: the site, the clock, and ways to store and send."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hub.domain.checkins import CheckIn
from hub.domain.protocols import Protocol as CareProtocol
from hub.errors import NotPermitted
from hub.services.ports.base import Clock, Ids, MessageSender, Passwords, TextSource, WebhookVerifier
from hub.services.ports.reads import Reads
from hub.services.ports.storage import UnitOfWork


@dataclass(frozen=True, slots=True)
class Site:
    """The clinic, as its settings say."""

    mode: str  # production | demo
    clinic_name: str
    zone: str
    emergency_number: str
    public_url: str
    last_resort_phone: str | None
    escalation_scale: float = 1.0
    """Escalation delays are multiplied by this when a row is written; 1 outside the demo."""
    clinic_phone: str | None = None
    """What a patient calls for advice: stands in answers to HELP."""

    @property
    def demo(self) -> bool:
        """Invented patients, nobody is paged: every page says so (SF20)."""
        return self.mode == "demo"


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub as ``bootstrap`` wired it."""

    site: Site
    clock: Clock
    ids: Ids
    passwords: Passwords
    unit_of_work: Callable[[], UnitOfWork]
    reads: Callable[[], AbstractContextManager[Reads]]
    channel: MessageSender
    templates: Callable[[], Mapping[str, tuple[bytes, CareProtocol]]]
    """Protocol templates on disk, by id: canonical body and parsed form."""
    twilio: WebhookVerifier | None = None
    """Who calls back as Twilio; None: nobody is expected to."""
    texts: TextSource | None = None
    """Who lists what came in; None: nobody does."""
    checkin_templates: Callable[[], Mapping[str, tuple[bytes, CheckIn]]] = dict
    """Check-in templates on disk, as ``templates``."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in member of staff, or the hub itself (``staff_id`` None)."""

    name: str
    role: str
    staff_id: int | None = None


HUB = Actor("hub", "hub")
"""The machine's own acts."""

CLINICAL = frozenset({"nurse", "physician", "pharmacist", "social_worker", "admin"})
OPERATORS = frozenset({"operator", "admin"})


def require(actor: Actor, roles: frozenset[str]) -> None:
    """Raise ``NotPermitted`` unless the actor has one of ``roles``; the command line acts as ``admin``."""
    if actor.role not in roles:
        raise NotPermitted(f"this needs one of the roles {', '.join(sorted(roles))}; you are {actor.role}")
