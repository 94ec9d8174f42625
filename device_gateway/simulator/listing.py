"""The homes as a list of devices, for whoever has to accept and assign them."""

from collections.abc import Iterator, Sequence
from typing import Any

from device_gateway.simulator.household import STORIES, Device, Home, Person


def rows(homes: Sequence[Home]) -> list[dict[str, Any]]:
    """One row a device, ready for JSON; a person of several devices stands in each of their rows."""
    return [_row(home, device) for home in homes for device in home.devices]


def lines(homes: Sequence[Home]) -> Iterator[str]:
    """The same to be read."""
    for home in homes:
        yield f"home {home.home}"
        for person in home.people:
            yield f"  person {person.person}: {person.condition}, {STORIES[person.story]}"
        for device in home.devices:
            slots = "" if len(device.people) == 1 else f", slots of persons {', '.join(map(str, device.people))}"
            passkey = "" if device.passkey is None else f", passkey {device.passkey:06}"
            yield (
                f"  {device.device:17}  {device.profile:14} {device.link:4} {device.shows:6} "
                f"every {device.interval_s:g} s{slots}{passkey}"
            )


def _row(home: Home, device: Device) -> dict[str, Any]:
    members = {person.person: person for person in home.people}
    row: dict[str, Any] = {
        "home": home.home,
        "device": device.device,
        "profile": device.profile,
        "link": device.link,
        "people": [_person(members[number], device.slot(number)) for number in device.people],
    }
    if device.link == "ble":
        row |= {"name": device.name, "passkey": device.passkey}
    return row


def _person(person: Person, slot: int | None) -> dict[str, Any]:
    """`facts`: what a clinician would have recorded, as far as a plan needs it."""
    facts = {
        "dry_weight_kg": person.dry_weight_kg,
        "oxygen_target": person.oxygen_target,
        "insulin_or_su": person.insulin_or_su or None,
    }
    return {
        "person": person.person,
        "slot": slot,
        "condition": person.condition,
        "story": person.story,
        "facts": {name: value for name, value in facts.items() if value is not None},
    }
