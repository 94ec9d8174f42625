"""An org.bluez on a private bus, over a virtual central: all is real from the client's D-Bus library down to the
device's attribute server, save bluetoothd and the kernel.

Modelled from BlueZ 5.66 where clients notice: error names and texts, one notify session a client that ends with the
client, subscriptions made again on reconnect for clients that stayed, indications confirmed although nobody subscribed,
a Value announced after each read, GATT objects kept for bonded devices, devices that stay connected when their client
dies, agents and what they are asked, discovery by client, and (`temporary_s`, 30 s in BlueZ) unpaired devices that are
forgotten some time after they were last heard. Not modelled: AcquireNotify and AcquireWrite, patterns of advertisement
monitors, hot-unplugging, a second adapter.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from device_gateway.simulator.radio import Central
from tests.bluez import errors
from tests.bluez.adapter import Adapter
from tests.bluez.agents import Agents
from tests.bluez.devices import Devices
from tests.bluez.errors import BluezError
from tests.bluez.gatt import Gatt
from tests.bluez.objects import DEVICE, MANAGER, PROPERTIES, Objects, flag

_BUS = "org.freedesktop.DBus"
_LIBRARYS_OWN = ("org.freedesktop.DBus.Peer", "org.freedesktop.DBus.Introspectable", None)
_FLAP_S = 0.05

Handler = Callable[[Message], Awaitable[tuple[str, list[Any]] | None]]


class FakeBluez:
    """`faults` are consumed in order: the next call of that member gets the error, or waits the seconds first."""

    def __init__(
        self,
        central: Central,
        bus_address: str | None = None,
        *,
        confirm_just_works: bool = False,
        temporary_s: float | None = None,
    ) -> None:
        self.central = central
        self.faults: list[tuple[str, BluezError | float]] = []
        self.log: list[str] = []  # "Device1.Connect /org/bluez/hci0/dev_..."
        self.bus = MessageBus(bus_address, BusType.SYSTEM)
        self.objects = Objects(self.bus.send)
        self.agents = Agents(self.bus, central, confirm_just_works=confirm_just_works)
        self.gatt = Gatt(self.objects)
        self.devices = Devices(self.objects, central, self.agents, self.gatt, temporary_s)
        self.adapter = Adapter(self.objects, central, self.devices)
        self._calls: set[asyncio.Task[None]] = set()
        self._handlers: dict[tuple[str, str], Handler] = {
            (MANAGER, "GetManagedObjects"): self._all,
            (PROPERTIES, "Get"): self._get,
            (PROPERTIES, "GetAll"): self._get_all,
            (PROPERTIES, "Set"): self._set,
            **self.agents.handlers,
            **self.adapter.handlers,
            **self.devices.handlers,
            **self.gatt.handlers,
        }

    async def start(self) -> None:
        """Returns when clients may come."""
        await self.bus.connect()
        self.bus.add_message_handler(self._received)
        rule = f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged'"
        await self.bus.call(Message(_BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", signature="s", body=[rule]))
        self.adapter.show()
        for address in await self.central.bonds():
            self.devices.restore(address)
        await self.bus.request_name("org.bluez")

    async def stop(self) -> None:
        """Ends every link; the bonds stay with the central."""
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self.adapter.close()
        await self.devices.close()
        self.bus.disconnect()
        await self.bus.wait_for_disconnect()

    def path(self, address: str) -> str:
        """Of the device with that address."""
        return next(path for path in self.objects.tree if self.objects.get(path, DEVICE, "Address") == address)

    def _received(self, message: Message) -> bool | None:
        if message.message_type == MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _old, new = message.body
            if not new:
                self._spawn(self._vanished(name))
            return None
        if message.message_type != MessageType.METHOD_CALL or message.interface in _LIBRARYS_OWN:
            return None
        self._spawn(self._serve(message))
        return True

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _vanished(self, client: str) -> None:
        self.agents.vanished(client)
        await self.adapter.vanished(client)
        await self.gatt.vanished(client)

    async def _serve(self, call: Message) -> None:
        self.log.append(f"{call.interface.rpartition('.')[2]}.{call.member} {call.path}")
        try:
            await self._fault(call)
            reply = Message.new_method_return(call, *(await self._handler(call)(call) or ("", [])))
        except BluezError as error:
            reply = Message.new_error(call, error.name, error.text)
        self.bus.send(reply)

    def _handler(self, call: Message) -> Handler:
        known = call.path in self.objects.tree or call.path in ("/", "/org/bluez")
        found = self._handlers.get((call.interface, call.member))
        if not known:
            raise BluezError(f"{_BUS}.Error.UnknownObject", f"Method {call.member} on a path that does not exist")
        if found is None:
            raise BluezError(f"{_BUS}.Error.UnknownMethod", f"{call.interface} has no {call.member}")
        return found

    async def _fault(self, call: Message) -> None:
        number = next((n for n, (member, _) in enumerate(self.faults) if member == call.member), None)
        if number is None:
            return
        _, fault = self.faults.pop(number)
        if not isinstance(fault, BluezError):
            await asyncio.sleep(fault)
            return
        if fault.text == errors.ABORTED[1]:  # the device was connected for a moment, and clients wait for its end
            self.objects.set(call.path, DEVICE, Connected=flag(True))
            await asyncio.sleep(_FLAP_S)
            asyncio.get_running_loop().call_soon(lambda: self.objects.set(call.path, DEVICE, Connected=flag(False)))
        raise fault

    async def _all(self, _call: Message) -> tuple[str, list[Any]]:
        return "a{oa{sa{sv}}}", [self.objects.tree]

    async def _get(self, call: Message) -> tuple[str, list[Any]]:
        interface, name = call.body
        return "v", [self.objects.tree[call.path][interface][name]]

    async def _get_all(self, call: Message) -> tuple[str, list[Any]]:
        return "a{sv}", [self.objects.tree[call.path][call.body[0]]]

    async def _set(self, call: Message) -> None:
        interface, name, value = call.body
        if (interface, name) == (self.adapter.interface, "Powered"):
            await self.adapter.power(on=value.value)
        else:
            self.objects.set(call.path, interface, **{name: Variant(value.signature, value.value)})
