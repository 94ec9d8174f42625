"""The values that travel through the gateway: bytes as they came, and what a decoder made of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as it came. `kind` is the GATT characteristic (`2A35`) or `mqtt`."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFrame:
    """Every packet of one record, and when it reached the gateway."""

    route: str  # the MQTT topic it came on, or `ble/<address>`
    packets: tuple[Packet, ...]
    received_at: datetime
    received_mono_ms: int
    boot: str
    retained: bool = False  # an old message that the broker repeats to every new subscriber
    device: str | None = None  # the Bluetooth identity address, upper case; over MQTT the record names its device
    battery_percent: int | None = None
    clock_skew: timedelta | None = None  # the device's clock minus ours, read before it was set; None: not known
    clock_read: bool = True  # False: `clock_skew` is of an earlier session; new batteries may have come since
    superseded: bool = False  # the device sent a newer record in the same breath: this one it had kept


@dataclass(frozen=True, slots=True)
class Shown:
    """What the patient saw on the device, where that is not the metric's unit."""

    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Value:
    """A number in the metric's UCUM unit and resolution. `comparator` `<` or `>`: the device said LO or HI."""

    metric: str
    value: Decimal
    shown: Shown | None = None
    comparator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One reading. Without `values` it still says that the device tried, and `flags` say why it failed."""

    device: str
    profile: str
    measured_at: datetime
    received_at: datetime
    values: tuple[Value, ...]
    flags: tuple[str, ...]
    decoder: str
    raw: tuple[Packet, ...]
    boot: str
    received_mono_ms: int
    record: str | None = None
    device_time: str | None = None
    user_index: int | None = None
    battery_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A frame of which no measurement was made. It is kept raw and counted, never guessed at."""

    code: str
    reason: str
    frame: RawFrame


@dataclass(frozen=True, slots=True)
class Decoder:
    """One device profile. `name` goes with every reading, so that a decoder's fault can be found and mended later."""

    kind: str
    name: str
    accepts: Callable[[RawFrame], bool]
    decode: Callable[[RawFrame, tzinfo], Measurement | Rejected]


# The device sent this from its memory: it was measured some time ago, whatever its clock says.
FROM_MEMORY = "from_memory"
