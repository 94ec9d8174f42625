"""A gateway's own status message."""

import msgspec

from hub.services.ingest.messages import Message
from hub.services.ingest.wire import MAX_BYTES, Status
from hub.services.ports.devices import GatewayStatus
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
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadStatus("not a status message") from error
    return GatewayStatus(
        online=status.online,
        body=message.payload.decode(),
        spool_depth=status.spool_depth,
        spool_dropped_total=status.spool_dropped_total,
        clock_offset_s=status.clock_offset_s,
        batteries=[(device.device, device.battery_percent) for device in status.devices],
    )


def note_status(uow: UnitOfWork, message: Message, status: GatewayStatus) -> None:
    """Keep the status, and the batteries of devices that are known."""
    uow.gateways.note_status(message.gateway_id, status, message.received_at)
    known = uow.devices.by_addresses([address for address, _ in status.batteries])
    uow.devices.note_batteries(
        [(known[a].id, level) for a, level in status.batteries if a in known and level is not None]
    )
