"""Who lives where, with which cuff, and what will happen to them."""

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from device_gateway.errors import SettingsError
from device_gateway.simulator.chance import uniform

PROFILE: Final = "blood-pressure"
# The first of these homes go to the first serials, as far as there are homes for them; all others are stable.
_CAST: Final = ("crisis", "stable", "rising", "stable", "faulty")
_EVERY_KPA: Final = 6  # each sixth cuff shows kPa

Story = Literal["stable", "crisis", "rising", "faulty", "silent"]


class Home(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One simulated patient with one cuff.

    Stories, counted from the start of the simulation: `stable`; `crisis` climbs to 190/125 mmHg in 20 s; `rising` to
    165/102 in 3 min; `faulty` has a loose cuff every fourth time; `silent` stops sending after a minute.
    """

    serial: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
    user_index: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    systolic: Annotated[int, msgspec.Meta(ge=60, le=250)] = 122
    diastolic: Annotated[int, msgspec.Meta(ge=30, le=150)] = 78
    pulse: Annotated[int, msgspec.Meta(ge=30, le=200)] = 70
    story: Story = "stable"
    interval_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 5.0
    unit: Literal["mmHg", "kPa"] = "mmHg"
    missed_days: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0  # share of days without any reading


def draw(count: int, seed: int, interval_s: float = 5.0) -> tuple[Home, ...]:
    """`count` homes; the same for the same seed, and the first of them whatever the count."""
    return tuple(_home(number, seed, interval_s) for number in range(1, count + 1))


def _home(number: int, seed: int, interval_s: float) -> Home:
    serial = f"SIM-CUFF-{number:04d}"
    return Home(
        serial=serial,
        systolic=round(108 + 18 * uniform(seed, serial, "systolic")),
        diastolic=round(66 + 12 * uniform(seed, serial, "diastolic")),
        pulse=round(58 + 22 * uniform(seed, serial, "pulse")),
        story=_CAST[number - 1] if number <= len(_CAST) else "stable",
        interval_s=interval_s,
        unit="kPa" if number % _EVERY_KPA == 0 else "mmHg",
    )


def load(file: Path) -> tuple[Home, ...]:
    """The homes of a JSON file: a list of objects with the fields of `Home`. Raises SettingsError."""
    try:
        homes = msgspec.json.decode(file.read_bytes(), type=tuple[Home, ...])
    except (OSError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise SettingsError(f"The homes in {file} cannot be read: {error}.") from error
    if len({home.serial for home in homes}) != len(homes):
        raise SettingsError(f"Two homes in {file} have the same serial.")
    return homes
