"""The running gateway: sources into the spool, spool to the hub, each part on its own feet."""

import asyncio
import importlib.metadata
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from device_gateway.clock import Clock, Ids
from device_gateway.connection import Plan
from device_gateway.decoders import decode
from device_gateway.errors import SettingsError, SpoolCorruptError, SpoolUnavailableError
from device_gateway.frames import Measurement, RawFrame, Rejected
from device_gateway.registry import Registry
from device_gateway.settings import Settings
from device_gateway.simulation import paired_homes
from device_gateway.simulator import World, play
from device_gateway.sources import Source
from device_gateway.sources.ble import BleSource, Known, Pace, Radio
from device_gateway.sources.mqtt import MqttSource
from device_gateway.spool import RETAINED, Limits, Spool
from device_gateway.uplink import Resend, Uplink, Way

log = logging.getLogger(__name__)

_AGAIN_MAX_S: Final = 60.0
_STOP_S: Final = 1.5
_CLOCK_OFF_S: Final = 60.0  # of the gateway's clock, by the hub's

Part = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """What one process runs. `world`: simulated homes, whose devices are heard as real ones are."""

    settings: Settings
    clock: Clock
    ids: Ids
    world: World | None = None
    replay: timedelta | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop` is set, then ends within two seconds. Raises SpoolCorruptError, SpoolLockedError, …"""
        spool = await asyncio.to_thread(self._open_spool)
        try:
            registry = Registry(Path(self.settings.data_dir))
            uplink = Uplink(self._way(), spool, registry, self.clock, self.ids)
            parts: dict[str, Part] = {"uplink": uplink.run}
            for source in self._sources(registry, spool, uplink):
                parts[f"source {source.name}"] = self._pump(source, spool, uplink)
            if self.world is not None and self.world.devices("mqtt"):
                parts["simulator"] = self._simulator(self.world)
            if self.world is not None and self.world.devices("ble"):
                parts["simulated homes"] = self._homes(self.world, registry, spool, uplink)
            await self._together(parts, spool, stop)
        finally:
            await asyncio.to_thread(spool.close)

    async def _together(self, parts: dict[str, Part], spool: Spool, stop: asyncio.Event) -> None:
        tasks = [asyncio.create_task(self._kept_up(name, part, spool), name=name) for name, part in parts.items()]
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait((stopped, *tasks), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # only what no part can outlive ends a part: raise it
        finally:
            for task in (stopped, *tasks):
                task.cancel()
            await asyncio.wait((stopped, *tasks), timeout=_STOP_S)

    async def _kept_up(self, name: str, part: Part, spool: Spool) -> None:
        """Starts a part again, later and later, when it fails; the others do not notice."""
        wait_s = 1.0
        while True:
            try:
                await part()
            except SpoolCorruptError:
                raise
            except Exception:
                log.exception("%s failed; it starts again in %d s", name, wait_s)
                await self._note_failure(spool)
            await asyncio.sleep(wait_s)
            wait_s = min(_AGAIN_MAX_S, 2 * wait_s)

    async def _note_failure(self, spool: Spool) -> None:
        try:
            await asyncio.to_thread(spool.count_source_failure)
        except SpoolUnavailableError as error:
            log.warning("%s", error)

    def _pump(self, source: Source, spool: Spool, uplink: Uplink) -> Part:
        async def pump() -> None:
            try:
                async with aclosing(source.frames()) as arriving:
                    await self._store(arriving, spool, uplink)
            finally:
                self._store_rest(source, spool)

        return pump

    def _store_rest(self, source: Source, spool: Spool) -> None:
        """At once: nothing waits for a source that has ended."""
        taken = [interpret(frame, self.settings.time_zone) for frame in source.rest()]
        if taken:
            try:
                spool.put(taken, self.clock.now())
            except SpoolUnavailableError as error:
                log.error("%d records of source %s are lost: %s", len(taken), source.name, error)  # noqa: TRY400 - told

    async def _store(self, arriving: AsyncIterator[tuple[RawFrame, ...]], spool: Spool, uplink: Uplink) -> None:
        zone = self.settings.time_zone
        async for frames in arriving:
            taken = [interpret(frame, zone) for frame in frames]
            wait_s = 1.0
            while True:
                try:
                    await asyncio.to_thread(spool.put, taken, self.clock.now())
                    break
                except SpoolUnavailableError as error:
                    log.warning("%s; the devices keep their readings", error)
                    await asyncio.sleep(wait_s)
                    wait_s = min(_AGAIN_MAX_S, 2 * wait_s)
            uplink.wake()

    def _open_spool(self) -> Spool:
        now = self.clock.now()
        spool = open_spool(self.settings, self.ids, now)
        if self.replay is not None:
            log.info("%d delivered readings are sent once more", spool.replay(now - self.replay))
        return spool

    def _way(self) -> Way:
        return way_to_hub(self.settings)

    def _sources(self, registry: Registry, spool: Spool, uplink: Uplink) -> Iterator[Source]:
        settings = self.settings
        if settings.devices is not None:
            plan = device_plan(settings, "devices", subscriptions=(settings.source_mqtt_topic,), manual_ack=True)
            yield MqttSource(plan, self.clock, self.ids)
        if settings.ble_adapter:
            yield self._bluetooth(Radio(settings.ble_adapter), registry, spool, uplink)

    def _bluetooth(self, radio: Radio, registry: Registry, spool: Spool, uplink: Uplink) -> Source:
        settings = self.settings
        known = Known(spool.is_kept, lambda: abs(uplink.clock_offset_s or 0) > _CLOCK_OFF_S)
        pace = Pace(idle_s=settings.ble_idle_s, rest_s=settings.ble_rest_s)
        return BleSource(radio, registry, known, self.clock, self.ids, settings.time_zone, pace)

    def _simulator(self, world: World) -> Part:
        plan = device_plan(self.settings, "simulator", clean_session=True)
        return lambda: play(world, plan, self.settings.source_mqtt_topic, self.clock, self.ids)

    def _homes(self, world: World, registry: Registry, spool: Spool, uplink: Uplink) -> Part:
        async def live() -> None:
            async with paired_homes(world, registry, self.clock) as radio:
                await self._pump(self._bluetooth(radio, registry, spool, uplink), spool, uplink)()

        return live


def open_spool(settings: Settings, ids: Ids, now: datetime) -> Spool:
    """The spool in these settings' directory. Raises SpoolLockedError, SpoolUnavailableError."""
    limits = Limits(
        max_rows=settings.spool_max_rows,
        max_bytes=settings.spool_max_bytes,
        aside_rows=settings.quarantine_max_rows,
        keep_acked=timedelta(hours=settings.keep_acked_hours),
        live_window=timedelta(seconds=settings.live_window_s),
    )
    return Spool(Path(settings.data_dir), limits, ids, now)


def way_to_hub(settings: Settings) -> Way:
    """To which hub, as which gateway, and how patiently."""
    return Way(
        gateway=str(settings.hub.user),
        address=settings.hub,
        version=_version(),
        ca_file=settings.mqtt_ca_file,
        resend=Resend(settings.resend_first_s, settings.resend_max_s),
        reconnect_max_s=settings.reconnect_max_s,
        status_interval_s=settings.status_interval_s,
    )


def device_plan(
    settings: Settings,
    role: str,
    *,
    subscriptions: tuple[str, ...] = (),
    manual_ack: bool = False,
    clean_session: bool = False,
) -> Plan:
    """A connection to the devices' broker in some role of this gateway. Raises SettingsError: none is named."""
    if settings.devices is None:
        raise SettingsError("RPMHUB_GATEWAY_SOURCE_MQTT_URL is not set: simulated devices need a broker.")
    return Plan(
        address=settings.devices,
        client_id=f"{settings.hub.user}-{role}",
        ca_file=settings.mqtt_ca_file,
        subscriptions=subscriptions,
        manual_ack=manual_ack,
        clean_session=clean_session,
        reconnect_max_s=settings.reconnect_max_s,
    )


def interpret(frame: RawFrame, zone: tzinfo) -> Measurement | Rejected:
    """The measurement in a frame; nothing a device sends can stop the others."""
    if frame.retained:
        return Rejected(RETAINED, "an old message, repeated by the broker", frame)
    try:
        return decode(frame, zone)
    except Exception as error:  # noqa: BLE001 - one bad record may not stop the rest; its text may hold a value
        log.warning("a decoder failed: %s", type(error).__name__)
        return Rejected("decoder_failed", type(error).__name__, frame)


def _version() -> str:
    try:
        return importlib.metadata.version("rpmhub")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        return "0"
