"""What every virtual health device has: power, advertising, pairing and bonds, a battery and mostly a clock."""

import asyncio
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bumble import data_types
from bumble.att import ATT_Error
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, Service
from bumble.gatt_server import Server
from bumble.hci import Address
from bumble.keys import MemoryKeyStore

from device_gateway.simulator.radio import attributes
from device_gateway.simulator.radio.air import Air
from device_gateway.simulator.radio.link import LinkLost, unless
from device_gateway.simulator.radio.pairing import Session, config


@dataclass(eq=False)
class HealthDevice:
    """A peripheral that advertises while it has something to say. Bonds and readings survive `stop` and `start`."""

    service: ClassVar[int]

    air: Air
    address: str
    _: KW_ONLY
    name: str
    clock: Callable[[], datetime]  # what the device's clock showed if nobody ever set it: local time, no zone
    battery: int = 90
    passkey: int | None = None  # shown while pairing; None: Just Works
    secure: bool = True
    adv_interval_ms: float = 20.0
    always_on: bool = False  # advertises without anything to say, too
    private_address: bool = False  # another address at each advertising; bonded centrals know it all the same
    no_clock: bool = False
    clock_locked: bool = False  # only the maker's own program may set it
    persist_cccd: bool = False  # what a bonded central subscribed to holds for its next connection
    eager: bool = False  # and is used as soon as the link is encrypted, before the central has subscribed again
    disconnect_after: bool = False  # ends the connection when everything is told
    confirmed: list[bytes] = field(default_factory=list, init=False)
    time_writes: list[bytes] = field(default_factory=list, init=False)
    connection: Connection | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._keys, self._kept = MemoryKeyStore(), dict[str, dict[int, bytes]]()
        self._correction = timedelta()
        self._device: Device | None = None
        self._work: asyncio.Task[None] | None = None
        self._stopping = self._dropping = self._advertising = False
        self._written: set[int] = set()
        self._changed, self._gone = asyncio.Event(), asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def bonds(self) -> int:
        return len(self._keys.all_keys)

    def now(self) -> datetime:
        """The device's clock, as last set."""
        return self.clock() + self._correction

    async def start(self) -> None:
        """Switched on."""
        device = self._device = self.air.join(self._configuration())
        device.keystore = self._keys
        device.smp_session_proxy = Session
        device.pairing_config_factory = lambda _connection: config(self.passkey)
        device.advertising_data = self._advertisement()
        device.gatt_server.on(Server.EVENT_CHARACTERISTIC_SUBSCRIPTION, self._subscription)
        device.on(Device.EVENT_CONNECTION, self._connected)
        device.add_services(self._services(device.gatt_server))
        await device.power_on()
        self._stopping = self._advertising = False
        self._work = asyncio.create_task(self._live(device), name=f"device {self.name}")

    async def stop(self) -> None:
        """Switched off; a connected central sees the link end. Raises what went wrong while it ran."""
        device, work = self._device, self._work
        if device is None or work is None:
            return
        self._stopping = True
        await self.drop()
        self._touch()
        try:
            await work
        finally:
            await device.stop_advertising()
            await self.drop()
            await device.power_off()
            self.air.leave(device)
            self._device = self._work = None

    async def drop(self) -> None:
        """Ends the connection from the device's side, if there is one."""
        connection, gone = self.connection, self._gone
        if connection is None:
            return
        if not self._dropping:
            self._dropping = True
            connection.cancel_on_disconnection(connection.disconnect())
        await gone.wait()

    async def forget_bonds(self) -> None:
        """As a change of the battery does to some devices: every central's key is gone."""
        self._keys.all_keys.clear()
        self._kept.clear()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition holds; it is looked at whenever something happened to the device."""
        while not condition():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def subscribed(self, characteristic: Characteristic[bytes]) -> bool:
        return self._cccds().get(characteristic.handle, b"\0\0") != b"\0\0"

    def _services(self, server: Server) -> list[Service]:
        """The device's own, with what all have."""
        services = [attributes.battery(server, lambda: self.battery, secure=self.secure)]
        if not self.no_clock:
            services.append(attributes.current_time(server, self.now, self._set_clock, secure=self.secure))
        return services

    def _has_news(self) -> bool:
        """Whether there is something that a central has not got."""
        raise NotImplementedError

    async def _serve(self) -> None:
        """Something about the connection or the readings changed."""

    async def _live(self, device: Device) -> None:
        while not self._stopping:
            self._changed.clear()
            if self.connection is not None:
                await self._serve()
            elif self._advertising != (self.always_on or self._has_news()):
                await self._advertise(device, on=not self._advertising)
            await self._changed.wait()

    async def _advertise(self, device: Device, *, on: bool) -> None:
        self._advertising = on  # first: a central may connect before the call below returns
        if not on:
            await device.stop_advertising()
            return
        if self.private_address:
            device.random_address = Address.generate_private_address(device.irk)
            await device.send_sync_command(attributes.set_address(device.random_address))
        await device.start_advertising()

    def _touch(self) -> None:
        self._changed.set()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def _connected(self, connection: Connection) -> None:
        self.connection, self._gone = connection, asyncio.Event()
        self._written.clear()
        self._dropping = self._advertising = False
        connection.on(connection.EVENT_DISCONNECTION, lambda _reason: self._disconnected(connection))
        connection.on(connection.EVENT_PAIRING_START, lambda: self._kept.pop(str(connection.peer_address), None))
        connection.on(connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, lambda: self._encrypted(connection))
        self._touch()

    def _disconnected(self, connection: Connection) -> None:
        self._gone.set()
        if self.connection is connection:
            self.connection = None
        self._touch()

    def _encrypted(self, connection: Connection) -> None:
        kept = self._kept.get(str(connection.peer_address))
        if kept and connection.is_encrypted and self._device is not None:
            self._device.gatt_server.subscribers[connection] = dict(kept)
        self._touch()

    def _subscription(self, connection: Connection, characteristic: Any, *_enabled: bool) -> None:
        self._written.add(characteristic.handle)
        if (self.persist_cccd or self.eager) and connection.is_encrypted:
            self._kept[str(connection.peer_address)] = dict(self._cccds())
        self._touch()

    def _cccds(self) -> dict[int, bytes]:
        subscribers: dict[Any, dict[int, bytes]] = self._device.gatt_server.subscribers if self._device else {}
        return subscribers.get(self.connection, {})

    def _may_tell(self, characteristic: Characteristic[bytes]) -> bool:
        return self.subscribed(characteristic) and (self.eager or characteristic.handle in self._written)

    async def _indicate(self, characteristic: Characteristic[bytes], value: bytes) -> bool:
        """Whether the central confirmed it."""
        if self._device is None or self.connection is None:
            return False
        try:
            await unless(
                self._gone, self._device.gatt_server.indicate_subscriber(self.connection, characteristic, value)
            )
        except (LinkLost, TimeoutError):
            return False
        self.confirmed.append(value)
        self._touch()
        return True

    async def pause(self, seconds: float) -> None:
        """Raises LinkLost if the connection ends meanwhile."""
        await (unless(self._gone, asyncio.sleep(seconds)) if seconds else asyncio.sleep(0))

    async def _notify(self, characteristic: Characteristic[bytes], value: bytes) -> None:
        if self._device is None or self.connection is None:
            raise LinkLost("not connected")
        await self._device.gatt_server.notify_subscriber(self.connection, characteristic, value)

    def _set_clock(self, value: bytes) -> None:
        if self.clock_locked:
            raise ATT_Error(attributes.DATA_FIELD_IGNORED)
        self._correction += attributes.parse_time(value) - self.now()
        self.time_writes.append(value)
        self._touch()

    def _configuration(self) -> DeviceConfiguration:
        address = Address(self.address)
        return DeviceConfiguration(
            name=self.name,
            address=address,
            irk=(bytes(address) * 3)[:16],
            le_privacy_enabled=self.private_address,
            le_rpa_timeout=0,
            advertising_interval_min=self.adv_interval_ms,
            advertising_interval_max=self.adv_interval_ms,
        )

    def _advertisement(self) -> bytes:
        flags = AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE | AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED
        services = [UUID.from_16_bits(self.service)]
        return bytes(
            AdvertisingData(
                [
                    data_types.Flags(flags),
                    data_types.IncompleteListOf16BitServiceUUIDs(services),
                    data_types.CompleteLocalName(self.name),
                ]
            )
        )
