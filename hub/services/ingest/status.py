"""A gateway's own status message."""

import msgspec

from hub.domain.severity import Severity
from hub.services.alerting import technical, technical_over
from hub.services.hub import Hub
from hub.services.ingest.messages import Message
from hub.services.ingest.wire import MAX_BYTES, Status
from hub.services.ports.devices import GatewayRow, GatewayStatus
from hub.services.ports.storage import UnitOfWork

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
        batteries=[(device.device, device.battery_percent) for device in status.devices],
    )


def note_status(uow: UnitOfWork, hub: Hub, known: GatewayRow, message: Message, status: GatewayStatus) -> None:
    """Keep the status of the gateway ``known``, and the batteries of devices that are known."""
    uow.gateways.note_status(known.id, status, message.received_at, heard=not message.retained)
    _note_drops(uow, hub, known, message, status.spool_dropped_total)
    levels = {address: level for address, level in status.batteries if level is not None}
    if levels:
        devices = uow.devices.by_addresses(sorted(levels))
        uow.devices.note_batteries([(device.id, levels[address]) for address, device in devices.items()])


def _note_drops(uow: UnitOfWork, hub: Hub, known: GatewayRow, message: Message, total: int | None) -> None:
    """An alarm each time the gateway has dropped more: the total alone would raise it again whenever it is resolved."""
    subject = f"gateway:{known.id}"
    if total is None or total == known.spool_dropped_total:
        return
    if total > known.spool_dropped_total:
        sentence = f"Gateway {known.name} had to drop {total} readings: its spool was full"
        technical(uow, hub, subject, "dropping", Severity.AMBER, sentence, message.received_at)
    elif total == 0:  # a new spool
        technical_over(uow, hub, subject, "dropping", message.received_at)
