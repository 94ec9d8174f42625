"""A recording moved in time, its last sample to a given instant: measurements as a device would send them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from device_gateway.clock import Clock
from device_gateway.errors import RecordingError
from device_gateway.frames import FROM_MEMORY, Measurement, Packet
from device_gateway.recordings.table import Columns, Row

DECODER: Final = "recording/1"
REPLAYED: Final = "replayed"
LONGEST: Final = timedelta(days=399)  # the hub takes an older time for a wrong clock
PROFILES: Final = (
    *("weight-scale", "body-composition", "glucose-meter", "cgm", "pulse-oximeter"),
    *("blood-pressure", "thermometer", "heart-rate", "manual"),
)
_PROFILE: Final = {
    "body_weight": "weight-scale",
    "body_fat": "body-composition",
    "oxygen_saturation": "pulse-oximeter",
    "pulse_rate": "pulse-oximeter",
    "perfusion_index": "pulse-oximeter",
    "blood_glucose": "glucose-meter",
    "systolic_blood_pressure": "blood-pressure",
    "diastolic_blood_pressure": "blood-pressure",
    "mean_arterial_pressure": "blood-pressure",
    "body_temperature": "thermometer",
    "heart_rate": "heart-rate",
}
_MOST_ROWS: Final = 16  # values in one reading


@dataclass(frozen=True, slots=True)
class Moment:
    """Rows that one device measured at once."""

    at: datetime
    profile: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Tape:
    """A recording at the times at which it is replayed. `name` stands for its content and the way it is read."""

    name: str
    until: datetime
    moments: tuple[Moment, ...]

    def measurement(self, moment: Moment, device: str, clock: Clock) -> Measurement:
        """What the gateway sends. The same row replayed up to the same instant has the same record key."""
        first = moment.rows[0]
        return Measurement(
            device=f"{device}/{moment.profile}",
            profile=moment.profile,
            measured_at=moment.at,
            received_at=clock.now(),
            values=tuple(row.value for row in moment.rows),
            flags=(FROM_MEMORY, REPLAYED, *dict.fromkeys(flag for row in moment.rows for flag in row.flags)),
            decoder=DECODER,
            raw=tuple(Packet("csv", row.raw) for row in moment.rows),
            boot=clock.boot,
            received_mono_ms=clock.mono_ms(),
            record=f"{self.name}/{first.line}/{first.value.metric}@{self.until:%Y%m%dT%H%M%S.%fZ}",
            device_time=first.text[:40],
        )


def wind(
    content: bytes,
    columns: Columns,
    rows: Sequence[Row],
    until: datetime,
    *,
    now: datetime,
    profile: str | None = None,
) -> Tape:
    """The rows in the order they were measured, moved so that the last one is at `until`. Raises RecordingError."""
    ordered = sorted(rows, key=lambda row: (row.at, row.line))
    if not ordered:
        raise RecordingError("no row is there to replay")
    shift = until.astimezone(UTC) - ordered[-1].at
    if now - (ordered[0].at + shift) > LONGEST:
        raise RecordingError(f"it would begin more than {LONGEST.days} days ago, longer than the hub looks back")
    name = hashlib.sha256(content + repr((columns, profile)).encode()).hexdigest()[:16]
    return Tape(name, ordered[-1].at + shift, tuple(_moments(ordered, shift, profile)))


def _moments(ordered: Sequence[Row], shift: timedelta, profile: str | None) -> Iterator[Moment]:
    """A reading of rows of one instant and profile; a metric that comes twice is another reading."""
    gathered: list[Row] = []
    for row in ordered:
        if gathered and not _belongs(row, gathered, profile):
            yield _moment(gathered, shift, profile)
            gathered = []
        gathered.append(row)
    if gathered:
        yield _moment(gathered, shift, profile)


def _belongs(row: Row, gathered: Sequence[Row], profile: str | None) -> bool:
    first = gathered[0]
    same = row.at == first.at and _profile_of(row, profile) == _profile_of(first, profile)
    return same and len(gathered) < _MOST_ROWS and all(row.value.metric != other.value.metric for other in gathered)


def _moment(gathered: Sequence[Row], shift: timedelta, profile: str | None) -> Moment:
    return Moment(gathered[0].at + shift, _profile_of(gathered[0], profile), tuple(gathered))


def _profile_of(row: Row, profile: str | None) -> str:
    return profile or _PROFILE.get(row.value.metric, "manual")
