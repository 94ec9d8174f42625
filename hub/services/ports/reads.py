"""Read models: what the pages show. See ``hub.services.views`` for the values they return."""

from datetime import datetime
from typing import Protocol

from hub.domain.rollups import Grain
from hub.services.ports.adherence import AdherenceSource
from hub.services.ports.copies import CopySource
from hub.services.ports.rollups import RollupSource
from hub.services.ports.series import Amended
from hub.services.ports.staff import SessionRow, StaffMember
from hub.services.ports.thinning import ThinningSource
from hub.services.views.adherence import PatientAdherence
from hub.services.views.alerts import AlertPage, AlertRow
from hub.services.views.charts import PatientPage, Series
from hub.services.views.equipment import Equipment, Phone
from hub.services.views.intake import BadMessage, Inbox
from hub.services.views.people import StaffTag
from hub.services.views.replays import Marks, Outcome
from hub.services.views.rollups import Rollups
from hub.services.views.running import Running
from hub.services.views.texts import TextsPage
from hub.services.views.worklist import TaskRow, Worklist


class Reads(Protocol):
    """Read-only questions, answered from one snapshot."""

    def member_by_login(self, login: str) -> StaffMember | None:
        """Also of a member who is disabled."""
        ...

    def session(self, token_hash: bytes) -> SessionRow | None:
        """A session that has not ended, of a member who is not disabled."""
        ...

    def browser_knows(self, token_hash: bytes, staff_id: int) -> bool:
        """Whether this token ever was a session of this member, ended or not."""
        ...

    def staff(self) -> tuple[StaffTag, ...]:
        """Everybody who works here now, by name."""
        ...

    def worklist(self, now: datetime) -> Worklist: ...

    def alert_row(self, ref: str, now: datetime) -> AlertRow | None: ...

    def alert(self, ref: str, now: datetime) -> AlertPage | None: ...

    def tasks(self, done_since: datetime) -> tuple[TaskRow, ...]:
        """Open ones by due time, then those done since, newest first."""
        ...

    def patient(self, patient_id: int, now: datetime) -> PatientPage | None: ...

    def series(self, patient_id: int, since: datetime, now: datetime) -> tuple[Series, ...]:
        """Every metric that was ever measured or is waited for, with its samples from ``since`` on."""
        ...

    def adherence(self, patient_id: int, now: datetime) -> PatientAdherence | None:
        """Readings expected and received, in the patient's days."""
        ...

    @property
    def adherence_source(self) -> AdherenceSource:
        """What a projection makes those rows from."""
        ...

    def rollups(self, patient_id: int, metric: str, grain: Grain, since: datetime, until: datetime) -> Rollups:
        """Windows that begin in ``since <= start < until``, and up to when they are complete."""
        ...

    @property
    def rollup_source(self) -> RollupSource:
        """What a projection makes those windows from."""
        ...

    @property
    def thinning_source(self) -> ThinningSource:
        """What old readings are chosen from."""
        ...

    def left_out(self, patient_id: int, since: datetime, now: datetime) -> tuple[Amended, ...]:
        """Samples of that stretch that are void or replaced, newest first."""
        ...

    def texts(self, patient_id: int, now: datetime, limit: int) -> TextsPage | None:
        """The newest texts to and from a patient, oldest first."""
        ...

    def bad_messages(self, *, seen: bool, limit: int) -> tuple[BadMessage, ...]:
        """Newest first, without their bytes."""
        ...

    def bad_message(self, quarantine_id: int) -> BadMessage | None: ...

    def inbox(self, now: datetime, limit: int) -> Inbox: ...

    def equipment(self, now: datetime) -> Equipment: ...

    def phones(self, limit: int) -> tuple[Phone, ...]:
        """The demo's phones, each with its newest texts."""
        ...

    def running(self) -> Running: ...

    @property
    def copy_source(self) -> CopySource: ...

    def replay_marks(self, gateway_id: str) -> Marks: ...

    def replayed(self, patient_id: int, gateway_id: str, since: Marks) -> Outcome:
        """What came of a recording since the marks."""
        ...
