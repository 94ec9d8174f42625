"""A patient's text taken as the answer to what they were asked."""

from datetime import datetime

from hub.domain.patients import Patient
from hub.services.checkins.heard import Heard
from hub.services.hub import Hub
from hub.services.ports.storage import UnitOfWork


def answer(uow: UnitOfWork, hub: Hub, patient: Patient, inbound_id: int, body: str, now: datetime) -> Heard:
    """Take ``body`` as an answer to the patient's open conversation."""
    del uow, hub, patient, inbound_id, body, now  # nothing is asked yet
    return Heard.NOTHING
