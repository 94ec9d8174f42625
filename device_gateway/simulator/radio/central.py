"""The side that scans and connects, as both the in-process backend and a virtual Bluetooth daemon need it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_str
from bumble import att, core
from bumble.core import AdvertisingData, PhysicalTransport
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt_client import AttributeProxy
from bumble.hci import Address, HCI_Error, HCI_LE_Create_Connection_Cancel_Command
from bumble.pairing import PairingConfig, PairingDelegate

from device_gateway.simulator.radio.link import LinkLost, unless

Result = TypeVar("Result")

# Insufficient authentication, key size, encryption: cured by pairing.
_UNSAFE: Final = (0x05, 0x0C, 0x0F)
_MTU: Final = 517
_AGAIN_S: Final = 0.05
_LISTS: Final = (
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)
PROPERTIES: Final = {
    0x01: "broadcast",
    0x02: "read",
    0x04: "write-without-response",
    0x08: "write",
    0x10: "notify",
    0x20: "indicate",
}


class BondLost(BleakError):
    """The device no longer has the key of this bond, as after a change of its battery."""


class NotPaired(BleakError):
    """Pairing was refused, given up, or the passkey was wrong."""


@dataclass(frozen=True, slots=True)
class Advert:
    """One advertisement; `address` is the identity where the sender is bonded and hides it."""

    address: Address
    name: str | None
    services: list[str]
    service_data: dict[str, bytes]
    manufacturer_data: dict[int, bytes]
    rssi: int


class Central:
    """Scans for any number of listeners, connects to one device at a time, and keeps the bonds."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.delegate: Callable[[Address], PairingDelegate] = lambda _peer: PairingDelegate()
        self._listeners: list[Callable[[Advert], None]] = []
        self._scanning, self._connecting = asyncio.Lock(), asyncio.Lock()
        self._hidden: dict[Address, Address] = {}  # identity -> the address last heard in its place
        device.address_resolution_offload = True  # else connecting starts and stops scans of its own
        device.pairing_config_factory = self._pairing
        device.on(Device.EVENT_ADVERTISEMENT, self._heard)

    @property
    def address(self) -> str:
        return text(self.device.random_address)

    async def listen(self, listener: Callable[[Advert], None]) -> None:
        self._listeners.append(listener)
        await self._adjust()

    async def unlisten(self, listener: Callable[[Advert], None]) -> None:
        self._listeners.remove(listener)
        await self._adjust()

    async def bonded(self, address: Address) -> bool:
        return await self._keys.get(str(address)) is not None

    async def bonds(self) -> list[Address]:
        """Identity addresses of bonded devices."""
        return [Address(name) for name, _keys in await self._keys.get_all()]

    async def forget(self, address: Address) -> None:
        await self._keys.delete(str(address))
        await self.device.refresh_resolving_list()

    async def connect(self, address: Address, linked: "Callable[[Link], None]" = lambda _link: None) -> "Link":
        """A link, encrypted if there is a bond. Waits for the device for ever; cancelling gives up the attempt.

        `linked` is called before that: a bonded device may speak as soon as the link is encrypted.
        """
        async with self._connecting:
            link = Link(self, await self._connect(await self._on_air(address)))
        try:
            linked(link)
            if await self.bonded(link.address):
                await link.encrypt()
        except BaseException:
            await link.disconnect()
            raise
        return link

    def met(self, connection: Connection) -> None:
        """Paired: remembers whether the device hides its address."""
        hidden = connection.peer_resolvable_address
        if hidden is not None and hidden != connection.peer_address:
            self._hidden[connection.peer_address] = hidden

    async def close(self) -> None:
        """Ends scans and links. Bonds stay."""
        self._listeners.clear()
        await self._adjust()
        for connection in list(self.device.connections.values()):
            await connection.disconnect()
        await self.device.power_off()

    @property
    def _keys(self) -> Any:
        return self.device.keystore

    async def _adjust(self) -> None:
        async with self._scanning:
            if self._listeners and not self.device.is_scanning:
                await self.device.start_scanning()
            elif not self._listeners and self.device.is_scanning:
                await self.device.stop_scanning()

    def _heard(self, advertisement: Advertisement) -> None:
        address, resolver = advertisement.address, self.device.address_resolver
        identity = resolver.resolve(address) if address.is_resolvable and resolver is not None else None
        if identity is not None:
            self._hidden[identity] = address
        advert = _advert(advertisement, identity or address)
        for listener in list(self._listeners):
            listener(advert)

    async def _on_air(self, address: Address) -> Address:
        """The address under which the device is heard now: one that hides changes it."""
        if address not in self._hidden:
            return address
        heard: asyncio.Future[Address] = asyncio.get_running_loop().create_future()

        def listener(advert: Advert) -> None:
            if advert.address == address and not heard.done():
                heard.set_result(self._hidden[address])

        await self.listen(listener)
        try:
            return await heard
        finally:
            await self.unlisten(listener)

    async def _connect(self, address: Address) -> Connection:
        attempt = asyncio.ensure_future(self.device.connect(address, transport=PhysicalTransport.LE, timeout=None))
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.ensure_future(self._give_up(attempt)))
            raise
        except (core.ConnectionError, HCI_Error) as error:
            raise BleakError(f"connect failed: {error}") from error

    async def _give_up(self, attempt: "asyncio.Future[Connection]") -> None:
        while not attempt.done():  # it may not have reached the controller yet
            await self.device.send_sync_command(HCI_LE_Create_Connection_Cancel_Command())
            await asyncio.wait({attempt}, timeout=_AGAIN_S)
        done = (await asyncio.gather(attempt, return_exceptions=True))[0]
        if isinstance(done, Connection):  # it had just come about
            await done.disconnect()

    def _pairing(self, connection: Connection) -> PairingConfig:
        delegate = self.delegate(connection.peer_address)
        seen = delegate.io_capability != PairingDelegate.NO_OUTPUT_NO_INPUT
        return PairingConfig(sc=True, mitm=seen, bonding=True, delegate=delegate)


