"""Subscriptions that outlive a connection, for devices that drop the link themselves once they have told everything.

Such a device remembers that it may indicate, and does so at the next connection before anybody could subscribe; BlueZ
confirms the indication all the same. But BlueZ renews by itself, at each connection, what a D-Bus client that is still
there had asked for: this one stays.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from bleak.exc import BleakDBusError
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from device_gateway.errors import BluetoothError
from device_gateway.sources.ble.trouble import trouble

_CHARACTERISTIC: Final = "org.bluez.GattCharacteristic1"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_RULE: Final = (
    f"type='signal',interface='{_PROPERTIES}',member='PropertiesChanged',arg0='{_CHARACTERISTIC}',path='{{}}'"
)

Heard = Callable[[bytes], None]


class Standing:
    """`async with Standing():` what is held inside is heard whenever the device is connected."""

    def __init__(self) -> None:
        self._bus: MessageBus | None = None
        self._held: dict[str, Heard] = {}

    async def __aenter__(self) -> Self:
        try:
            self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        except (OSError, EOFError, DBusError) as error:
            raise trouble(error) from error
        self._bus.add_message_handler(self._message)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bus is not None:  # BlueZ lets go of what a vanished client had asked for
            self._bus.disconnect()
            self._bus = None
        self._held.clear()

    async def hold(self, path: str, heard: Heard) -> None:
        """Calls `heard` with each value of the characteristic at this D-Bus path, until released.

        Raises BleakDBusError as bleak's own `start_notify` does.
        """
        if path not in self._held:
            await self._match("AddMatch", path)
        self._held[path] = heard
        reply = await self._call("org.bluez", path, _CHARACTERISTIC, "StartNotify")
        if reply.message_type is MessageType.ERROR and not _already(reply):
            raise BleakDBusError(reply.error_name or "", reply.body)

    async def release(self, path: str) -> None:
        """The device is told to keep what it measures until it is asked. Raises BleakDBusError."""
        if path not in self._held:
            return
        reply = await self._call("org.bluez", path, _CHARACTERISTIC, "StopNotify")
        if reply.message_type is MessageType.ERROR:
            raise BleakDBusError(reply.error_name or "", reply.body)
        self._held.pop(path, None)  # not before: until then the device may send one more
        await self._match("RemoveMatch", path)

    async def _match(self, member: str, path: str) -> None:
        name = "org.freedesktop.DBus"
        await self._call(name, "/org/freedesktop/DBus", name, member, _RULE.format(path))

    async def _call(self, destination: str, path: str, interface: str, member: str, *body: str) -> Message:
        if self._bus is None or not self._bus.connected:
            raise BluetoothError("no connection to D-Bus")
        return await self._bus.call(
            Message(
                destination=destination,
                path=path,
                interface=interface,
                member=member,
                signature="s" * len(body),
                body=list(body),
            )
        )

    def _message(self, message: Message) -> None:
        heard = self._held.get(message.path or "")
        if heard is None or message.member != "PropertiesChanged" or message.body[0] != _CHARACTERISTIC:
            return
        value = message.body[1].get("Value")
        if value is not None:
            heard(bytes(value.value))


def _already(reply: Message) -> bool:
    """BlueZ says this to a client whose subscription still stands, and has renewed it at this connection."""
    return reply.error_name == "org.bluez.Error.InProgress" or "Already notifying" in reply.body
