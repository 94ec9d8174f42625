"""Device bytes in, one measurement out; no I/O. A new device is its own file and one line in DECODERS."""

from datetime import tzinfo
from typing import Final

from device_gateway.decoders import glucose_meter, mqtt_cuff_json, mqtt_glucose_json, pulse_oximeter, weight_scale
from device_gateway.frames import Decoder, Measurement, RawFrame, Rejected

DECODERS: Final[tuple[Decoder, ...]] = (
    mqtt_cuff_json.DECODER,
    mqtt_glucose_json.DECODER,
    weight_scale.DECODER,
    glucose_meter.DECODER,
    *pulse_oximeter.DECODERS,
)


def decode(frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """The measurement in this frame; a device's local time is read in `zone`."""
    for decoder in DECODERS:
        if decoder.accepts(frame):
            return decoder.decode(frame, zone)
    return Rejected("no_decoder", "no device profile speaks on this route", frame)