class Link:
    """One connection."""

    def __init__(self, central: Central, connection: Connection) -> None:
        self.connection, self.peer = connection, Peer(connection)
        self.gone = asyncio.Event()
        self._central, self._ending = central, False
        connection.on(connection.EVENT_DISCONNECTION, lambda _reason: self.gone.set())

    @property
    def address(self) -> Address:
        """The identity address once it is known."""
        return self.connection.peer_address

    async def encrypt(self) -> None:
        """With the bond's key. Raises BondLost."""
        try:
            await unless(self.gone, self.connection.encrypt())
        except HCI_Error as error:
            raise BondLost("le-connection-refused: the device no longer has the key of this bond") from error

    async def pair(self) -> None:
        """Pairs and bonds. Raises NotPaired."""
        try:
            await unless(self.gone, self.connection.pair())
        except core.ProtocolError as error:
            raise NotPaired(f"Authentication Failed: {error.error_name}") from error
        self._central.met(self.connection)

    async def ask(self, request: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """The answer; a request refused for want of safety is repeated once after pairing. Raises ATT_Error."""
        if self.gone.is_set():
            raise LinkLost("not connected")
        try:
            return await unless(self.gone, request())
        except att.ATT_Error as error:
            if error.error_code not in _UNSAFE or self.connection.is_encrypted:
                raise
        await self.pair()
        return await unless(self.gone, request())

    async def discover(self) -> list[Any]:
        """Services with their characteristics and descriptors."""
        await self.ask(lambda: self.peer.request_mtu(_MTU))
        services = await self.ask(self.peer.discover_services)
        for service in services:
            for characteristic in await self.ask(service.discover_characteristics):
                await self.ask(characteristic.discover_descriptors)
        return services

    async def read(self, attribute: AttributeProxy[bytes]) -> bytes:
        return bytes(await self.ask(attribute.read_value))

    async def write(self, attribute: AttributeProxy[bytes], value: bytes, *, acknowledged: bool) -> None:
        await self.ask(lambda: attribute.write_value(value, with_response=acknowledged))

    async def disconnect(self) -> None:
        if not self._ending and not self.gone.is_set():
            self._ending = True
            self.connection.cancel_on_disconnection(self.connection.disconnect())
        await self.gone.wait()


def text(address: Address) -> str:
    return address.to_string(with_type_qualifier=False)


def uuid_text(uuid: core.UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-") if len(uuid.to_bytes()) == 16 else uuid.to_hex_str())


def _advert(advertisement: Advertisement, address: Address) -> Advert:
    data = advertisement.data
    name = data.get(AdvertisingData.COMPLETE_LOCAL_NAME) or data.get(AdvertisingData.SHORTENED_LOCAL_NAME)
    service_data: list[Any] = data.get_all(AdvertisingData.SERVICE_DATA_16_BIT_UUID)
    manufacturer: list[Any] = data.get_all(AdvertisingData.MANUFACTURER_SPECIFIC_DATA)
    lists: list[Any] = [each for kind in _LISTS for each in data.get_all(kind)]
    return Advert(
        address=address,
        name=str(name) if name else None,
        services=[uuid_text(uuid) for each in lists for uuid in each],
        service_data={uuid_text(uuid): bytes(value) for uuid, value in service_data},
        manufacturer_data={int(company): bytes(value) for company, value in manufacturer},
        rssi=advertisement.rssi,
    )
