"""Paired Bluetooth devices as a source: whoever is heard is visited, and what it has goes to the spool.

Sensors advertise for half a minute when they have something, so nothing is polled: an advert starts a session at once.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Final

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from device_gateway.clock import Clock, Ids
from device_gateway.errors import BluetoothError, RegistryError
from device_gateway.frames import Packet, RawFrame
from device_gateway.registry import Paired, Registry
from device_gateway.sources.ble.agent import Agent, Nobody
from device_gateway.sources.ble.left_over import last_values
from device_gateway.sources.ble.link import Link
from device_gateway.sources.ble.outlet import Delivery, Outlet
from device_gateway.sources.ble.profiles import BY_NAME
from device_gateway.sources.ble.radio import Radio
from device_gateway.sources.ble.session import Clocks, Pace, Session
from device_gateway.sources.ble.standing import Standing
from device_gateway.sources.ble.stored_records import digest
from device_gateway.sources.ble.trouble import trouble

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """What the rest of the gateway knows."""

    is_kept: Callable[[str, Packet], bool]
    """Whether the spool has lately stored this packet of this device."""
    clock_is_wrong: Callable[[], bool] = lambda: False
    """Whether the hub's clock and the gateway's differ: then no device's clock is judged or set by it."""


_AT_ONCE: Final = 5  # connections that ordinary adapters can hold
_LONGEST_REST_S: Final = 30.0
_LONGEST_REST_UNBONDED_S: Final = 300.0
_TURN_S: Final = 1.0
_REGISTRY_MS: Final = 1000  # another process may pair a device at any time


@dataclass(slots=True)
class _Visits:
    """How it went with one device lately."""

    failures: int = 0
    not_before_ms: int = 0
    task: "asyncio.Task[None] | None" = None


