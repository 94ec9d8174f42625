"""One text that came in, as it is being handled."""

from dataclasses import dataclass
from datetime import datetime

from hub.domain.keywords import Keyword, is_bare, keyword, wants_to_stop
from hub.domain.patients import Patient
from hub.domain.replies import BARE
from hub.services.hub import Hub
from hub.services.ports.alerting import InboundText
from hub.services.ports.storage import UnitOfWork

ANSWERS = 10
"""More texts than this from one number within ``BARE`` are no longer answered: two machines may be at it."""


@dataclass(frozen=True, slots=True)
class Received:
    """The text, whose number it came from, and when it is handled."""

    id: int
    text: InboundText
    now: datetime
    patients: tuple[Patient, ...] = ()
    """Several where a household shares a phone; none for staff and for strangers."""

    @property
    def one(self) -> Patient | None:
        """The patient who wrote it, where the number says so."""
        return self.patients[0] if len(self.patients) == 1 else None

    @property
    def said(self) -> Keyword | None:
        """The keyword it is. The provider's word for it goes first: it may know others than the hub does."""
        return said(self.text)


def said(text: InboundText) -> Keyword | None:
    """The keyword that a text is; None: it is none."""
    return Keyword(text.opt_out) if text.opt_out else keyword(text.body)


def says_stop(text: InboundText) -> bool:
    """Whether a text asks for no more texts, by the keyword or in plain words."""
    word = said(text)
    return word is Keyword.STOP or (word is None and wants_to_stop(text.body))


def provider_answered(hub: Hub, received: Received) -> bool:
    """Whether the provider has answered this keyword by itself, so that the hub must not do it again."""
    return bool(received.text.opt_out) or (hub.channel.answers_keywords and is_bare(received.text.body))


def too_many(uow: UnitOfWork, received: Received) -> bool:
    """Whether so many texts came from this number lately that none of them is answered."""
    return uow.outbox.inbound.count_from(received.text.sender, received.now - BARE) > ANSWERS
