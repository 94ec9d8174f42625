"""Whether a gateway or a device works, in words and before any number; and what mends it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.viewmodels import times
from hub.services.views.equipment import DeviceLine, GatewayLine, Told

GATEWAY_QUIET = timedelta(minutes=15)
DEVICE_QUIET = timedelta(hours=36)
LOW_BATTERY = 20
CLOCK_OFF = 120
TONES = ("amber", "grey", "calm")


@dataclass(frozen=True, slots=True)
class Mend:
    """What to do, and the command that does it."""

    words: str
    command: str


@dataclass(frozen=True, slots=True)
class Working:
    """``tone``: one of ``TONES``. ``notes`` are further troubles."""

    word: str
    tone: str
    notes: tuple[str, ...] = ()
    mends: tuple[Mend, ...] = ()


def urgency(state: Working) -> tuple[int, bool]:
    """Sorts devices: what is in trouble first, and of that what can be mended from here."""
    return TONES.index(state.tone), not state.mends


_KINDS = {"blood-pressure": "Blood pressure cuff", "cgm": "Glucose sensor", "manual": "Typed by hand"}


def kind(profile: str | None) -> str:
    """What people call a device: ``Weight scale``."""
    return _KINDS.get(profile or "", (profile or "unknown kind").replace("-", " ").capitalize())


def tail(address: str) -> str:
    """As much of an address as tells two devices apart: ``…EE:FF``."""
    return address if len(address) <= 6 else f"…{address[-5:]}"


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
    """Pairing lost, never seen, quiet since, battery low, or working: the worst first."""
    word, tone = _device_word(device, now, zone)
    return Working(word, tone, mends=(*_pair_again(device), *_give(device)))


def _device_word(device: DeviceLine, now: datetime, zone: str) -> tuple[str, str]:
    if _lost(device):
        return "pairing lost: pair it again", "amber"
    if device.last_seen_at is None:
        paired = any(one.said.bond == "paired" for one in device.told)
        return "paired, no reading yet" if paired else "never seen", "grey"
    if now - device.last_seen_at > DEVICE_QUIET:
        return f"quiet since {times.clock(device.last_seen_at, zone, now)}", "amber"
    return ("battery low", "amber") if _low(device) else ("working", "calm")


def _low(device: DeviceLine) -> bool:
    return device.battery_percent is not None and device.battery_percent <= LOW_BATTERY


def _lost(device: DeviceLine) -> list[Told]:
    return [one for one in device.told if one.said.bond == "lost"]


def battery_words(device: DeviceLine) -> str:
    """``80 %``, ``12 %, low: change it soon`` or ``unknown``."""
    if device.battery_percent is None:
        return "unknown"
    return f"{device.battery_percent} %{', low: change it soon' if _low(device) else ''}"


def pairing_words(device: DeviceLine) -> str:
    """``with Home 1``, ``lost with Home 1``; empty for what is never paired."""
    words = {"paired": "with", "lost": "lost with"}
    return ", ".join(f"{words[one.said.bond]} {one.gateway}" for one in device.told if one.said.bond in words)


def _pair_again(device: DeviceLine) -> list[Mend]:
    how = "It no longer knows gateway {}: none of its readings arrive. Wake it as its manual says, and run there:"
    return [Mend(how.format(one.gateway), f"rpmhub-gateway pair {device.address}") for one in _lost(device)]


def kept_apart(told: Told) -> str:
    """How many records the gateway kept apart, such as a control solution; why, its own command says."""
    count = told.said.quarantined
    return f"{count} {'record' if count == 1 else 'records'} that became no reading; {told.gateway} says why:"


def _give(device: DeviceLine) -> list[Mend]:
    if device.holders:
        return []
    words = "Nobody has it: its readings wait in Quarantine. Give it to a patient:"
    return [Mend(words, f"rpmhub device assign {device.id} PATIENT")]


def stranger_words(stranger: Told) -> str:
    """What is known of a device that was not accepted: how its gateway hears it, and nothing of anybody."""
    if stranger.said.bond == "lost":
        return f"Was paired with {stranger.gateway}, and no longer knows it"
    return f"{'Paired with' if stranger.said.bond else 'Heard by'} {stranger.gateway}"
