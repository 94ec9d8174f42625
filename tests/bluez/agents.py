"""Pairing agents: whoever registered one is asked for passkeys and consent."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bumble.hci import Address
from bumble.pairing import PairingDelegate
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from device_gateway.simulator.radio import Central
from tests.bluez.errors import BluezError
from tests.bluez.objects import AGENTS

_CAPABILITIES = {
    "": PairingDelegate.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT,
    "KeyboardDisplay": PairingDelegate.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT,
    "KeyboardOnly": PairingDelegate.KEYBOARD_INPUT_ONLY,
    "DisplayOnly": PairingDelegate.DISPLAY_OUTPUT_ONLY,
    "DisplayYesNo": PairingDelegate.DISPLAY_OUTPUT_AND_YES_NO_INPUT,
    "NoInputNoOutput": PairingDelegate.NO_OUTPUT_NO_INPUT,
}


@dataclass(frozen=True)
class Agent:
    client: str
    path: str
    capability: str


class Agents:
    """The agent of the client that pairs is asked, or else the default one: the first, or who asked to be it.

    Without an agent a device pairs without a question, or not at all if it wants a passkey. BlueZ does not ask before
    it pairs that way itself; `confirm_just_works` makes it ask (RequestAuthorization), as it does for a device that
    pairs anew.
    """

    def __init__(self, bus: MessageBus, central: Central, *, confirm_just_works: bool) -> None:
        self.confirm_just_works = confirm_just_works
        self.pairing: dict[Address, tuple[str, str]] = {}  # whom a device pairs with: the client, the device's path
        self._bus = bus
        self._agents: list[Agent] = []  # the default one first
        central.delegate = self._delegate
        self.handlers = {
            (AGENTS, "RegisterAgent"): self._register,
            (AGENTS, "UnregisterAgent"): self._unregister,
            (AGENTS, "RequestDefaultAgent"): self._default,
        }

    def vanished(self, client: str) -> None:
        self._agents = [agent for agent in self._agents if agent.client != client]

    def agent(self, client: str) -> Agent | None:
        own = (agent for agent in self._agents if agent.client == client)
        return next(own, self._agents[0] if self._agents else None)

    async def ask(self, agent: Agent, member: str, signature: str, body: list[Any]) -> Any:
        """The agent's answer; None if it refused, is gone, or the device is."""
        call = Message(agent.client, agent.path, "org.bluez.Agent1", member, signature=signature, body=body)
        try:
            reply = await self._bus.call(call)
        except asyncio.CancelledError:
            self._bus.send(Message(agent.client, agent.path, "org.bluez.Agent1", "Cancel"))
            raise
        if reply.message_type == MessageType.ERROR:
            return None
        return reply.body[0] if reply.body else True

    def _delegate(self, peer: Address) -> PairingDelegate:
        client, path = self.pairing.get(peer, ("", "/"))
        agent = self.agent(client)
        return _Asking(self, agent, path) if agent is not None else _Silent(self)

    async def _register(self, call: Message) -> None:
        path, capability = call.body
        if capability not in _CAPABILITIES:
            raise BluezError("InvalidArguments", "Invalid arguments in method call")
        if any(agent.client == call.sender for agent in self._agents):
            raise BluezError("AlreadyExists", "Already Exists")
        self._agents.append(Agent(call.sender, path, capability))

    async def _unregister(self, call: Message) -> None:
        self._agents.remove(self._own(call))

    async def _default(self, call: Message) -> None:
        agent = self._own(call)
        self._agents.remove(agent)
        self._agents.insert(0, agent)

    def _own(self, call: Message) -> Agent:
        for agent in self._agents:
            if (agent.client, agent.path) == (call.sender, call.body[0]):
                return agent
        raise BluezError("DoesNotExist", "Does Not Exist")


class _Silent(PairingDelegate):
    def __init__(self, agents: Agents) -> None:
        super().__init__()
        self._agents = agents

    async def confirm(self, auto: bool = False) -> bool:  # noqa: FBT001, FBT002 - the library's signature
        return not self._agents.confirm_just_works


class _Asking(PairingDelegate):
    def __init__(self, agents: Agents, agent: Agent, path: str) -> None:
        super().__init__(io_capability=_CAPABILITIES[agent.capability])
        self._agents, self._agent, self._path = agents, agent, path

    async def confirm(self, auto: bool = False) -> bool:  # noqa: FBT001, FBT002 - the library's signature
        return not self._agents.confirm_just_works or bool(await self._ask("RequestAuthorization", "o"))

    async def compare_numbers(self, number: int, digits: int) -> bool:
        return bool(await self._ask("RequestConfirmation", "ou", number))

    async def get_number(self) -> int | None:
        answer: int | None = await self._ask("RequestPasskey", "o")
        return answer

    async def display_number(self, number: int, digits: int) -> None:
        await self._ask("DisplayPasskey", "ouq", number, 0)

    async def _ask(self, member: str, signature: str, *more: int) -> Any:
        return await self._agents.ask(self._agent, member, signature, [self._path, *more])
