"""The tree of objects that a Bluetooth daemon shows on the bus."""

from collections.abc import Callable
from typing import Any

from dbus_fast import Message, Variant

PROPERTIES = "org.freedesktop.DBus.Properties"
MANAGER = "org.freedesktop.DBus.ObjectManager"
ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
DESCRIPTOR = "org.bluez.GattDescriptor1"
MONITORS = "org.bluez.AdvertisementMonitorManager1"
AGENTS = "org.bluez.AgentManager1"

ROOT, BLUEZ, HCI0 = "/", "/org/bluez", "/org/bluez/hci0"

Interfaces = dict[str, dict[str, Variant]]


class Objects:
    """Objects by path, each change announced as ObjectManager and Properties do."""

    def __init__(self, send: Callable[[Message], Any]) -> None:
        self.tree: dict[str, Interfaces] = {}
        self._send = send

    def add(self, path: str, interfaces: Interfaces) -> None:
        self.tree[path] = interfaces
        self._signal(ROOT, MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def remove(self, path: str) -> None:
        if path in self.tree:
            self._signal(ROOT, MANAGER, "InterfacesRemoved", "oas", [path, list(self.tree.pop(path))])

    def below(self, path: str, interface: str) -> list[str]:
        """Paths of that interface under `path`."""
        return [each for each, has in self.tree.items() if each.startswith(f"{path}/") and interface in has]

    def get(self, path: str, interface: str, name: str) -> Any:
        """A property's bare value; None without object or property."""
        found = self.tree.get(path, {}).get(interface, {}).get(name)
        return found.value if found is not None else None

    def set(self, path: str, interface: str, *gone: str, **properties: Variant) -> None:
        """`gone` lose their value."""
        if path not in self.tree:
            return
        present = self.tree[path][interface]
        for name in gone:
            present.pop(name, None)
        present.update(properties)
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, properties, list(gone)])

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self._send(Message.new_signal(path, interface, member, signature, body))


def flag(value: bool) -> Variant:  # noqa: FBT001 - it is the value
    return Variant("b", value)
