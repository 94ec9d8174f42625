"""A home, the people in it, and their devices: what a file of homes holds, and what `draw` makes."""

from typing import Annotated, Final, Literal

import msgspec

Condition = Literal["heart-failure", "copd", "diabetes", "hypertension", "general-adult"]
Profile = Literal["weight-scale", "glucose-meter", "pulse-oximeter", "blood-pressure", "cgm"]
Link = Literal["ble", "mqtt"]
Unit = Literal["kg", "lb", "mg/dL", "mmol/L", "mmHg", "kPa", "%"]
Story = Literal["stable", "gaining", "desaturating", "night-lows", "silent", "rising", "crisis"]

STORIES: Final[dict[Story, str]] = {
    "stable": "in range",
    "gaining": "gained 2.4 kg of water in the last days",
    "desaturating": "SpO2 falls to 84-85 % within 15 s of the start and stays there",
    "night-lows": "low at night, the last time in the sensor's memory",
    "silent": "sends nothing since a little more than 2 days before the start",
    "rising": "climbs to 165/102 mmHg in 3 min",
    "crisis": "climbs to 190/125 mmHg in 20 s",
}
LINKS: Final[dict[Profile, Link]] = {
    "weight-scale": "ble",
    "glucose-meter": "ble",
    "pulse-oximeter": "ble",
    "blood-pressure": "mqtt",
    "cgm": "mqtt",
}
UNITS: Final[dict[Profile, tuple[Unit, ...]]] = {
    "weight-scale": ("kg", "lb"),
    "glucose-meter": ("mg/dL", "mmol/L"),
    "pulse-oximeter": ("%",),
    "blood-pressure": ("mmHg", "kPa"),
    "cgm": ("mg/dL", "mmol/L"),
}
"""The first is what a device shows that does not say."""
_ADDRESS: Final = r"[CDEF][0-9A-F](:[0-9A-F]{2}){5}"  # a random static address: its two highest bits are set
_SERIAL: Final = r"[A-Za-z0-9._-]{1,64}"

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who measures: what is usual for them, and what happens to them from the start of the simulation on."""

    person: Annotated[int, msgspec.Meta(ge=1)]
    condition: Condition
    story: Story = "stable"
    weight_kg: Annotated[float, msgspec.Meta(ge=30, le=200)] = 76.0
    oxygen_percent: Annotated[float, msgspec.Meta(ge=70, le=99)] = 97.0
    systolic: Annotated[float, msgspec.Meta(ge=60, le=250)] = 116.0
    diastolic: Annotated[float, msgspec.Meta(ge=30, le=150)] = 70.0
    pulse: Annotated[float, msgspec.Meta(ge=30, le=200)] = 68.0
    glucose_mg_dl: Annotated[float, msgspec.Meta(ge=40, le=400)] = 112.0
    missed_days: _Share = 0.0  # share of days without any reading
    home_days: Annotated[int, msgspec.Meta(ge=0, le=400)] = 400  # days before the start since when they measure
    dry_weight_kg: float | None = None
    oxygen_target: Literal["94-98", "88-92"] | None = None
    insulin_or_su: bool = False


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device. Of several people the first has its slot 1, the next slot 2; they take turns."""

    device: Annotated[str, msgspec.Meta(pattern=f"^({_ADDRESS}|{_SERIAL})$")]
    profile: Profile
    people: Annotated[tuple[int, ...], msgspec.Meta(min_length=1, max_length=8)]
    unit: Unit | None = None
    interval_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 15.0
    passkey: Annotated[int, msgspec.Meta(ge=0, le=999_999)] | None = None
    clock_off_h: Annotated[float, msgspec.Meta(ge=-24, le=24)] = 0.0  # its clock stays wrong whoever sets it
    no_clock: bool = False  # it has a clock, but none that a gateway can read or set
    loose_every: Annotated[int, msgspec.Meta(ge=0)] = 0  # each n-th time the cuff is loose

    @property
    def link(self) -> Link:
        """How the device speaks."""
        return LINKS[self.profile]

    @property
    def shows(self) -> Unit:
        """The unit on its display."""
        return self.unit or UNITS[self.profile][0]

    @property
    def name(self) -> str:
        """What it advertises."""
        return f"Sim {self.profile} {self.device[-2:]}"

    def slot(self, person: int) -> int | None:
        """The person's slot; None where there is only one."""
        return self.people.index(person) + 1 if len(self.people) > 1 else None


class Home(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People and devices under one roof."""

    home: Annotated[int, msgspec.Meta(ge=1)]
    people: tuple[Person, ...]
    devices: tuple[Device, ...]
