"""A pairing agent as a client of BlueZ has one, and the person who answers it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from dbus_fast import DBusError, MessageType
from dbus_fast.annotations import DBusObjectPath, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method

from tests.bluez.bus import call, connected
from tests.bluez.objects import AGENTS

PATH = "/test/agent"


class Agent(ServiceInterface):
    """Types `passkey` when asked, consents if `consents`, and thinks until it is cancelled unless it `answers`.

    `asked` is what it was called for.
    """

    def __init__(self, passkey: int = 0, *, consents: bool = True, answers: bool = True) -> None:
        super().__init__("org.bluez.Agent1")
        self._passkey, self._consents, self._answers = passkey, consents, answers
        self.cancelled = asyncio.Event()
        self.asked: list[tuple[str, str]] = []

    @dbus_method()
    async def RequestPasskey(self, device: DBusObjectPath) -> DBusUInt32:  # noqa: N802
        self.asked.append(("RequestPasskey", device))
        if not self._answers:
            await self.cancelled.wait()
        return self._passkey

    @dbus_method()
    def RequestAuthorization(self, device: DBusObjectPath) -> None:  # noqa: N802
        self.asked.append(("RequestAuthorization", device))
        if not self._consents:
            raise DBusError("org.bluez.Error.Rejected", "no")

    @dbus_method()
    def Cancel(self) -> None:  # noqa: N802
        self.asked.append(("Cancel", ""))
        self.cancelled.set()

    @dbus_method()
    def Release(self) -> None:  # noqa: N802
        pass


@contextlib.asynccontextmanager
async def registered(agent: Agent, capability: str = "KeyboardDisplay") -> AsyncIterator[None]:
    """Meanwhile the agent is the default one."""
    async with connected() as bus:
        bus.export(PATH, agent)
        for member, signature, body in (
            ("RegisterAgent", "os", [PATH, capability]),
            ("RequestDefaultAgent", "o", [PATH]),
        ):
            reply = await call(bus, "/org/bluez", AGENTS, member, signature, *body)
            assert reply.message_type == MessageType.METHOD_RETURN, reply.body
        yield
