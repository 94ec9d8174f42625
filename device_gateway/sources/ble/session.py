"""One session with one paired device: connect, collect what it has, leave it so that nothing can get lost."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial
from typing import Final

from device_gateway.clock import Clock
from device_gateway.errors import BluetoothError
from device_gateway.frames import Packet
from device_gateway.registry import Paired
from device_gateway.sources.ble.clock_sync import set_clock, skew_of
from device_gateway.sources.ble.link import BondError, Link
from device_gateway.sources.ble.outlet import Delivery
from device_gateway.sources.ble.profiles import BATTERY_LEVEL, BY_NAME
from device_gateway.sources.ble.stored_records import Place, StoredRecords, digest

Heard = Callable[[str, bytes], None]
"""Called with a characteristic and its value."""

_FULL: Final = 100
_IDLE_IN_A_CROWD_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to wait for devices, in seconds."""

    idle_s: float = 10.0  # a device that sends by itself has sent all when it is silent for so long
    quiet_s: float = 30.0  # a device that is asked answers within this, else the question is taken back (GLS: 30 s)
    longest_s: float = 600.0  # no session is longer
    crowded_s: float = 30.0  # while others wait, a device that does not stop sending is left after so long
    rest_s: float = 4.0  # a device that stays awake after a session is left alone for so long
    store_s: float = 5.0  # records that are not stored within this: the disk is full, no device is visited
    silence_s: float = 120.0  # hearing nothing at all for so long, the scanner is started anew


@dataclass(frozen=True, slots=True)
class Clocks:
    """The gateway's clock, the zone of the devices', and whether the gateway's is known to be wrong."""

    ours: Clock
    zone: tzinfo
    ours_is_wrong: Callable[[], bool]


class Session:
    """`run` ends when the device has nothing more, and leaves what was learned in `device`."""

    def __init__(
        self,
        paired: Paired,
        delivery: Delivery,
        heard: Heard,
        crowded: asyncio.Event,
        clocks: Clocks,
        pace: Pace,
    ) -> None:
        """`heard` is called with each record that a device sends by itself, also after this session: see `arrived`.

        `crowded` is set while other devices wait for a connection.
        """
        self._delivery, self._heard, self._crowded, self._clocks, self._pace = delivery, heard, crowded, clocks, pace
        self._began_ms = clocks.ours.mono_ms()
        self._profile = BY_NAME[paired.profile]
        self._activity = asyncio.Event()
        self._newest: bytes | None = None
        self._delivery.battery_percent, self._delivery.clock_skew = paired.battery_percent, paired.clock_skew
        self.device = paired

    async def run(self, link: Link) -> None:
        """Raises BluetoothError; what came until then is kept all the same."""
        try:
            async with asyncio.timeout(self._pace.longest_s), link:
                await (self._ask(link) if self._profile.asked else self._listen(link))
                self.device = replace(self.device, bond_failures=0)
        except BondError:
            self.device = replace(self.device, bond_failures=self.device.bond_failures + 1)
            raise
        except TimeoutError as error:
            raise BluetoothError(f"a session was longer than {self._pace.longest_s:g} s") from error
        finally:
            self.device = replace(
                self.device,
                battery_percent=self._delivery.battery_percent,
                quiet=self.device.quiet if link.left_quiet is None else link.left_quiet,
            )
            if self._newest is not None and self._delivery.is_settled:
                self.device = replace(self.device, newest_record=digest(self._newest))

    async def _ask(self, link: Link) -> None:
        await self._look(link)
        known = None
        if self.device.sequence is not None:
            known = Place(self.device.sequence, self.device.newest_record or "")
        records = StoredRecords(link, known, self._pace.quiet_s, self._found, hasty=self.device.hasty)
        await records.subscribe()
        if self.device.hasty:
            await self._set_clock(link)
        try:
            await records.collect()
            await self._delivery.settled()
        except BluetoothError:
            await self._delivery.settled()
            raise
        finally:
            if self._delivery.is_settled:  # only what the spool has need not be asked for again
                self._note(records)
        if not self.device.hasty:  # not before: what an interrupted transfer leaves behind is dated by the wrong clock
            await self._set_clock(link)

    def _note(self, records: StoredRecords) -> None:
        sequence, newest = (None, None) if (at := records.reached) is None else (at.sequence, at.digest)
        self.device = replace(self.device, hasty=records.hasty, sequence=sequence, newest_record=newest)

    async def _listen(self, link: Link) -> None:
        try:
            await self._hear_out(link)
        except BluetoothError:
            if self._newest is None or not link.gone.is_set():
                raise  # else the device told what it had and went before it was asked for more: it may
        await self._delivery.settled()

    async def _hear_out(self, link: Link) -> None:
        # Left unsubscribed, the device waits: time to look at its clock. Else it may be sending already.
        if self.device.quiet:
            await self._look(link)
            await self._subscribe(link)
        else:
            await self._subscribe(link)
            await self._look(link)
        while await self._more(link):
            self._activity.clear()
        await self._set_clock(link)  # not before: what it still had to tell was dated by the clock as it stood

    async def _subscribe(self, link: Link) -> None:
        for kind in self._profile.records:
            if link.has(kind):
                await link.subscribe(kind, partial(self._heard, kind), standing=True)

    async def _look(self, link: Link) -> None:
        """What the device says of itself; nothing depends on it saying it."""
        level = await link.read(BATTERY_LEVEL)
        if level and level[0] <= _FULL:
            self._delivery.battery_percent = level[0]
        if self._clocks.ours_is_wrong():
            self._delivery.clock_skew = None
            return
        skew = await skew_of(link, self._clocks.ours.now(), self._clocks.zone)
        self._delivery.clock_skew, self._delivery.clock_read = skew, True

    async def _set_clock(self, link: Link) -> None:
        if self._clocks.ours_is_wrong():
            return
        skew = await set_clock(link, self._clocks.ours.now(), self._clocks.zone, self._delivery.clock_skew)
        self.device = replace(self.device, clock_skew=skew)

    def arrived(self, kind: str, data: bytes) -> None:
        """Takes a record."""
        self._delivery.put((Packet(kind, data),))
        if kind in self._profile.given_away:
            self._newest = data
        self._activity.set()

    def _found(self, packets: tuple[Packet, ...], superseded: bool) -> None:  # noqa: FBT001 - a callback's argument
        self._delivery.put(packets, superseded=superseded)

    async def _more(self, link: Link) -> bool:
        """Whether anything came before the device was silent for long, or gone, which is its way to say: all sent."""
        crowded = self._crowded.is_set()
        if crowded and self._clocks.ours.mono_ms() - self._began_ms > 1000 * self._pace.crowded_s:
            return False
        events = (self._activity, link.gone) if crowded else (self._activity, link.gone, self._crowded)
        idle_s = min(self._pace.idle_s, _IDLE_IN_A_CROWD_S) if crowded else self._pace.idle_s
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            done, _ = await asyncio.wait(waits, timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return bool(done) and not link.gone.is_set()