class BleSource:
    """Visits every device in the registry that is heard; one it does not know, it leaves alone."""

    name = "bluetooth"

    def __init__(
        self, radio: Radio, registry: Registry, known: Known, clock: Clock, ids: Ids, zone: tzinfo, pace: Pace
    ) -> None:
        self._radio, self._registry, self._told, self._clock, self._ids = radio, registry, known, clock, ids
        self._zone, self._pace = zone, pace
        self._outlet = Outlet()
        self._visits: dict[str, _Visits] = {}
        self._sessions: dict[str, Session] = {}
        self._standing: Standing | None = None
        self._paired: Mapping[str, Paired] = {}
        self._paired_read_ms = -_REGISTRY_MS
        self._connecting, self._crowded = asyncio.Lock(), asyncio.Event()
        self._heard_ms = 0
        self._handed_out_ms: int | None = None

    async def frames(self) -> AsyncGenerator[tuple[RawFrame, ...], None]:
        """Records as they come. Asking for the next says that the last are on disk."""
        watch = asyncio.create_task(self._watch())
        try:
            while True:
                some = asyncio.create_task(self._outlet.some.wait())
                await asyncio.wait((some, watch), return_when=asyncio.FIRST_COMPLETED)
                some.cancel()
                if watch.done():
                    watch.result()
                self._handed_out_ms = self._clock.mono_ms()
                yield self._outlet.take()
                self._handed_out_ms = None
                self._outlet.stored()
        finally:
            sessions = [visit.task for visit in self._visits.values() if visit.task is not None]
            for tasks in (sessions, [watch]):  # devices are left in order by what the watch holds
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def rest(self) -> tuple[RawFrame, ...]:
        """What devices gave away while they were being left."""
        return self._outlet.rest()

    async def _watch(self) -> None:
        """Scans for ever; a scanner that hears nothing for long may be dead without knowing it."""
        try:
            async with AsyncExitStack() as stack:
                if self._radio.is_bluez:  # for as long as this runs: a device may be silent for a day between records
                    self._standing = await stack.enter_async_context(Standing())
                    await self._take_left_over()
                while True:
                    await self._scan()
                    log.debug("no advert for %g s; the scanner starts anew", self._pace.silence_s)
        except (BleakError, OSError, EOFError) as error:
            raise trouble(error) from error

    async def _scan(self) -> None:
        async with AsyncExitStack() as stack:
            if self._radio.is_bluez:
                await stack.enter_async_context(Agent(Nobody()))
            await self._radio.close_stale(self._is_left_over)
            self._heard_ms = self._clock.mono_ms()
            await stack.enter_async_context(self._radio.scan(self._seen))
            while self._is_alive():  # noqa: ASYNC110 - nothing happens; time passes
                await asyncio.sleep(_TURN_S)

    async def _take_left_over(self) -> None:
        """Stores what was confirmed to a device in the name of a gateway that did not live to store it."""
        paired = self._registry.all()
        for address, kind, data in await last_values():
            device = paired.get(address)
            if device is None or kind not in BY_NAME[device.profile].given_away or address in self._sessions:
                continue
            if digest(data) != device.newest_record and not self._told.is_kept(address, Packet(kind, data)):
                log.warning(
                    "a record of a %s (%s) was confirmed and not stored; it is now", device.profile, address[-5:]
                )
                delivery = Delivery(self._outlet, self._clock, address)
                delivery.put((Packet(kind, data),), superseded=True)
                await delivery.settled()  # the device's next record takes its place at BlueZ

    def _is_alive(self) -> bool:
        return self._clock.mono_ms() - self._heard_ms < 1000 * self._pace.silence_s

    def _is_left_over(self, device: BLEDevice) -> bool:
        address = device.address.upper()
        visits = self._visits.get(address)
        return address in self._known() and (visits is None or visits.task is None)

    def _seen(self, found: BLEDevice, _advert: AdvertisementData) -> None:
        self._heard_ms = self._clock.mono_ms()
        paired = self._known().get(found.address.upper())
        if paired is None:
            return
        visits = self._visits.setdefault(paired.address, _Visits())
        if visits.task is not None or self._heard_ms < visits.not_before_ms or not self._can_store():
            return
        if self._busy():
            self._crowded.set()
        else:
            visits.task = asyncio.create_task(self._visit(paired, found, visits), name=f"session {found.address[-5:]}")

    def _can_store(self) -> bool:
        """What cannot be stored stays in the devices: confirmed, it would be in this process's memory alone."""
        return self._handed_out_ms is None or self._heard_ms - self._handed_out_ms < 1000 * self._pace.store_s

    def _known(self) -> Mapping[str, Paired]:
        if self._heard_ms - self._paired_read_ms >= _REGISTRY_MS:
            self._paired_read_ms = self._heard_ms
            try:
                self._paired = self._registry.all()
            except RegistryError as error:
                log.warning("%s", error)
        return self._paired

    def _busy(self) -> bool:
        return sum(visit.task is not None for visit in self._visits.values()) >= _AT_ONCE

    async def _visit(self, paired: Paired, found: BLEDevice, visits: _Visits) -> None:
        well = False
        try:
            well = await self._session(paired, found)
        except RegistryError as error:
            log.warning("%s", error)
        except Exception:  # whatever one device does, the others are visited
            log.exception("a session failed")
        finally:
            visits.failures = 0 if well else visits.failures + 1
            visits.not_before_ms = self._clock.mono_ms() + self._rest_ms(visits.failures, paired.bond)
            visits.task = None

    def _rest_ms(self, failures: int, bond: str) -> int:
        """A device that stays awake is left alone for a while, one that fails ever longer, spread by chance."""
        if not failures:
            return round(1000 * self._pace.rest_s)
        longest = _LONGEST_REST_UNBONDED_S if bond == "lost" else _LONGEST_REST_S
        seconds = min(longest, self._pace.rest_s * 2.0 ** min(failures, 16))
        return round(1000 * seconds * self._ids.between(0.75, 1.25))

    async def _session(self, paired: Paired, found: BLEDevice) -> bool:
        """Whether all went well."""
        delivery = Delivery(self._outlet, self._clock, paired.address)
        clocks = Clocks(self._clock, self._zone, self._told.clock_is_wrong)
        session = Session(paired, delivery, partial(self._record, paired.address), self._crowded, clocks, self._pace)
        self._sessions[paired.address] = session
        try:
            await session.run(Link(self._radio, found, self._connecting, self._standing))
        except BluetoothError as error:
            log.warning("session with a %s (%s) ended early: %s", paired.profile, paired.address[-5:], error)
            return False
        finally:
            del self._sessions[paired.address]
            self._crowded.clear()  # whoever still waits is heard again
            self._registry.note_session(session.device)
            self._paired_read_ms = self._heard_ms - _REGISTRY_MS
            if session.device.bond == "lost" != paired.bond:
                log.error("a %s (%s) must be paired again", paired.profile, paired.address[-5:])
        return True

    def _record(self, address: str, kind: str, data: bytes) -> None:
        if (session := self._sessions.get(address)) is not None:
            session.arrived(kind, data)
        else:  # some other program connected to the device
            Delivery(self._outlet, self._clock, address).put((Packet(kind, data),))
