"""Read models over the relational database: portable SQL, a fixed number of questions a page."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from hub.adapters.series.sql import SqlSeries
from hub.adapters.sql.adherence import SqlAdherence
from hub.adapters.sql.reads import (
    adherence,
    equipment,
    intake,
    patients,
    people,
    phones,
    replays,
    rollups,
    running,
    stories,
    tasks,
    texts,
    worklist,
)
from hub.adapters.sql.reads.copying import CopiedCharts, SqlCopySource
from hub.adapters.sql.rollups import SqlRollups
from hub.adapters.sql.staff import SqlSessions, SqlStaff
from hub.adapters.sql.thinning import SqlThinning
from hub.domain.rollups import Grain
from hub.services.ports.series import Amended
from hub.services.ports.staff import SessionRow, StaffMember
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


class SqlReads:
    """See ``hub.services.ports.reads.Reads``."""

    def __init__(self, connection: Connection, charts: CopiedCharts | None = None) -> None:
        self._connection = connection
        self._charts = charts

    def member_by_login(self, login: str) -> StaffMember | None:
        """Also of a member who is disabled."""
        return SqlStaff(self._connection).by_login(login)

    def session(self, token_hash: bytes) -> SessionRow | None:
        """A session that has not ended, of a member who is not disabled."""
        return SqlSessions(self._connection).find(token_hash)

    def browser_knows(self, token_hash: bytes, staff_id: int) -> bool:
        """Whether this token ever was a session of this member."""
        return people.browser_knows(self._connection, token_hash, staff_id)

    def staff(self) -> tuple[StaffTag, ...]:
        """Everybody who works here now, by name."""
        return people.staff_tags(self._connection)

    def worklist(self, now: datetime) -> Worklist:
        """The first page."""
        return worklist.worklist(self._connection, now)

    def alert_row(self, ref: str, now: datetime) -> AlertRow | None:
        """One alert as a row, or None."""
        return stories.alert_row(self._connection, ref, now)

    def alert(self, ref: str, now: datetime) -> AlertPage | None:
        """One alert with its whole story, or None."""
        return stories.story(self._connection, ref, now)

    def tasks(self, done_since: datetime) -> tuple[TaskRow, ...]:
        """Open ones by due time, then those done since."""
        return tasks.open_tasks(self._connection) + tasks.done_tasks(self._connection, done_since)

    def patient(self, patient_id: int, now: datetime) -> PatientPage | None:
        """One patient, whole, or None."""
        return patients.page(self._connection, patient_id, now)

    def series(self, patient_id: int, since: datetime, now: datetime) -> tuple[Series, ...]:
        """Every metric of a patient with its samples from ``since`` on."""
        copied = None if self._charts is None else self._charts.since(self._connection, patient_id, since)
        return patients.series(self._connection, patient_id, since, now, copied)

    def adherence(self, patient_id: int, now: datetime) -> PatientAdherence | None:
        """Readings expected and received, or None."""
        return adherence.adherence(self._connection, patient_id, now)

    @property
    def adherence_source(self) -> SqlAdherence:
        """What a projection makes those rows from."""
        return SqlAdherence(self._connection)

    def rollups(self, patient_id: int, metric: str, grain: Grain, since: datetime, until: datetime) -> Rollups:
        """Hours or days of one metric."""
        return rollups.rollups(self._connection, patient_id, metric, grain, since, until)

    @property
    def rollup_source(self) -> SqlRollups:
        """What a projection makes those windows from."""
        return SqlRollups(self._connection)

    @property
    def thinning_source(self) -> SqlThinning:
        """What old readings are chosen from."""
        return SqlThinning(self._connection)

    def left_out(self, patient_id: int, since: datetime, now: datetime) -> tuple[Amended, ...]:
        """Void and replaced samples, newest first."""
        return tuple(SqlSeries(self._connection).amended(patient_id, since, now + timedelta(days=1))[::-1])

    def texts(self, patient_id: int, now: datetime, limit: int) -> TextsPage | None:
        """The newest texts to and from a patient, or None."""
        return texts.texts(self._connection, patient_id, now, limit)

    def bad_messages(self, *, seen: bool, limit: int) -> tuple[BadMessage, ...]:
        """Quarantined messages, newest first, without their bytes."""
        return intake.bad_messages(self._connection, seen=seen, limit=limit)

    def bad_message(self, quarantine_id: int) -> BadMessage | None:
        """One quarantined message with its bytes, or None."""
        return intake.bad_message(self._connection, quarantine_id)

    def inbox(self, now: datetime, limit: int) -> Inbox:
        """Readings that wait for a person."""
        return intake.inbox(self._connection, now, limit)

    def equipment(self, now: datetime) -> Equipment:
        """Devices and gateways."""
        return equipment.equipment(self._connection, now)

    def phones(self, limit: int) -> tuple[Phone, ...]:
        """The demo's phones."""
        return phones.phones(self._connection, limit)

    def running(self) -> Running:
        """How the hub itself is doing."""
        return running.running(self._connection, copied=self._charts is not None)

    @property
    def copy_source(self) -> SqlCopySource:
        """What a copy of the series is made from."""
        return SqlCopySource(self._connection)

    def replay_marks(self, gateway_id: str) -> Marks:
        """Where the tables end before a recording is replayed."""
        return replays.marks(self._connection, gateway_id)

    def replayed(self, patient_id: int, gateway_id: str, since: Marks) -> Outcome:
        """What came of a recording since the marks."""
        return replays.outcome(self._connection, patient_id, gateway_id, since)
