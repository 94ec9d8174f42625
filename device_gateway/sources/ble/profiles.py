"""What the gateway does with each kind of Bluetooth device: the service it is known by, and where its records come."""

from dataclasses import dataclass
from typing import Final

from bleak.uuids import normalize_uuid_16

BATTERY_LEVEL: Final = "2A19"
CURRENT_TIME: Final = "2A2B"
RACP: Final = "2A52"


def uuid(characteristic: str) -> str:
    """The full UUID of a 16-bit one, e.g. `2A9D`."""
    return normalize_uuid_16(int(characteristic, 16))


@dataclass(frozen=True, slots=True)
class Profile:
    """`records`: the characteristics that carry records; `asked`: they come only when asked for over RACP.

    `given_away`: of these the device keeps no copy once they are confirmed.
    """

    name: str
    service: str
    records: tuple[str, ...]
    asked: bool = False
    given_away: tuple[str, ...] = ()


PROFILES: Final[tuple[Profile, ...]] = (
    Profile("weight-scale", "181D", ("2A9D",), given_away=("2A9D",)),
    Profile("glucose-meter", "1808", ("2A18", "2A34"), asked=True),
    Profile("pulse-oximeter", "1822", ("2A5E", "2A5F"), given_away=("2A5E",)),
)
BY_NAME: Final = {profile.name: profile for profile in PROFILES}
SERVICES: Final = [uuid(profile.service) for profile in PROFILES]


def profile_of(services: list[str]) -> Profile | None:
    """The first profile that one of these service UUIDs stands for."""
    return next((profile for profile in PROFILES if uuid(profile.service) in services), None)
