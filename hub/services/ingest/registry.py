"""What readings are placed and judged by, kept between groups: devices, who had them when, patients, their protocols.

None of it is read again while the registry's version stands (decision 14). What moves with every reading is not in it.
"""

import logging
from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from hub.domain.calm import Before, Foreseen, before, foresee
from hub.domain.patients import Patient
from hub.domain.ruling import Rule
from hub.domain.same_person import WEIGHT
from hub.domain.samples import Sample
from hub.services.ingest.placing import Device, pack, unpack
from hub.services.ports.care import Enrolment
from hub.services.ports.storage import UnitOfWork

log = logging.getLogger(__name__)

MOST = 400_000
"""Of each kind, some 200 MB; beyond it everything is forgotten and asked for anew."""

_AHEAD = timedelta(days=1)
"""A person's act may carry the time of a clock that is ahead of this one."""

Key = TypeVar("Key")


class Weighed(NamedTuple):
    """What a patient's weights were from ``since`` on, and when the newest was measured."""

    since: datetime
    newest: datetime | None
    before: Before

    def then(self, weight: Sample) -> "Weighed":
        """With one more, which is not older than the newest."""
        return Weighed(self.since, weight.at, self.before.then(weight))


def weighed(since: datetime, weights: Sequence[Sample]) -> Weighed:
    """What these were, oldest first."""
    return Weighed(since, weights[-1].at if weights else None, before(weights))


_Newest = tuple[int, tuple[str, ...], tuple[datetime, ...]]
"""An evaluation version, and by metric when the patient's newest sample was measured as of that.

Nearly all patients' are of the same few metrics, which are kept once: a mapping of its own would be larger than all
else of a patient.
"""


