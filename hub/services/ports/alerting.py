"""Alerts, tasks, and messages that have to leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from hub.domain.alerts import Alert
from hub.domain.messages import Sending


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One thing that happened to an alert. ``transition`` is its id in the table of ``hub.domain.lifecycle``."""

    at: datetime
    transition: str
    actor: str
    words: str


class Alerts(Protocol):
    """Open alerts and their history: see ``hub.services.transitions`` for the only code that changes them."""

    def add(self, alert: Alert) -> int | None:
        """The new row's id; None if its subject has an open alert of this problem, or its reference is taken."""
        ...

    def get(self, alert_id: int) -> Alert:
        """Raises ``NotFound``."""
        ...

    def by_ref(self, ref: str) -> Alert:
        """However it is spelled; raises ``NotFound``."""
        ...

    def open_of(self, subject: str, problem: str) -> Alert | None: ...
    def of_patient(self, patient_id: int) -> list[Alert]:
        """Open and acknowledged ones."""
        ...

    def open_subjects(self, prefix: str) -> list[str]:
        """Subjects with an open alert that begin so."""
        ...

    def save(self, alert_id: int, seen: int, fields: Mapping[str, Any]) -> bool:
        """Compare-and-set on version ``seen``; False if somebody changed it before."""
        ...

    def due_pages(self, now: datetime, limit: int) -> list[int]:
        """Open alerts whose next page is due, reds first."""
        ...

    def due_lapses(self, now: datetime, limit: int) -> list[int]: ...

    def set_back(self, by: timedelta) -> int:
        """Whatever waits for its time in an alert comes so much earlier; in how many alerts."""
        ...

    def note(self, alert_id: int, *events: AlertEvent) -> None:
        """The next lines of the alert's history."""
        ...

    def last_noted(self, alert_id: int, transition: str) -> datetime | None:
        """When its history last had this transition."""
        ...

    def history(self, alert_id: int) -> list[AlertEvent]: ...


FARTHEST = timedelta(days=366)
"""No duty is set further ahead: a slip of the keyboard must not hide it for good."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """A duty of a person or of a role. ``key`` makes a duty found twice one task."""

    kind: str  # follow_up | review | unassigned | home_again | call_patient
    title: str
    due_at: datetime
    patient_id: int | None = None
    alert_id: int | None = None
    owner_id: int | None = None
    role: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A duty as its row says. ``page_at``: somebody is paged about it then."""

    id: int
    kind: str
    title: str
    patient_id: int | None
    alert_id: int | None
    owner_id: int | None
    role: str | None
    due_at: datetime
    created_at: datetime
    done_at: datetime | None
    done_by: int | None
    note: str | None
    page_at: datetime | None
    pages: int
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody tried to reach a patient."""

    patient_id: int
    alert_id: int | None
    staff_id: int
    at: datetime
    way: str  # phone | visit | video | message
    reached: bool
    note: str | None


class Tasks(Protocol):
    """All duty that is not an alert, and the contacts that discharge it."""

    def add(self, task: NewTask, now: datetime) -> int | None:
        """None if a task with this key stands already."""
        ...

    def get(self, task_id: int) -> Task:
        """Raises ``NotFound``."""
        ...

    def open_keys(self, kind: str) -> set[str]:
        """Keys of the open tasks of this kind."""
        ...

    def claim(self, task_id: int, staff_id: int) -> bool:
        """Compare-and-set from "nobody's"; False if it has an owner, is done or cancelled."""
        ...

    def complete(self, task_id: int, staff_id: int | None, note: str | None, now: datetime) -> bool:
        """Compare-and-set from open."""
        ...

    def set_page(self, task_id: int, seen_pages: int, pages: int, page_at: datetime | None, now: datetime) -> bool:
        """Compare-and-set on the number of pages."""
        ...

    def due_pages(self, now: datetime, limit: int) -> list[int]: ...

    def cancel_of_patient(self, patient_id: int) -> int: ...
    def open(self, limit: int) -> list[Task]:
        """Not done, not cancelled, the first due first."""
        ...

    def add_contact(self, contact: Contact) -> int: ...
    def contacts(self, patient_id: int) -> list[Contact]: ...


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to write in the transaction of its cause. ``dedupe`` makes one cause one message."""

    dedupe: str
    kind: str  # page | taken | stand_down | reply | task; to patients: checkin | answer | courtesy
    to: str
    body: str
    send_after: datetime
    valid_until: datetime | None = None
    alert_id: int | None = None
    patient_id: int | None = None
    staff_id: int | None = None
    round: int | None = None
    step: int | None = None
    urgent: bool = False
    consent: str | None = None
    """Scope of the patient's consent that must still stand when it leaves; None: it needs none (SF16)."""
    conversation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as its row says. Who holds ``fence`` until ``lease_until`` alone may send it."""

    id: int
    kind: str
    to: str
    body: str
    state: Sending
    send_after: datetime
    alert_id: int | None
    patient_id: int | None
    staff_id: int | None
    round: int | None
    step: int | None
    attempts_started: int
    attempts_finished: int
    fence: int
    lease_until: datetime | None
    provider_id: str | None
    error: str | None
    consent: str | None
    conversation_id: int | None
    sent_at: datetime | None
    """When the provider took it; None: it did not, or nobody saw it."""


@dataclass(frozen=True, slots=True)
class ReplyCode:
    """The number a page told its reader to answer with."""

    phone: str
    digit: int
    alert_id: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text that came. ``opt_out``: STOP, START or HELP, where the provider has dealt with it by itself."""

    provider_id: str
    sender: str
    body: str
    received_at: datetime
    staff_id: int | None = None
    patient_id: int | None = None
    understood: str | None = None
    to: str | None = None
    media: int = 0
    """Pictures and the like that came with it; the provider has them."""
    opt_out: str | None = None


