"""Pairing, a person's act: find the device, let BlueZ ask for its passkey, remember it by its identity address."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from device_gateway.clock import Clock
from device_gateway.errors import BluetoothError, PairingError
from device_gateway.registry import Paired, Registry
from device_gateway.sources.ble.agent import Agent, Person
from device_gateway.sources.ble.profiles import BATTERY_LEVEL, profile_of, uuid
from device_gateway.sources.ble.radio import Radio
from device_gateway.sources.ble.trouble import trouble

_CONNECT_S: Final = 60.0  # a person looks for six digits and types them
_FULL: Final = 100
_REFUSED: Final = ("AuthenticationFailed", "AuthenticationRejected", "AuthenticationCanceled", "pairing failed")


@dataclass(frozen=True, slots=True)
class Heard:
    """A device that was heard while scanning."""

    address: str
    name: str
    profile: str
    rssi: int


async def scan(radio: Radio, seconds: float) -> tuple[Heard, ...]:
    """The devices of known profiles that advertise, the nearest first. Raises BluetoothError."""
    heard: dict[str, Heard] = {}

    def seen(found: BLEDevice, advert: AdvertisementData) -> None:
        profile = profile_of(advert.service_uuids)
        if profile is not None:
            name = advert.local_name or found.name or ""
            heard[found.address.upper()] = Heard(found.address.upper(), name, profile.name, advert.rssi)

    try:
        async with radio.scan(seen):
            await asyncio.sleep(seconds)
    except (BleakError, OSError, EOFError) as error:
        raise trouble(error) from error
    return tuple(sorted(heard.values(), key=lambda each: -each.rssi))


async def pair(
    radio: Radio, address: str, person: Person, registry: Registry, clock: Clock, *, within_s: float = 30.0
) -> Paired:
    """The device, paired and in the registry. What BlueZ still holds of an old bond is removed first.

    Raises PairingError: the text says what a person can do. BluetoothError: the radio failed.
    """
    address = address.upper()
    async with AsyncExitStack() as stack:
        agent = await stack.enter_async_context(Agent(person)) if radio.is_bluez else None
        found = await _find(radio, address, within_s)
        if registry.find(address) is not None or radio.has_bond(found):  # the person says that it is no good
            await _unpair(radio, found)
            found = await _find(radio, address, within_s)
        if agent is not None:
            agent.device = found.details["path"]
        device = await _paired(radio, found, clock.now())
    registry.add(device)
    return device


async def forget(radio: Radio, address: str, registry: Registry, *, within_s: float = 5.0) -> bool:
    """Whether there was such a device. Its bond is removed where the radio still knows it."""
    address = address.upper()
    if radio.is_bluez and registry.find(address) is not None:
        with suppress(PairingError, BluetoothError):  # out of reach: without its row nothing connects to it any more
            await _unpair(radio, await _find(radio, address, within_s))
    return registry.forget(address)


async def _find(radio: Radio, address: str, within_s: float) -> BLEDevice:
    there: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

    def seen(found: BLEDevice, _advert: AdvertisementData) -> None:
        if found.address.upper() == address and not there.done():
            there.set_result(found)

    try:
        async with radio.scan(seen), asyncio.timeout(within_s):
            return await there
    except TimeoutError as error:
        raise PairingError(
            f"{address} was not heard for {within_s:g} s. Wake the device, or put it into pairing mode, and try again."
        ) from error
    except (BleakError, OSError, EOFError) as error:
        raise trouble(error) from error


async def _paired(radio: Radio, found: BLEDevice, now: datetime) -> Paired:
    client = radio.open(found, pair=True, timeout=_CONNECT_S)
    try:
        async with client:
            services = {service.uuid: service for service in client.services}
            profile = profile_of(list(services))
            if profile is None:
                raise PairingError(f"{found.address} is of no kind that is read here: {_kinds(services)}.")
            return Paired(
                address=client.address.upper(),  # behind a changing address BlueZ now knows the identity
                profile=profile.name,
                name=found.name or "",
                paired_at=now,
                battery_percent=await _battery(client),
            )
    except (BleakError, TimeoutError, OSError, EOFError) as error:
        text = str(error) or "it did not answer in time"
        if any(word in text for word in _REFUSED):
            raise PairingError(
                f"{found.address} was not paired: the passkey was wrong or the device refused. Put it into pairing "
                "mode again and type the digits it shows."
            ) from error
        raise PairingError(
            f"{found.address} was not paired: {text}. Keep it close and awake, and try again."
        ) from error


async def _battery(client: BleakClient) -> int | None:
    if client.services.get_characteristic(uuid(BATTERY_LEVEL)) is None:
        return None
    try:
        level = await client.read_gatt_char(uuid(BATTERY_LEVEL))
    except BleakError:
        return None
    return level[0] if level and level[0] <= _FULL else None


async def _unpair(radio: Radio, found: BLEDevice) -> None:
    try:
        await radio.open(found).unpair()
    except BleakError as error:
        raise BluetoothError(f"the old bond could not be removed: {error}") from error


def _kinds(services: Mapping[str, object]) -> str:
    return ", ".join(sorted(name[4:8].upper() for name in services)) or "it offers no services"
