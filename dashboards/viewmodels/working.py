"""Whether a gateway or a device works, in words and before any number."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.viewmodels import times
from hub.services.views.equipment import DeviceLine, GatewayLine

GATEWAY_QUIET = timedelta(minutes=15)
DEVICE_QUIET = timedelta(hours=36)
LOW_BATTERY = 20
CLOCK_OFF = 120


@dataclass(frozen=True, slots=True)
class Working:
    """``tone``: calm | amber | grey. ``notes`` are further troubles."""

    word: str
    tone: str
    notes: tuple[str, ...] = ()


def gateway_state(gateway: GatewayLine, now: datetime, zone: str) -> Working:
    """Working, quiet since, offline since, never heard, or retired."""
    notes = _gateway_notes(gateway)
    if gateway.retired_at is not None:
        return Working("retired", "grey")
    if gateway.heard_at is None:
        return Working("never heard", "grey", notes)
    if not gateway.online:
        since = gateway.online_changed_at or gateway.heard_at
        return Working(f"offline since {times.clock(since, zone, now)}", "amber", notes)
    if now - gateway.heard_at > GATEWAY_QUIET:
        return Working(f"quiet since {times.clock(gateway.heard_at, zone, now)}", "amber", notes)
    return Working("working", "calm", notes)


def _gateway_notes(gateway: GatewayLine) -> tuple[str, ...]:
    notes = []
    if gateway.dropped:
        notes.append(f"{gateway.dropped} readings were dropped because its store was full")
    if gateway.clock_offset_s is not None and abs(gateway.clock_offset_s) > CLOCK_OFF:
        notes.append(f"its clock is {times.span(timedelta(seconds=abs(gateway.clock_offset_s)))} off")
    return tuple(notes)


def device_state(device: DeviceLine, now: datetime, zone: str) -> Working:
    """Working, quiet since, or never seen."""
    low = device.battery_percent is not None and device.battery_percent <= LOW_BATTERY
    notes = (f"battery low: {device.battery_percent} %",) if low else ()
    if device.last_seen_at is None:
        return Working("never seen", "grey", notes)
    if now - device.last_seen_at > DEVICE_QUIET:
        return Working(f"quiet since {times.clock(device.last_seen_at, zone, now)}", "amber", notes)
    return Working("working", "amber" if low else "calm", notes)
