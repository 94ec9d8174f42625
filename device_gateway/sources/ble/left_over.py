"""What BlueZ confirmed and a gateway that was killed just then could not store.

A device counts as delivered what BlueZ confirmed, and forgets it; but BlueZ keeps each characteristic's last value.
"""

from collections.abc import Iterator
from typing import Any, Final

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from device_gateway.sources.ble.trouble import trouble

_DEVICE, _CHARACTERISTIC = "org.bluez.Device1", "org.bluez.GattCharacteristic1"
_SHORT: Final = slice(4, 8)  # where a 16-bit UUID stands in its long form


async def last_values() -> list[tuple[str, str, bytes]]:
    """(device's address, characteristic, value) of all that BlueZ remembers. Raises BluetoothError."""
    try:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        try:
            reply = await bus.call(
                Message(
                    destination="org.bluez",
                    path="/",
                    interface="org.freedesktop.DBus.ObjectManager",
                    member="GetManagedObjects",
                )
            )
        finally:
            bus.disconnect()
    except (OSError, EOFError, DBusError) as error:
        raise trouble(error) from error
    if reply.message_type is not MessageType.METHOD_RETURN:
        raise trouble(reply.error_name)
    return list(_values(reply.body[0]))


def _values(objects: dict[str, dict[str, dict[str, Any]]]) -> Iterator[tuple[str, str, bytes]]:
    addresses = {path: each[_DEVICE]["Address"].value for path, each in objects.items() if _DEVICE in each}
    for path, interfaces in objects.items():
        properties = interfaces.get(_CHARACTERISTIC, {})
        address = addresses.get(path.partition("/service")[0])
        if address is not None and "Value" in properties and properties["Value"].value:
            yield address.upper(), properties["UUID"].value[_SHORT].upper(), bytes(properties["Value"].value)
