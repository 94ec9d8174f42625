"""The pairing agent that BlueZ asks while a device pairs; bleak has none of its own.

BlueZ asks the agent that became the default last. The running gateway's refuses everything, so that no device that
lost its bond is silently paired again; `pair` puts a person's agent before it for as long as it runs.
"""

from types import TracebackType
from typing import Final, Protocol, Self

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt16, DBusUInt32
from dbus_fast.errors import DBusError
from dbus_fast.service import ServiceInterface, dbus_method

from device_gateway.errors import BluetoothError
from device_gateway.sources.ble.trouble import trouble

_PATH: Final = "/org/rpmhub/agent"
_REJECTED: Final = "org.bluez.Error.Rejected"


class Person(Protocol):
    """Who stands beside the device."""

    async def passkey(self) -> int | None:
        """The six digits that the device shows; None: there are none, or the person gave up."""

    async def same(self, passkey: int) -> bool:
        """Whether the device shows these six digits, too."""

    async def show(self, passkey: int) -> None:
        """These six digits are to be typed into the device."""

    async def agrees(self) -> bool:
        """Whether a device that shows nothing may be paired: the person chose it, and holds it."""


class Nobody:
    """No person is there: nothing is paired."""

    async def passkey(self) -> int | None:
        return None

    async def same(self, passkey: int) -> bool:  # noqa: ARG002 - the protocol's
        return False

    async def show(self, passkey: int) -> None:
        """To nobody."""

    async def agrees(self) -> bool:
        return False


class Agent(ServiceInterface):
    """`async with Agent(person):` BlueZ asks this person inside, about the one `device` (a D-Bus path) that is set."""

    def __init__(self, person: Person) -> None:
        super().__init__("org.bluez.Agent1")
        self._person = person
        self._bus: MessageBus | None = None
        self.device: str | None = None

    async def __aenter__(self) -> Self:
        try:
            self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            self._bus.export(_PATH, self)
            await self._tell("RegisterAgent", "os", [_PATH, "KeyboardDisplay"])
            await self._tell("RequestDefaultAgent", "o", [_PATH])
        except (TimeoutError, OSError, EOFError, DBusError) as error:
            await self.__aexit__(None, None, None)
            raise trouble(error) from error
        except BluetoothError:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bus is not None:  # BlueZ forgets the agent of a connection that is gone
            self._bus.disconnect()
            self._bus = None

    def _expect(self, device: str) -> None:
        if device != self.device:
            raise DBusError(_REJECTED, "nobody asked for this device")

    async def _tell(self, member: str, signature: str, body: list[str]) -> None:
        if self._bus is None:
            raise BluetoothError("no connection to D-Bus")
        reply = await self._bus.call(
            Message(
                destination="org.bluez",
                path="/org/bluez",
                interface="org.bluez.AgentManager1",
                member=member,
                signature=signature,
                body=body,
            )
        )
        if reply.message_type is not MessageType.METHOD_RETURN:
            raise trouble(reply.error_name)

    @dbus_method("Release")
    def _release(self) -> None:
        """BlueZ stopped."""

    @dbus_method("Cancel")
    def _cancel(self) -> None:
        """The device, or a timeout, ended the pairing."""

    @dbus_method("RequestPasskey")
    async def _request_passkey(self, device: DBusObjectPath) -> DBusUInt32:
        self._expect(device)
        if (passkey := await self._person.passkey()) is None:
            raise DBusError(_REJECTED, "nobody gave a passkey")
        return passkey

    @dbus_method("RequestPinCode")
    async def _request_pin_code(self, device: DBusObjectPath) -> DBusStr:
        self._expect(device)
        if (passkey := await self._person.passkey()) is None:
            raise DBusError(_REJECTED, "nobody gave a PIN")
        return f"{passkey:06}"

    @dbus_method("DisplayPasskey")
    async def _display_passkey(self, device: DBusObjectPath, passkey: DBusUInt32, entered: DBusUInt16) -> None:
        self._expect(device)
        if not entered:
            await self._person.show(passkey)

    @dbus_method("RequestConfirmation")
    async def _request_confirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:
        self._expect(device)
        if not await self._person.same(passkey):
            raise DBusError(_REJECTED, "the digits were not confirmed")

    @dbus_method("RequestAuthorization")
    async def _request_authorization(self, device: DBusObjectPath) -> None:
        self._expect(device)
        if not await self._person.agrees():
            raise DBusError(_REJECTED, "nobody agreed")
