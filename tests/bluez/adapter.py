"""The adapter: who is discovering, and what the air brings."""

import asyncio
from typing import Any

from dbus_fast import Message, Variant

from device_gateway.simulator.radio.central import Advert, Central
from tests.bluez.devices import Devices
from tests.bluez.errors import IN_PROGRESS, BluezError
from tests.bluez.objects import ADAPTER, HCI0, MONITORS, Objects, flag

_REPEAT_S = 0.1  # without DuplicateData an unchanged device is announced no more often than that


class Adapter:
    """Discovery is by client and ends with it. A filter of services holds for the client that set it."""

    interface = ADAPTER

    def __init__(self, objects: Objects, central: Central, devices: Devices) -> None:
        self._objects, self._central, self._devices = objects, central, devices
        self._filters: dict[str, dict[str, Variant]] = {}
        self._sessions: dict[tuple[str, str], dict[str, Variant]] = {}  # (client, monitor's path or "") -> its filter
        self._announced: dict[str, float] = {}
        self._on = True
        self.handlers = {
            (ADAPTER, "SetDiscoveryFilter"): self._filter,
            (ADAPTER, "StartDiscovery"): self._start,
            (ADAPTER, "StopDiscovery"): self._stop,
            (ADAPTER, "RemoveDevice"): self._remove,
            (MONITORS, "RegisterMonitor"): self._register,
            (MONITORS, "UnregisterMonitor"): self._unregister,
        }

    def show(self) -> None:
        properties = {
            "Address": Variant("s", self._central.address),
            "Name": Variant("s", "virtual"),
            "Alias": Variant("s", "virtual"),
            "Powered": flag(True),
            "Discovering": flag(False),
            "UUIDs": Variant("as", []),
            "Roles": Variant("as", ["central"]),
        }
        self._objects.add(HCI0, {ADAPTER: properties, MONITORS: {}})

    async def power(self, *, on: bool) -> None:
        """Off: every link ends, nothing is heard, and calls fail with NotReady."""
        self._on = on
        if not on:
            self._sessions.clear()
            await self._adjust()
            await self._devices.close()
        self._objects.set(HCI0, ADAPTER, Powered=flag(on))

    async def close(self) -> None:
        self._sessions.clear()
        await self._adjust()

    async def vanished(self, client: str) -> None:
        self._filters.pop(client, None)
        self._sessions = {key: value for key, value in self._sessions.items() if key[0] != client}
        await self._adjust()

    async def _filter(self, call: Message) -> None:
        self._filters[call.sender] = call.body[0]

    async def _start(self, call: Message) -> None:
        if (call.sender, "") in self._sessions:
            raise BluezError(*IN_PROGRESS)
        await self._listen(call.sender, "", self._filters.get(call.sender, {}))

    async def _stop(self, call: Message) -> None:
        await self._unlisten(call.sender, "", BluezError("Failed", "No discovery started"))

    async def _register(self, call: Message) -> None:
        await self._listen(call.sender, call.body[0], {})

    async def _unregister(self, call: Message) -> None:
        await self._unlisten(call.sender, call.body[0], BluezError("DoesNotExist", "Does Not Exist"))

    async def _listen(self, client: str, monitor: str, wanted: dict[str, Variant]) -> None:
        if not self._on:
            raise BluezError("NotReady", "Resource Not Ready")
        self._sessions[client, monitor] = wanted
        self._announced.clear()
        await self._adjust()

    async def _unlisten(self, client: str, monitor: str, otherwise: BluezError) -> None:
        if self._sessions.pop((client, monitor), None) is None:
            raise otherwise
        await self._adjust()

    async def _adjust(self) -> None:
        discovering = bool(self._sessions)
        if discovering == self._objects.get(HCI0, ADAPTER, "Discovering"):
            return
        self._objects.set(HCI0, ADAPTER, Discovering=flag(discovering))
        await (self._central.listen if discovering else self._central.unlisten)(self._heard)
        if not discovering:
            self._devices.out_of_sight()

    async def _remove(self, call: Message) -> None:
        await self._devices.remove(call.body[0])

    def _heard(self, advert: Advert) -> None:
        filters = list(self._sessions.values())
        if not any(_wants(each, advert) for each in filters):
            return
        path, now = self._devices.path_of(advert.address), asyncio.get_running_loop().time()
        every = any(_value(each, "DuplicateData", default=True) for each in filters)
        if every or now - self._announced.get(path, 0.0) >= _REPEAT_S:
            self._announced[path] = now
            self._devices.seen(path, advert)


def _wants(wanted: dict[str, Variant], advert: Advert) -> bool:
    services = _value(wanted, "UUIDs", default=[])
    return not services or bool(set(services) & set(advert.services))


def _value(wanted: dict[str, Variant], name: str, *, default: Any) -> Any:
    return wanted[name].value if name in wanted else default
