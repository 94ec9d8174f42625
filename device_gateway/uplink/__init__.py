"""The gateway's end of the line to the hub."""

from device_gateway.uplink.flight import Resend
from device_gateway.uplink.uplink import Uplink, Way

__all__ = ["Resend", "Uplink", "Way"]
