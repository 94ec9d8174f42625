"""Virtual Bluetooth: health devices one can scan for, pair with and read, without a radio.

It stands on bumble, which a gateway in service does without: nothing outside this package may import that.
"""

from device_gateway.simulator.radio.air import CENTRAL, Air
from device_gateway.simulator.radio.backend import make_backend
from device_gateway.simulator.radio.central import BondLost, Central, NotPaired
from device_gateway.simulator.radio.glucose_meter import GlucoseMeter, Record
from device_gateway.simulator.radio.health_device import HealthDevice
from device_gateway.simulator.radio.link import LinkLost
from device_gateway.simulator.radio.pulse_oximeter import PulseOximeter
from device_gateway.simulator.radio.weight_scale import WeightScale

__all__ = [
    "CENTRAL",
    "Air",
    "BondLost",
    "Central",
    "GlucoseMeter",
    "HealthDevice",
    "LinkLost",
    "NotPaired",
    "PulseOximeter",
    "Record",
    "WeightScale",
    "make_backend",
]
