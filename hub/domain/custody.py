"""Whose reading is it: devices, assignment periods, user slots (SF18)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

WHY_HELD: Mapping[str, str] = {
    "unknown_device": "this device is not known here",
    "foreign_gateway": "this device was not accepted on the gateway that sent it",
    "unassigned": "nobody has this device",
    "ambiguous": "several patients share this device",
}
"""Why a reading waits for a person to say whose it is."""


class Period(Protocol):
    """A patient has a device from ``since`` until ``until`` (None: still); ``slot`` is the user number, None: any."""

    @property
    def patient_id(self) -> int: ...
    @property
    def slot(self) -> int | None: ...
    @property
    def since(self) -> datetime: ...
    @property
    def until(self) -> datetime | None: ...


def covers(period: Period, at: datetime) -> bool:
    """Whether the period holds ``at``; its end is not in it."""
    return period.since <= at and (period.until is None or at < period.until)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A period of a device, as it was written down."""

    id: int
    device_id: int
    patient_id: int
    slot: int | None
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The reading is this patient's."""

    patient_id: int


@dataclass(frozen=True, slots=True)
class Held:
    """Nobody may be guessed: ``code`` says why, ``candidates`` are the patients a person may choose from."""

    code: str  # unassigned | ambiguous
    candidates: tuple[int, ...] = ()


def owner(periods: Sequence[Period], at: datetime, user_index: int | None) -> Owner | Held:
    """Who had the device at ``at``.

    A slot that matches decides. Without one, a single patient who has the device whole is the owner; two patients on
    one device and no slot that tells them apart are always held.
    """
    covering = [a for a in periods if covers(a, at)]
    if len(covering) == 1 and covering[0].slot is None:
        return Owner(covering[0].patient_id)
    if user_index is not None:
        named = {a.patient_id for a in covering if a.slot == user_index}
        if len(named) == 1:
            return Owner(named.pop())
    whole = {a.patient_id for a in covering if a.slot is None}
    everybody = tuple(sorted({a.patient_id for a in covering}))
    if len(whole) == 1 and len(everybody) == 1:
        return Owner(whole.pop())
    return Held("ambiguous" if everybody else "unassigned", everybody)
