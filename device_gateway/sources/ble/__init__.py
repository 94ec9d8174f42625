"""Bluetooth LE devices, by bleak: pairing is a person's act, everything after it happens by itself."""

from device_gateway.sources.ble.radio import Radio
from device_gateway.sources.ble.session import Pace
from device_gateway.sources.ble.source import BleSource, Known

__all__ = ["BleSource", "Known", "Pace", "Radio"]
