"""Homes drawn by chance, or read from a file."""

from pathlib import Path

import msgspec

from device_gateway.errors import SettingsError
from device_gateway.simulator.cast import FINGERSTICK_S, HOMES, demo_homes, neighbour
from device_gateway.simulator.household import UNITS, Device, Home


def draw(count: int, seed: int, interval_s: float = 5.0) -> tuple[Home, ...]:
    """`count` homes; the same for the same seed, and the first of them whatever the count."""
    homes = demo_homes(seed, interval_s)
    people = sum(len(home.people) for home in homes)
    further = (neighbour(home, home - HOMES + people, seed, interval_s) for home in range(HOMES + 1, count + 1))
    return (*homes[:count], *further)


def load(file: Path) -> tuple[Home, ...]:
    """The homes of a JSON file: a list of objects with the fields of `Home`. Raises SettingsError."""
    try:
        homes = msgspec.json.decode(file.read_bytes(), type=tuple[Home, ...])
    except (OSError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise SettingsError(f"The homes in {file} cannot be read: {error}.") from error
    if (fault := _fault(homes)) is not None:
        raise SettingsError(f"The homes in {file} cannot be: {fault}.")
    return homes


def _fault(homes: tuple[Home, ...]) -> str | None:
    """What is wrong with homes that are well written."""
    names: dict[str, list[int] | list[str]] = {
        "home": [home.home for home in homes],
        "person": [person.person for home in homes for person in home.people],
        "device": [device.device for home in homes for device in home.devices],
    }
    for what, given in names.items():
        words = [str(each) for each in given]
        if twice := {each for each in words if words.count(each) > 1}:
            return f"two have the same {what} {min(twice)}"
    for home in homes:
        for device in home.devices:
            if (fault := _device_fault(device, {person.person for person in home.people})) is not None:
                return f"{device.device} {fault}"
    return None


def _device_fault(device: Device, people: set[int]) -> str | None:
    if not people.issuperset(device.people) or len(set(device.people)) < len(device.people):
        return "names a person who does not live there, or one twice"
    if device.unit is not None and device.unit not in UNITS[device.profile]:
        return f"shows no {device.unit}"
    if device.profile == "glucose-meter" and device.interval_s < FINGERSTICK_S:
        return f"counts to 65535: its interval_s is {FINGERSTICK_S:g} or more"
    if (device.link == "ble") != (":" in device.device):
        return "needs a random static address (C0:… to FF:…)" if device.link == "ble" else "needs a serial"
    return None
