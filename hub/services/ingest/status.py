"""A gateway's own status message."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import msgspec

from hub.domain.severity import Severity
from hub.services.alerting import technical, technical_over
from hub.services.hub import Hub
from hub.services.ingest.messages import Message
from hub.services.ingest.wire import MAX_BYTES, Status, StatusDevice
from hub.services.ports.devices import DeviceRow, DeviceSaid, GatewayStatus, Sender
from hub.services.ports.storage import UnitOfWork

BOND_LOST = "bond-lost"
_YEARS = range(1970, 2200)
"""Nobody heard a device in another, and at either end of time no page can show an instant in its zone."""
_STATUS = msgspec.json.Decoder(Status)


class BadStatus(Exception):
    """A status message that cannot be read."""


def read_status(message: Message) -> GatewayStatus:
    """The status in a message. Raises ``BadStatus``."""
    if len(message.payload) > MAX_BYTES:
        raise BadStatus("too large")
    try:
        status = _STATUS.decode(message.payload)
        body = message.payload.decode()  # what msgspec skips it does not look at
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadStatus("not a status message") from error
    if "\0" in body:
        raise BadStatus("it holds U+0000, which no database keeps")
    return GatewayStatus(
        online=status.online,
        body=body,
        spool_depth=status.spool_depth,
        spool_dropped_total=status.spool_dropped_total,
        clock_offset_s=status.clock_offset_s,
        devices=None if status.devices is msgspec.UNSET else [_said(one) for one in status.devices],
    )


def devices_told(body: str) -> list[DeviceSaid]:
    """The devices in a status message that was kept. An earlier release kept what this one may not be able to read."""
    try:
        devices = _STATUS.decode(body).devices
    except msgspec.DecodeError:
        return []
    return [] if devices is msgspec.UNSET else [_said(one) for one in devices]


def _said(one: StatusDevice) -> DeviceSaid:
    heard_at: datetime | None = None
    with suppress(ValueError):
        heard_at = datetime.fromisoformat(one.last_seen_at or "")
    dated = heard_at is not None and heard_at.tzinfo is not None and heard_at.year in _YEARS
    return DeviceSaid(
        one.device, one.profile, heard_at if dated else None, one.battery_percent, one.bond, one.quarantined
    )


def note_status(uow: UnitOfWork, hub: Hub, known: Sender, message: Message, status: GatewayStatus) -> None:
    """Keep the status of the gateway ``known``, and what it says of devices that are known."""
    uow.gateways.note_status(known.id, status, message.received_at, heard=not message.retained)
    if known.replays:  # whoever replays looks on: nobody is to be paged about it
        return
    _note_drops(uow, hub, known, message, status.spool_dropped_total)
    if status.devices is not None:
        _note_devices(uow, hub, known, message, status.devices)


def _note_drops(uow: UnitOfWork, hub: Hub, known: Sender, message: Message, total: int | None) -> None:
    """An alarm each time the gateway has dropped more: the total alone would raise it again whenever it is resolved."""
    subject = f"gateway:{known.id}"
    if total is None or total == known.spool_dropped_total:
        return
    if total > known.spool_dropped_total:
        sentence = f"Gateway {known.name} had to drop {total} readings: its spool was full"
        technical(uow, hub, subject, "dropping", Severity.AMBER, sentence, message.received_at)
    elif total == 0:  # a new spool
        technical_over(uow, hub, subject, "dropping", message.received_at)


def _note_devices(uow: UnitOfWork, hub: Hub, known: Sender, message: Message, devices: Sequence[DeviceSaid]) -> None:
    told = {one.address: one for one in devices if one.battery_percent is not None or one.bond == "lost"}
    rows = uow.devices.by_addresses(sorted(told)) if told else {}
    levels = [(row.id, told[address].battery_percent) for address, row in rows.items()]
    uow.devices.note_batteries([(device_id, level) for device_id, level in levels if level is not None])
    _note_bonds(uow, hub, known, message, [row for address, row in rows.items() if told[address].bond == "lost"])


def _note_bonds(uow: UnitOfWork, hub: Hub, known: Sender, message: Message, lost: Sequence[DeviceRow]) -> None:
    """An alarm a device that no longer knows its gateway: its silence alone would look like the patient's (SF8).

    It is over as soon as the gateway says otherwise: paired again, or forgotten.
    """
    theirs = f"device:{known.id}/"
    troubled = {f"{theirs}{row.address}": row for row in lost if known.id in row.accepted_on}
    for subject, row in troubled.items():
        what = f"{row.profile.replace('-', ' ').capitalize()} …{row.address[-5:]}"
        sentence = f"{what} must be paired again with gateway {known.name}: until then none of its readings arrive"
        technical(uow, hub, subject, BOND_LOST, Severity.AMBER, sentence, message.received_at)
    for subject in uow.alerts.open_subjects(theirs):
        if subject not in troubled:
            technical_over(uow, hub, subject, BOND_LOST, message.received_at)
