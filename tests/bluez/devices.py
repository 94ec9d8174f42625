"""Devices as BlueZ shows them: heard, connected, paired, and kept when paired."""

import asyncio
import contextlib

from bleak.exc import BleakError
from bumble.hci import Address
from dbus_fast import Message, Variant

from device_gateway.simulator.radio import BondLost, Central, NotPaired
from device_gateway.simulator.radio.central import Advert, Link, text
from tests.bluez import errors
from tests.bluez.agents import Agents
from tests.bluez.errors import BluezError
from tests.bluez.gatt import Gatt
from tests.bluez.objects import DEVICE, HCI0, Objects, flag

_CONNECT_S = 20.0  # the kernel gives up an attempt to connect after that
_FLAGS = ("Paired", "Bonded", "Trusted", "Blocked", "Connected", "ServicesResolved", "LegacyPairing")


class Devices:
    """A device keeps its path for ever, and its Address becomes the identity once it is paired."""

    def __init__(
        self, objects: Objects, central: Central, agents: Agents, gatt: Gatt, temporary_s: float | None
    ) -> None:
        self._objects, self._central, self._agents, self._gatt = objects, central, agents, gatt
        self._temporary_s = temporary_s
        self._expiries: dict[str, asyncio.TimerHandle] = {}
        self._paths: dict[Address, str] = {}
        self._addresses: dict[str, Address] = {}
        self._links: dict[str, Link] = {}
        self._attempts: dict[str, asyncio.Future[None]] = {}
        self._pairing: dict[str, asyncio.Future[None]] = {}
        self._resolving: dict[str, asyncio.Task[None]] = {}
        self._strength = 0
        self.handlers = {
            (DEVICE, "Connect"): self._connect_called,
            (DEVICE, "Disconnect"): self._disconnect_called,
            (DEVICE, "Pair"): self._pair_called,
            (DEVICE, "CancelPairing"): self._cancel_called,
        }

    def path_of(self, address: Address) -> str:
        return self._paths.get(address) or f"{HCI0}/dev_{text(address).replace(':', '_')}"

    def seen(self, path: str, advert: Advert) -> None:
        self._strength ^= 1  # strength never stays the same, and a change of it is what announces an advertisement
        news = {"RSSI": Variant("n", advert.rssi - self._strength), "UUIDs": Variant("as", advert.services)}
        if advert.name:
            news |= {name: Variant("s", advert.name) for name in ("Name", "Alias")}
        if advert.manufacturer_data:
            data = {key: Variant("ay", value) for key, value in advert.manufacturer_data.items()}
            news["ManufacturerData"] = Variant("a{qv}", data)
        if advert.service_data:
            data = {key: Variant("ay", value) for key, value in advert.service_data.items()}
            news["ServiceData"] = Variant("a{sv}", data)
        if path in self._objects.tree:
            self._objects.set(path, DEVICE, **news)
        else:
            self._add(path, advert.address, news)
        self._keep(path)

    def restore(self, address: Address) -> None:
        """Shows a device that was paired before the daemon started."""
        path = self.path_of(address)
        self._add(path, address, {})
        self._objects.set(path, DEVICE, Paired=flag(True), Bonded=flag(True))

    def out_of_sight(self) -> None:
        """Discovery ended: strengths are no longer known."""
        for path in self._objects.below(HCI0, DEVICE):
            if self._objects.get(path, DEVICE, "RSSI") is not None:
                self._objects.set(path, DEVICE, "RSSI")

    async def remove(self, path: str) -> None:
        """Forgets the device and its bond."""
        if path not in self._addresses:
            raise BluezError("DoesNotExist", "Does Not Exist")
        await self._disconnect(path)
        address = self._addresses.pop(path)
        self._paths.pop(address, None)
        await self._central.forget(address)
        self._gatt.remove(path)
        self._objects.remove(path)

    async def close(self) -> None:
        self._stop_expiries()
        for path in list(self._addresses):
            await self._disconnect(path)
        await asyncio.gather(*self._resolving.values(), return_exceptions=True)

    def _keep(self, path: str) -> None:
        """For a while, unless it is paired: each sighting starts the time anew."""
        if self._temporary_s is not None:
            if path in self._expiries:
                self._expiries[path].cancel()
            self._expiries[path] = asyncio.get_running_loop().call_later(self._temporary_s, self._expire, path)

    def _expire(self, path: str) -> None:
        in_use = path in self._links or path in self._attempts
        if path in self._addresses and not in_use and not self._objects.get(path, DEVICE, "Paired"):
            self._paths.pop(self._addresses.pop(path), None)
            self._objects.remove(path)

    def _stop_expiries(self) -> None:
        for expiry in self._expiries.values():
            expiry.cancel()
        self._expiries.clear()

    def _add(self, path: str, address: Address, news: dict[str, Variant]) -> None:
        self._addresses[path], self._paths[address] = address, path
        base = {
            "Address": Variant("s", text(address)),
            "AddressType": Variant("s", "random"),
            "Alias": Variant("s", text(address).replace(":", "-")),
            "Adapter": Variant("o", HCI0),
            **{name: flag(False) for name in _FLAGS},
        }
        self._objects.add(path, {DEVICE: base | news})

    async def _connect_called(self, call: Message) -> None:
        await self._connect(call.path)
        self._resolve(call.path)  # the reply does not wait for it

    async def _disconnect_called(self, call: Message) -> None:
        await self._disconnect(call.path)

    async def _connect(self, path: str) -> None:
        if path in self._attempts:
            raise BluezError(*errors.IN_PROGRESS)
        if path in self._links:
            return
        attempt = self._attempts[path] = asyncio.ensure_future(self._attempt(path))
        try:
            await _end_of(attempt)
        finally:
            self._attempts.pop(path, None)
        if attempt.cancelled():
            raise BluezError("Failed", "le-connection-canceled")
        attempt.result()

    async def _attempt(self, path: str) -> None:
        try:
            async with asyncio.timeout(_CONNECT_S):
                link = await self._central.connect(self._addresses[path], lambda link: self._gatt.linked(path, link))
        except TimeoutError:
            raise BluezError(*errors.ABORTED) from None
        except BondLost:
            self._flap(path)
            raise BluezError(*errors.REFUSED) from None
        except BleakError:
            raise BluezError("Failed", "le-connection-unknown") from None
        self._links[path] = link
        link.connection.on(link.connection.EVENT_DISCONNECTION, lambda _reason: self._ended(path))
        self._objects.set(path, DEVICE, Connected=flag(True))

    def _flap(self, path: str) -> None:
        """The link was there until the device refused its key."""
        self._objects.set(path, DEVICE, Connected=flag(True))
        self._objects.set(path, DEVICE, Connected=flag(False))

    async def _disconnect(self, path: str) -> None:
        attempt, link = self._attempts.get(path), self._links.get(path)
        if attempt is not None:
            attempt.cancel()
            await asyncio.wait({attempt})
            self._attempts.pop(path, None)
        if link is not None:
            await link.disconnect()

    def _ended(self, path: str) -> None:
        del self._links[path]
        resolving = self._resolving.pop(path, None)
        if resolving is not None:
            resolving.cancel()
        self._gatt.disconnected(path, keep=bool(self._objects.get(path, DEVICE, "Bonded")))
        self._objects.set(path, DEVICE, ServicesResolved=flag(False))
        self._objects.set(path, DEVICE, Connected=flag(False))

    async def _pair_called(self, call: Message) -> None:
        path = call.path
        if self._objects.get(path, DEVICE, "Paired"):
            raise BluezError("AlreadyExists", "Already Exists")
        if path in self._pairing:
            raise BluezError(*errors.IN_PROGRESS)
        pairing = self._pairing[path] = asyncio.ensure_future(self._pair(path, call.sender))
        try:
            await _end_of(pairing)
        finally:
            self._pairing.pop(path, None)
        if pairing.cancelled():
            raise BluezError(*errors.AUTHENTICATION_CANCELED)
        pairing.result()
        self._resolve(path)

    async def _cancel_called(self, call: Message) -> None:
        pairing = self._pairing.pop(call.path, None)
        if pairing is None:
            raise BluezError("DoesNotExist", "Does Not Exist")
        pairing.cancel()
        await self._disconnect(call.path)

    async def _pair(self, path: str, client: str) -> None:
        try:
            await self._connect(path)
        except BluezError as error:
            raise BluezError("ConnectionAttemptFailed", "Page Timeout") from error
        await self._secure(path, self._links[path], client)

    async def _secure(self, path: str, link: Link, client: str) -> None:
        """Pairs on a link. Agents are asked as for `client`."""
        self._agents.pairing[link.address] = client, path
        try:
            await link.pair()
        except NotPaired:
            raise BluezError(*errors.AUTHENTICATION_FAILED) from None
        except BleakError:
            raise BluezError(*errors.AUTHENTICATION_CANCELED) from None
        self._paired(path, link)

    def _paired(self, path: str, link: Link) -> None:
        address = self._addresses[path] = link.address
        self._paths[address] = path
        self._objects.set(path, DEVICE, Address=Variant("s", text(address)), Paired=flag(True), Bonded=flag(True))

    def _resolve(self, path: str) -> None:
        if path in self._links and path not in self._resolving:
            self._resolving[path] = asyncio.create_task(self._resolve_services(path, self._links[path]))

    async def _resolve_services(self, path: str, link: Link) -> None:
        with contextlib.suppress(BleakError):  # the link's end is announced by itself
            await self._gatt.connected(path, link, on_paired=lambda: self._paired(path, link))
            self._objects.set(path, DEVICE, ServicesResolved=flag(True))


async def _end_of(work: "asyncio.Future[None]") -> None:
    """However it ends. Cancelled, it takes the work along."""
    try:
        await asyncio.wait({work})
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