class Inbound(Protocol):
    """Texts that came, kept whether or not they were understood."""

    def add(self, text: InboundText) -> int | None:
        """None if the provider told of it before."""
        ...

    def get(self, inbound_id: int) -> InboundText:
        """Raises ``NotFound``."""
        ...

    def unhandled(self, limit: int) -> list[tuple[int, InboundText]]:
        """Not looked at by the worker yet, in the order they came; strangers' after those of known numbers."""
        ...

    def handled(self, inbound_id: int, staff_id: int | None, patient_id: int | None, now: datetime) -> bool:
        """Compare-and-set from unhandled: whose it is; False if another worker was faster."""
        ...

    def understood(self, inbound_id: int, as_what: str, now: datetime) -> None:
        """It is no longer unread."""
        ...

    def mark_read(self, inbound_id: int, now: datetime) -> bool:
        """A person has read it; False if it does not wait to be read."""
        ...

    def unread(self, limit: int) -> list[tuple[int, InboundText]]: ...
    def patients_with_phone(self, phone: str) -> list[int]: ...
    def after(self, phone: str, since: datetime) -> list[InboundText]:
        """What came from this number after ``since``, in the order it came to the hub."""
        ...

    def count_from(self, phone: str, since: datetime) -> int: ...


class Outbox(Protocol):
    """Messages written in the transaction of their cause, sent by the worker."""

    inbound: Inbound

    def add(self, message: NewMessage, now: datetime) -> int | None:
        """None if its cause has written it before."""
        ...

    def get(self, message_id: int) -> Message: ...
    def claim(self, now: datetime, lease_until: datetime, channel: str, limit: int) -> list[Message]:
        """Due messages, urgent ones first, now ``sending`` and leased to the caller."""
        ...

    def mine(self, message_id: int, fence: int, now: datetime) -> bool:
        """Whether the lease still holds: asked immediately before sending."""
        ...

    def record(
        self, message_id: int, fence: int, told: Sending, provider_id: str | None, error: str | None, now: datetime
    ) -> bool:
        """How the attempt of this fence ended; False if a later attempt or a status was faster."""
        ...

    def again(self, message_id: int, fence: int, send_after: datetime, error: str | None) -> bool:
        """The attempt of this fence surely did not leave: it becomes pending again."""
        ...

    def adopt(self, message_id: int, to: str, provider_id: str) -> None:
        """Give this message, sent to ``to`` and never known to have been taken, the provider's id."""
        ...

    def status(self, provider_id: str, told: Sending, error: str | None, now: datetime) -> Message | None:
        """A provider's word: the message if it moved; None if late, doubled or not of ours."""
        ...

    def lapsed(self, now: datetime, limit: int) -> list[Message]:
        """Being sent by somebody whose lease is over."""
        ...

    def expire(self, now: datetime) -> int:
        """Pending messages past their time become stale; how many."""
        ...

    def set_back(self, by: timedelta) -> int:
        """Whatever of an alert waits to leave does so much earlier; how many messages."""
        ...

    def keep_longer(self, by: timedelta) -> int:
        """Whatever of an alert waits to leave may do so for so much longer; how many messages."""
        ...

    def all_stale(self, why: str) -> int:
        """Whatever is to be sent, or was being sent, never is; how many."""
        ...

    def cancel_of_alert(self, alert_id: int) -> int:
        """Pages not yet being sent."""
        ...

    def cancel_of_patient(self, patient_id: int) -> int:
        """Everything not yet being sent."""
        ...

    def cancel_texts(self, patient_id: int) -> int:
        """Texts to the patient that need consent and are not yet being sent; how many."""
        ...

    def cancel_of_conversation(self, conversation_id: int) -> int:
        """Texts of one conversation that are not yet being sent; how many."""
        ...

    def of_conversation(self, conversation_id: int) -> list[Message]:
        """All of them, in the order they were written."""
        ...

    def texts_to(self, patient_id: int, kind: str, since: datetime) -> int:
        """How many texts of this kind to the patient were written since and may have left, or may yet."""
        ...

    def of_alert(self, alert_id: int) -> list[Message]:
        """All of them, in the order they were written."""
        ...

    def pages_to(self, phone: str, since: datetime) -> list[Message]:
        """Pages that may be on this phone, written since."""
        ...

    def codes(self, phone: str, since: datetime) -> list[ReplyCode]:
        """Codes issued to this phone since; the newest first."""
        ...

    def code_told(self, phone: str, alert_id: int, since: datetime) -> int | None:
        """The number this phone was told last, since then, to answer this alert with."""
        ...

    def codes_taken(self, phone: str, since: datetime) -> set[int]:
        """The numbers this phone was told since, whatever of."""
        ...

    def issue_code(self, code: ReplyCode) -> None: ...
    def lock_phone(self, phone: str) -> None:
        """Until the transaction ends nobody else issues a code for this phone."""
        ...


__all__ = [
    "AlertEvent",
    "Alerts",
    "Contact",
    "Inbound",
    "InboundText",
    "Message",
    "NewMessage",
    "NewTask",
    "Outbox",
    "ReplyCode",
    "Task",
    "Tasks",
]
