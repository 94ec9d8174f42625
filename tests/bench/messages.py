"""Readings as a gateway of this project sends them, with all their times and packets, made at the rate of a load."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from hub.adapters.sql.types import to_ms
from tests.bench.town import KINDS, PROFILES, device_of, gateway_of

READING = (
    b'{"seq":%d,"device":"%b","profile":"%b","record":"%b/%016x","measured_at":"%b","device_time":"%b","received_at":"%b",'
    b'"boot":"boot-1","received_mono_ms":%d,"values":[%b],"flags":[],"decoder":"%b/1","raw":[{"kind":"%b","data":"%b"}]}'
)
REQUIRED = b'{"seq":%d,"device":"%b","profile":"%b","measured_at":"%b","received_at":"%b","values":[%b],"flags":[]}'
BATCH = b'{"v":1,"batch":"b-%d","spool":"%b","boot":"boot-1","sent_at":"%b","sent_mono_ms":%d,"readings":[%b]}'
VALUE = b'{"metric":"%b","value":%.1f,"unit":"%b"}'
PACKETS = (
    (b"2A9D", b"06983fea070b16073b3a01"),
    (b"2A5E", b"0f62004800ea070b16073700000000000023e0"),
    (b"2A35", b"1e7c004e005d00ea070b16073700480001"),
    (b"2A18", b"0b0700ea070b16073700c4ff01d0110000"),
)
NAMES = tuple(profile.encode() for profile in PROFILES)


def values_of(*values: tuple[bytes, float, bytes]) -> bytes:
    return b",".join(VALUE % value for value in values)


EVERY = timedelta(seconds=30)
SCALE, OXIMETER, CUFF, METER = range(KINDS)
AMONG = {3: OXIMETER, 6: CUFF, 9: OXIMETER, 15: OXIMETER, 18: CUFF, 21: OXIMETER}
MIXED = (SCALE, *(AMONG.get(place % 25, METER) for place in range(1, 50)))
"""What waits after a while: mostly a glucose sensor's readings, one weight, and what the other devices gave."""

VARIED = 1009
"""So many readings of a device until its values are the same again."""


def _values(kind: int, turn: int) -> bytes:
    pulse = b"pulse_rate", 58.0 + turn % 31, b"/min"
    if kind == SCALE:
        return values_of((b"body_weight", 77.6 + turn % 9 / 10, b"kg"))
    if kind == OXIMETER:
        return values_of((b"oxygen_saturation", 97.0 + turn % 3, b"%"), pulse)
    if kind == CUFF:
        systolic, diastolic = 108.0 + turn % 29, 64.0 + turn % 19
        return values_of(
            (b"systolic_blood_pressure", systolic, b"mm[Hg]"),
            (b"diastolic_blood_pressure", diastolic, b"mm[Hg]"),
            pulse,
        )
    return values_of((b"blood_glucose", 82.0 + turn % 61, b"mg/dL"))


USUAL = tuple(tuple(_values(kind, turn) for turn in range(VARIED)) for kind in range(KINDS))
"""By device. In range, as nearly all readings are, and not near its ends: nothing is to be judged."""

PAGES_AT_ONCE = values_of((b"oxygen_saturation", 85.0, b"%"), (b"pulse_rate", 72.0, b"/min"))


@lru_cache(maxsize=64)  # all that is sent together is sent at one instant
def iso(at: datetime) -> bytes:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


def reading(
    seq: int,
    home: int,
    kind: int,
    at: datetime,
    values: bytes | None = None,
    packet: tuple[bytes, bytes] | None = None,
) -> bytes:
    """A reading of one of the home's devices, received as it was measured."""
    when, packet = iso(at), packet or PACKETS[kind]
    monotonic = int(at.timestamp() * 1000) % 10**9
    times = when[:19], seq, when, when[:19], when, monotonic
    device = device_of(home, kind).encode()
    said = usual(seq, home, kind) if values is None else values
    return READING % (seq, device, NAMES[kind], *times, said, NAMES[kind], *packet)


def usual(seq: int, home: int, kind: int) -> bytes:
    """What it shows, another at each turn and in each home."""
    return USUAL[kind][(seq + 7 * home) % VARIED]


def required(seq: int, home: int, kind: int, at: datetime) -> bytes:
    """The same with no more than the contract requires, as another gateway may send it."""
    return REQUIRED % (seq, device_of(home, kind).encode(), NAMES[kind], iso(at), iso(at), usual(seq, home, kind))


def batch(number: int, spool: str, sent_at: datetime, readings: Iterable[bytes]) -> bytes:
    monotonic = int(sent_at.timestamp() * 1000) % 10**9
    return BATCH % (number, spool.encode(), iso(sent_at), monotonic, b",".join(readings))


def topic(home: int, lane: str = "live") -> bytes:
    return f"rpm/v1/{gateway_of(home)}/up/{lane}".encode()


def batches(homes: Iterable[int], each: int, spool: str, now: datetime, before: int = 0) -> list[tuple[bytes, bytes]]:
    """(topic, payload) of a batch of each home: what its devices measured while its gateway could not send.

    A home with several turns measured after its turn before. ``before``: so many batches of a home that come in later
    calls measure after all of these.
    """
    made, turns = [], list(homes)
    left = Counter(turns)
    for number, home in enumerate(turns):
        left[home] -= 1
        ended = now - (before + left[home]) * each * EVERY - timedelta(seconds=home % 30)
        readings = (reading(seq, home, MIXED[seq % len(MIXED)], ended - (each - seq) * EVERY) for seq in range(each))
        made.append((topic(home), batch(number, f"{spool}-{number}", now, readings)))
    return made


def heard(homes: Sequence[int], each: int, spool: str, now: datetime, before: int = 0) -> list[tuple[bytes, bytes]]:
    """(topic, payload) of a reading of each device of these homes, measured just before all of ``batches`` of them."""
    begins = now - (before + max(Counter(homes).values())) * each * EVERY - timedelta(seconds=1)
    own_spool = f"{spool}-heard"
    return [
        (topic(home), single(number * KINDS + kind, home, kind, own_spool, begins - timedelta(seconds=home % 30)))
        for number, home in enumerate(dict.fromkeys(homes))
        for kind in range(KINDS)
    ]


def single(seq: int, home: int, kind: int, spool: str, now: datetime, values: bytes | None = None) -> bytes:
    """A batch of one reading, measured now and numbered as a gateway does, from the time on."""
    return batch(seq, spool, now, (reading(to_ms(now) + seq, home, kind, now, values),))