class Registry:
    """Ask ``refresh`` once in each transaction, before anything else."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._devices: dict[str, bytes] = {}
        self._patients: dict[int, Patient] = {}
        self._enrolments: dict[int, Sequence[Enrolment]] = {}
        self._foreseen: dict[int, Mapping[str, Foreseen]] = {}
        self._alike: dict[Hashable, Mapping[str, Foreseen]] = {}
        self._newest: dict[int, _Newest] = {}
        """By patient: whoever adds a sample moves the version."""
        self._told: dict[int, dict[str, datetime]] = {}
        """The same of the group's patients, before it."""
        self._metrics: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._weights: dict[int, tuple[int, Weighed]] = {}
        """By patient, as of an evaluation version."""
        self._weighed: dict[int, Weighed] = {}
        """As they will be when the group is committed."""

    def refresh(self, uow: UnitOfWork) -> None:
        """Forget everything if anything has changed."""
        self._weighed.clear()
        self._told.clear()
        version = uow.operations.registry_version()
        if version != self._version or max(map(len, (self._devices.keys(), self._newest.keys()))) > MOST:
            for kept in (self._devices, self._patients, self._enrolments, self._foreseen, self._alike, self._metrics):
                kept.clear()
            self._newest.clear()
            self._weights.clear()
            self._version = version

    @property
    def version(self) -> int | None:
        """That of all that is kept: what was read since may be newer."""
        return self._version

    def devices(self, uow: UnitOfWork, addresses: Collection[str]) -> dict[str, Device]:
        """By address; unknown ones are left out, and asked for again."""
        absent = _absent(addresses, self._devices)
        if absent:
            found = uow.devices.by_addresses(sorted(absent))
            periods = uow.devices.assignments([device.id for device in found.values()])
            self._devices |= {one: pack(device, periods.get(device.id, ())) for one, device in found.items()}
        return {address: unpack(self._devices[address]) for address in addresses if address in self._devices}

    def patients(self, uow: UnitOfWork, patient_ids: Collection[int]) -> dict[int, Patient]:
        """By id."""
        absent = _absent(patient_ids, self._patients)
        if absent:
            self._patients |= uow.patients.many(sorted(absent))
        return {patient_id: self._patients[patient_id] for patient_id in patient_ids}

    def enrolments(self, uow: UnitOfWork, patient_ids: Collection[int], now: datetime) -> dict[int, list[Enrolment]]:
        """The protocols each of them is on."""
        absent = _absent(patient_ids, self._enrolments)
        if absent:
            found = uow.protocols.of_patients(sorted(absent), now + _AHEAD)
            self._enrolments |= {one: tuple(found.get(one, ())) for one in absent}
        return {one: [on for on in self._enrolments[one] if on.since <= now] for one in patient_ids}

    def newest(self, uow: UnitOfWork, versions: Mapping[int, int]) -> Mapping[int, Mapping[str, datetime]]:
        """By patient and metric when the newest sample was measured, at these evaluation versions."""
        absent = [one for one, version in versions.items() if self._newest.get(one, (None,))[0] != version]
        if absent:
            read = uow.series.newest_times(absent)
            for one in absent:
                self._keep_newest(one, versions[one], read.get(one, {}))
        told = {one: dict(zip(*self._newest[one][1:], strict=True)) for one in versions}
        self._told |= told
        return told

    def weights(self, versions: Mapping[int, int], since: Mapping[int, datetime]) -> dict[int, Weighed]:
        """What is known, by patient, of the weights from ``since`` on or from longer ago, at these versions."""
        kept = {one: self._weights[one] for one in since if one in self._weights}
        return {one: found for one, (at, found) in kept.items() if at == versions[one] and found.since <= since[one]}

    def weighed(self, patient_id: int, weights: Weighed) -> None:
        """What ``weights`` is to answer once the group is committed."""
        self._weighed[patient_id] = weights

    def added(self, versions: Mapping[int, int], newest: Mapping[int, Mapping[str, datetime]]) -> None:
        """The group is committed: what it added of each patient, who was at these versions before."""
        for one, theirs in newest.items():
            now = later_of(self._told.get(one, {}), theirs)
            self._keep_newest(one, versions[one] + 1, now)
            at, weights = self._weights.get(one, (None, None))
            if one in self._weighed and _reaches(self._weighed[one], now.get(WEIGHT)):
                self._weights[one] = (versions[one] + 1, self._weighed[one])
            elif weights is not None and at == versions[one] and WEIGHT not in theirs:
                self._weights[one] = (versions[one] + 1, weights)

    def _keep_newest(self, patient_id: int, version: int, newest: Mapping[str, datetime]) -> None:
        metrics = tuple(newest)
        self._newest[patient_id] = version, self._metrics.setdefault(metrics, metrics), tuple(newest.values())

    def foreseen(self, patient: Patient) -> Mapping[str, Foreseen]:
        """By metric what the patient's rules, whose ``enrolments`` were asked for, can tell beforehand."""
        known = self._foreseen.get(patient.id)
        if known is None:
            on = self._enrolments[patient.id]
            rules = [rule for enrolment in on for rule in enrolment.in_force.protocol.rules]
            known = _foreseen(rules, patient)
            # Of most patients of a programme the same is foreseen.
            known = self._foreseen[patient.id] = self._alike.setdefault(_likeness(known), known)
        return known


def later_of(some: Mapping[str, datetime], others: Mapping[str, datetime]) -> dict[str, datetime]:
    """By metric the later of two instants, or the only one."""
    found = dict(some)
    for metric, at in others.items():
        if metric not in found or at > found[metric]:
            found[metric] = at
    return found


def _foreseen(rules: Sequence[Rule], patient: Patient) -> Mapping[str, Foreseen]:
    """Nothing is calm where a rule fails to say so: asked about a sample it fails again, which is an alarm (SF10)."""
    try:
        return foresee(rules, patient)
    except Exception:
        log.exception("what is calm cannot be told")
        return {}


def _likeness(known: Mapping[str, Foreseen]) -> Hashable:
    """Equal for those of which the same holds; rules are compared as objects, which live as long as what names them."""
    return tuple((metric, one.calm, *map(id, one.others)) for metric, one in known.items())


def _reaches(weights: Weighed, newest: datetime | None) -> bool:
    """Whether none lies beyond what was read: one may, where the hub's clock was set back."""
    return newest is None or (weights.newest is not None and weights.newest >= newest)


def _absent(wanted: Collection[Key], kept: Mapping[Key, object]) -> set[Key]:
    return {key for key in wanted if key not in kept}
