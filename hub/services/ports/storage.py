"""The unit of work: one transaction, with every repository bound to it."""

from types import TracebackType
from typing import Protocol, Self

from hub.services.ports.alerting import Alerts, Outbox, Tasks
from hub.services.ports.care import Patients, Protocols
from hub.services.ports.consents import Consents
from hub.services.ports.devices import Devices, Gateways
from hub.services.ports.measuring import Duties, Findings, Journal, Quarantine, SeriesStore, TimeLine
from hub.services.ports.operations import Audit, Operations
from hub.services.ports.staff import Sessions, StaffStore


class UnitOfWork(Protocol):
    """One write transaction. Leaving the block rolls back, unless ``commit`` was called."""

    @property
    def alerts(self) -> Alerts: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def consents(self) -> Consents: ...
    @property
    def devices(self) -> Devices: ...
    @property
    def duties(self) -> Duties: ...
    @property
    def findings(self) -> Findings: ...
    @property
    def gateways(self) -> Gateways: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def operations(self) -> Operations: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def patients(self) -> Patients: ...
    @property
    def protocols(self) -> Protocols: ...
    @property
    def quarantine(self) -> Quarantine: ...
    @property
    def replayed(self) -> TimeLine:
        """Readings of recordings, apart from whatever a patient's own devices measured."""
        ...

    @property
    def series(self) -> SeriesStore: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def staff(self) -> StaffStore: ...
    @property
    def tasks(self) -> Tasks: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def commit(self) -> None:
        """Make it durable. After this the block may say so to others."""
        ...

    def savepoint(self) -> "Savepoint":
        """A nested block: an exception in it undoes this block alone."""
        ...


class Savepoint(Protocol):
    """Rolls back to where it began if its block raises; the exception goes on."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
