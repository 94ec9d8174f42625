"""Attributes of connected devices, and of bonded ones also between connections."""

import contextlib
from collections.abc import Callable
from typing import Any

from bleak.exc import BleakError
from bumble import att
from dbus_fast import Message, Variant

from device_gateway.simulator.radio import NotPaired
from device_gateway.simulator.radio.central import PROPERTIES, Link, uuid_text
from tests.bluez import errors
from tests.bluez.errors import BluezError
from tests.bluez.objects import CHARACTERISTIC, DESCRIPTOR, SERVICE, Objects, flag


class Gatt:
    """Notify sessions belong to clients. A subscription ends, and the device is told so, with its last client's."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._attributes: dict[str, Any] = {}  # path -> what bumble found there
        self._links: dict[str, tuple[Link, Callable[[], None]]] = {}
        self._sessions: dict[str, list[str]] = {}  # characteristic's path -> clients
        self._listeners: dict[str, Callable[[bytes], None]] = {}
        self._busy: set[tuple[str, str]] = set()
        self.handlers = {
            (CHARACTERISTIC, "ReadValue"): self._read,
            (CHARACTERISTIC, "WriteValue"): self._write,
            (CHARACTERISTIC, "StartNotify"): self._start,
            (CHARACTERISTIC, "StopNotify"): self._stop,
            (DESCRIPTOR, "ReadValue"): self._read,
            (DESCRIPTOR, "WriteValue"): self._write,
        }

    def linked(self, device: str, link: Link) -> None:
        """Listens again, before anything else happens on the link, for clients that stayed; as BlueZ does."""
        for path in [path for path, clients in self._sessions.items() if clients and path.startswith(f"{device}/")]:
            characteristic, client = self._attributes[path], link.peer.gatt_client
            characteristic.client = client
            listener = characteristic.subscribers.get(self._listeners.get(path))
            if listener is not None:
                indicates = "indicate" in self._objects.get(path, CHARACTERISTIC, "Flags")
                listeners = client.indication_subscribers if indicates else client.notification_subscribers
                listeners.setdefault(characteristic.handle, set()).add(listener)

    async def connected(self, device: str, link: Link, on_paired: Callable[[], None]) -> None:
        """Finds the device's attributes, or takes them from memory, and renews the sessions of clients that stayed."""
        self._links[device] = link, on_paired
        known = [path for path in self._attributes if path.startswith(f"{device}/")]
        if known:
            for path in known:
                self._attributes[path].client = link.peer.gatt_client
        else:
            self._show(device, await link.discover(), link)
        for path in [path for path, clients in self._sessions.items() if clients and path.startswith(f"{device}/")]:
            await self._subscribe(path)

    def disconnected(self, device: str, *, keep: bool) -> None:
        self._links.pop(device, None)
        if not keep:
            self.remove(device)

    def remove(self, device: str) -> None:
        for path in sorted((path for path in self._attributes if path.startswith(f"{device}/")), reverse=True):
            del self._attributes[path]
            self._listeners.pop(path, None)
            self._sessions.pop(path, None)
            self._objects.remove(path)

    async def vanished(self, client: str) -> None:
        for path in [path for path, clients in self._sessions.items() if client in clients]:
            with contextlib.suppress(BluezError):
                await self._leave(path, client)

    def _show(self, device: str, services: list[Any], link: Link) -> None:
        for service in services:
            path = f"{device}/service{service.handle:04x}"
            properties = {"UUID": Variant("s", uuid_text(service.uuid)), "Device": Variant("o", device)}
            properties |= {"Primary": flag(True), "Includes": Variant("ao", [])}
            self._attributes[path] = service
            self._objects.add(path, {SERVICE: properties})
            for each in service.characteristics:
                self._show_characteristic(path, each, link)

    def _show_characteristic(self, service: str, found: Any, link: Link) -> None:
        path = f"{service}/char{found.handle - 1:04x}"
        names = [name for bit, name in PROPERTIES.items() if found.properties & bit]
        properties = {"UUID": Variant("s", uuid_text(found.uuid)), "Service": Variant("o", service)}
        properties |= {"Value": Variant("ay", b""), "Notifying": flag(False), "Flags": Variant("as", names)}
        properties["MTU"] = Variant("q", link.connection.att_mtu)
        self._attributes[path] = found
        self._objects.add(path, {CHARACTERISTIC: properties})
        for each in found.descriptors:
            below = f"{path}/desc{each.handle:04x}"
            about = {"UUID": Variant("s", uuid_text(each.type)), "Characteristic": Variant("o", path)}
            self._attributes[below] = each
            self._objects.add(below, {DESCRIPTOR: about | {"Value": Variant("ay", b"")}})

    async def _read(self, call: Message) -> tuple[str, list[Any]]:
        value = await self._one(call, lambda link: link.read(self._attributes[call.path]))
        self._objects.set(call.path, call.interface, Value=Variant("ay", value))  # clients see it as a notification
        return "ay", [value]

    async def _write(self, call: Message) -> None:
        value, options = call.body
        command = "type" in options and options["type"].value == "command"
        attribute = self._attributes[call.path]
        await self._one(call, lambda link: link.write(attribute, bytes(value), acknowledged=not command))

    async def _start(self, call: Message) -> None:
        clients = self._sessions.setdefault(call.path, [])
        if call.sender in clients:
            raise BluezError(*errors.IN_PROGRESS)
        clients.append(call.sender)
        if len(clients) == 1:
            try:
                await self._subscribe(call.path)
            except BluezError:
                clients.remove(call.sender)
                raise

    async def _stop(self, call: Message) -> None:
        if call.sender not in self._sessions.get(call.path, []):
            raise BluezError("Failed", "No notify session started")
        await self._leave(call.path, call.sender)

    async def _leave(self, path: str, client: str) -> None:
        clients = self._sessions[path]
        clients.remove(client)
        if not clients:
            self._objects.set(path, CHARACTERISTIC, Notifying=flag(False))
            await self._do(path, lambda link: link.ask(lambda: self._attributes[path].unsubscribe(force=True)))

    async def _subscribe(self, path: str) -> None:
        def notified(value: bytes) -> None:
            self._objects.set(path, CHARACTERISTIC, Value=Variant("ay", bytes(value)))

        listener = self._listeners.setdefault(path, notified)
        await self._do(path, lambda link: link.ask(lambda: self._attributes[path].subscribe(listener)))
        self._objects.set(path, CHARACTERISTIC, Notifying=flag(True))

    async def _one(self, call: Message, work: Callable[[Link], Any]) -> Any:
        """One reading and one writing at a time."""
        key = call.path, call.member
        if key in self._busy:
            raise BluezError(*errors.IN_PROGRESS)
        self._busy.add(key)
        try:
            return await self._do(call.path, work)
        finally:
            self._busy.discard(key)

    async def _do(self, path: str, work: Callable[[Link], Any]) -> Any:
        link, on_paired = self._links.get(path.partition("/service")[0], (None, None))
        if link is None or on_paired is None:
            raise BluezError(*errors.NOT_CONNECTED)
        safe = link.connection.is_encrypted
        try:
            return await work(link)
        except att.ATT_Error as error:
            raise errors.of_att(int(error.error_code)) from error
        except NotPaired as error:
            raise errors.of_att(0x05) from error
        except BleakError as error:
            raise BluezError(*errors.LINK_ENDED) from error
        finally:
            if link.connection.is_encrypted and not safe and not link.gone.is_set():
                on_paired()  # the attribute wanted it
