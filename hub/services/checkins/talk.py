"""A conversation with all that it rests on."""

from dataclasses import dataclass

from hub.domain.checkins import CheckIn, Step
from hub.domain.patients import Patient
from hub.services.ports.checkins import CheckInForce, Conversation
from hub.services.ports.storage import UnitOfWork


@dataclass(frozen=True, slots=True)
class Talk:
    """Who is asked, by which signed copy, and how far it is."""

    patient: Patient
    in_force: CheckInForce
    row: Conversation

    @property
    def checkin(self) -> CheckIn:
        """As it was signed when this began: a newer copy changes nothing of it (SF21)."""
        return self.in_force.checkin

    @property
    def step(self) -> Step:
        """The question that waits."""
        return self.checkin.steps[self.row.step]


def talk_of(uow: UnitOfWork, patient: Patient, row: Conversation) -> Talk:
    """The conversation with its signed copy."""
    return Talk(patient, uow.checkins.get(row.checkin_version_id), row)
