"""A backend for bleak over a virtual central: the same client code, in the same process, without a Bluetooth daemon."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError
from bumble import att
from bumble.hci import Address
from bumble.pairing import PairingDelegate

from device_gateway.simulator.radio.central import PROPERTIES, Advert, Central, Link, text, uuid_text

Passkey = Callable[[str], Awaitable[int | None]]


def make_backend(central: Central, passkey: Passkey | None = None) -> tuple[type["Scanner"], type["Client"]]:
    """Classes for bleak's `backend` argument. `passkey` is asked for what a device shows; without it: Just Works."""
    if passkey is not None:
        central.delegate = lambda peer: _Keyboard(passkey, text(peer))
    return (
        type("VirtualScanner", (Scanner,), {"central": central}),
        type("VirtualClient", (Client,), {"central": central}),
    )


class _Keyboard(PairingDelegate):
    def __init__(self, passkey: Passkey, address: str) -> None:
        super().__init__(io_capability=PairingDelegate.KEYBOARD_INPUT_ONLY)
        self._passkey, self._address = passkey, address

    async def get_number(self) -> int | None:
        return await self._passkey(self._address)


class Scanner(BaseBleakScanner):
    central: ClassVar[Central]

    def __init__(self, detection_callback: Any, service_uuids: list[str] | None, *_args: Any, **_kwargs: Any) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        await self.central.listen(self._heard)

    async def stop(self) -> None:
        await self.central.unlisten(self._heard)

    def _heard(self, advert: Advert) -> None:
        if not self.is_allowed_uuid(advert.services):
            return
        key = text(advert.address)
        data = AdvertisementData(
            local_name=advert.name,
            manufacturer_data=advert.manufacturer_data,
            service_data=advert.service_data,
            service_uuids=advert.services,
            tx_power=None,
            rssi=advert.rssi,
            platform_data=(),
        )
        device = self.create_or_update_device(key, key, advert.name, advert.address, data)
        self.call_detection_callbacks(device, data)


class Client(BaseBleakClient):
    central: ClassVar[Central]

    def __init__(self, address_or_ble_device: BLEDevice | str, services: set[str] | None = None, **kwargs: Any) -> None:
        super().__init__(
            address_or_ble_device,
            disconnected_callback=kwargs.get("disconnected_callback"),
            timeout=kwargs.get("timeout", 10.0),
        )
        device = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._peer: Address = device.details if device is not None else Address(self.address)
        self._name = device.name if device is not None else None
        self._only = services
        self._link: Link | None = None
        self._listeners: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._link.connection.att_mtu if self._link is not None else 23

    @property
    def is_connected(self) -> bool:
        return self._link is not None

    async def connect(self, pair: bool, **_kwargs: Any) -> None:  # noqa: FBT001 - bleak's signature
        if self._link is not None:
            raise BleakError("Client is already connected")
        async with asyncio.timeout(self._timeout):
            link = await self.central.connect(self._peer)
            self._link = link
            link.connection.on(link.connection.EVENT_DISCONNECTION, self._ended)
            try:
                if pair and not link.connection.is_encrypted:
                    await link.pair()
                self.address = text(link.address)
                self.services = self._collect(await self._ask(link.discover()))
            except BaseException:
                await link.disconnect()
                raise

    async def disconnect(self) -> None:
        if self._link is not None:
            await self._link.disconnect()

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        link = self._connected()
        await (link.encrypt() if await self.central.bonded(link.address) else link.pair())

    async def unpair(self) -> None:
        peer = self._link.address if self._link is not None else self._peer
        await self.disconnect()
        await self.central.forget(peer)

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_kwargs: Any) -> bytearray:
        return bytearray(await self._ask(self._connected().read(characteristic.obj)))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_kwargs: Any) -> bytearray:
        return bytearray(await self._ask(self._connected().read(descriptor.obj)))

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: FBT001 - bleak's signature
    ) -> None:
        await self._ask(self._connected().write(characteristic.obj, bytes(data), acknowledged=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self._ask(self._connected().write(descriptor.obj, bytes(data), acknowledged=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_kwargs: Any
    ) -> None:
        link = self._connected()

        def listener(value: bytes) -> None:
            callback(bytearray(value))

        self._listeners[characteristic.handle] = listener
        await self._ask(link.ask(lambda: characteristic.obj.subscribe(listener)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        link, listener = self._connected(), self._listeners.pop(characteristic.handle, None)
        await self._ask(link.ask(lambda: characteristic.obj.unsubscribe(listener, force=True)))

    def _connected(self) -> Link:
        if self._link is None:
            raise BleakError("Not connected")
        return self._link

    async def _ask(self, request: Awaitable[Any]) -> Any:
        try:
            return await request
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(int(error.error_code)) from error

    def _ended(self, _reason: int) -> None:
        self._link = self.services = None
        self._listeners.clear()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    def _collect(self, services: list[Any]) -> BleakGATTServiceCollection:
        collection = BleakGATTServiceCollection()
        for each in services:
            service = BleakGATTService(each, each.handle, uuid_text(each.uuid))
            if self._only is None or service.uuid in self._only:
                collection.add_service(service)
                for characteristic in each.characteristics:
                    self._add(collection, service, characteristic)
        return collection

    def _add(self, collection: BleakGATTServiceCollection, service: BleakGATTService, found: Any) -> None:
        properties: list[Any] = [name for bit, name in PROPERTIES.items() if found.properties & bit]
        characteristic = BleakGATTCharacteristic(
            found, found.handle, uuid_text(found.uuid), properties, lambda: self.mtu_size - 3, service
        )
        collection.add_characteristic(characteristic)
        for each in found.descriptors:
            collection.add_descriptor(BleakGATTDescriptor(each, each.handle, uuid_text(each.type), characteristic))
