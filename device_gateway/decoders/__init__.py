"""Device bytes in, one measurement out; no I/O. A new device is its own file and one line in DECODERS."""

from datetime import tzinfo
from typing import Final

from device_gateway.decoders import mqtt_cuff_json
from device_gateway.frames import Decoder, Measurement, RawFrame, Rejected

DECODERS: Final[tuple[Decoder, ...]] = (mqtt_cuff_json.DECODER,)


def decode(frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """The measurement in this frame; a device's local time is read in `zone`."""
    for decoder in DECODERS:
        if decoder.accepts(frame):
            return decoder.decode(frame, zone)
    return Rejected("no_decoder", "no device profile speaks on this route", frame)
