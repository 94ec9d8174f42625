"""A connection to one device: what the gateway does with a connected client, and how it leaves."""

import asyncio
import logging
from types import TracebackType
from typing import Final, Self

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError

from device_gateway.errors import BluetoothError
from device_gateway.sources.ble.profiles import uuid
from device_gateway.sources.ble.radio import Radio
from device_gateway.sources.ble.standing import Heard, Standing

log = logging.getLogger(__name__)

_LEAVE_S: Final = 12.0  # the stack itself waits ten for a device to be gone
_LEAVE_AT_ONCE_S: Final = 1.0
_READ_S: Final = 5.0
_NO_BOND_CODES: Final = frozenset({0x05, 0x0C, 0x0F})  # ATT: insufficient authentication, key size, encryption
_NO_BOND_WORDS: Final = ("AuthenticationFailed", "le-connection-refused", "Not paired", "NotAuthorized")


class BondError(BluetoothError):
    """The device does not accept the key that this gateway has for it."""


class Link:
    """`async with Link(...)`: connected inside, and left in order after."""

    def __init__(self, radio: Radio, device: BLEDevice, connecting: asyncio.Lock, standing: Standing | None) -> None:
        self._radio, self._device, self._connecting, self._standing = radio, device, connecting, standing
        self._client: BleakClient | None = None
        self._subscribed: list[tuple[str, str | None]] = []
        self.gone = asyncio.Event()
        self.left_quiet: bool | None = None  # None: it was never connected

    async def __aenter__(self) -> Self:
        if self._radio.has_bond(self._device) is False:  # asked for anything secret, BlueZ would pair by itself
            raise BondError("this machine has no bond with the device")
        try:
            async with self._connecting:  # a controller has one connection attempt in flight
                self._client = await self._radio.connect(self._device, lambda _client: self.gone.set())
        except (BleakError, TimeoutError, OSError, EOFError) as error:
            raise _told(error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # A gateway that is told to stop has little time; a device that keeps its subscription loses nothing by it.
            async with asyncio.timeout(_LEAVE_AT_ONCE_S if kind is asyncio.CancelledError else _LEAVE_S):
                self.left_quiet = False
                try:
                    self.left_quiet = await self._unsubscribe()
                finally:  # still connected, it would never be heard again
                    await self.client.disconnect()
        except (BluetoothError, BleakError, TimeoutError, OSError, EOFError) as failure:
            log.debug("leaving a device: %s", type(failure).__name__)

    @property
    def client(self) -> BleakClient:
        """The connected client."""
        if self._client is None:
            raise BluetoothError("not connected")
        return self._client

    def has(self, characteristic: str) -> bool:
        """Whether the device has it."""
        return self._found(characteristic) is not None

    async def read(self, characteristic: str) -> bytes | None:
        """Its value; None if there is none to be had."""
        if (found := self._found(characteristic)) is None or "read" not in found.properties:
            return None
        try:
            async with asyncio.timeout(_READ_S):
                return bytes(await self.client.read_gatt_char(found))
        except (BleakError, TimeoutError, OSError, EOFError) as error:
            log.debug("reading %s: %s", characteristic, error)
            return None

    async def write(self, characteristic: str, data: bytes) -> None:
        """Writes with a response. Raises BluetoothError, or BleakGATTProtocolError for the device's own refusal."""
        try:
            await self.client.write_gatt_char(uuid(characteristic), data, response=True)
        except BleakGATTProtocolError:
            raise
        except (BleakError, OSError, EOFError) as error:
            raise _told(error) from error

    async def subscribe(self, characteristic: str, arrived: Heard, *, standing: bool = False) -> None:
        """Calls `arrived` with each value from now on.

        `standing`: where the stack can, it goes on before later sessions subscribe, if the device ends this one.
        """
        path = self._path(characteristic) if standing else None
        try:
            if self._standing is not None and path is not None:
                await self._standing.hold(path, arrived)
            else:
                await self.client.start_notify(uuid(characteristic), lambda _sender, data: arrived(bytes(data)))
        except (BleakError, OSError, EOFError) as error:
            if self.gone.is_set() and not self._subscribed:
                raise BondError("the device dropped the link as soon as it was asked for anything") from error
            raise _told(error) from error
        self._subscribed.append((characteristic, path))

    async def _unsubscribe(self) -> bool:
        """Whether the device was told to keep what it measures until it is asked.

        The stack confirms an indication even when nobody listens, and a bonded device remembers that it may indicate:
        left subscribed, it could send the next record before this gateway listens, and count it as delivered.
        """
        if self.gone.is_set():
            return False
        for characteristic, path in self._subscribed:
            if self._standing is not None and path is not None:
                await self._standing.release(path)
            else:
                await self.client.stop_notify(uuid(characteristic))
        return bool(self._subscribed)

    def _path(self, characteristic: str) -> str | None:
        """Where BlueZ has a characteristic that can indicate."""
        found = self._found(characteristic) if self._standing is not None else None
        return None if found is None or "indicate" not in found.properties else str(found.obj[0])

    def _found(self, characteristic: str) -> BleakGATTCharacteristic | None:
        try:
            return self.client.services.get_characteristic(uuid(characteristic))
        except BleakError:  # after the link is gone there are no services
            return None


def _told(error: BaseException) -> BluetoothError:
    error = error.__cause__ or error  # what wraps it names the device by its whole address
    text = str(error) or type(error).__name__
    refused = isinstance(error, BleakGATTProtocolError) and error.code in _NO_BOND_CODES
    worded = isinstance(error, BleakDBusError | BleakError) and any(word in text for word in _NO_BOND_WORDS)
    return BondError(text) if refused or worded else BluetoothError(text)
