"""One MQTT 3.1.1 connection that is always on its way back up. Events arrive on the event loop's own thread.

Every attempt is a new paho client, so that nothing queued in memory outlives a connection: what must not be lost is in
the spool. paho's thread may die of an exception while `is_connected()` stays true and `publish()` returns success;
here the end of the thread, whatever the cause, is the end of the session, and a new one begins.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from device_gateway.clock import Clock, Ids
from device_gateway.settings import Address

log = logging.getLogger(__name__)

_KEEPALIVE_S: Final = 30
_LEAVE_S: Final = 1.0
_STABLE_MS: Final = 60_000  # a session shorter than this counts as another failure: flapping must slow down


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message, and the way to tell the broker that it is safe here (only where acknowledging is by hand)."""

    topic: str
    payload: bytes
    retained: bool
    acknowledge: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a connection is for. `client_id` names the persistent session at the broker."""

    address: Address
    client_id: str
    ca_file: str = ""
    subscriptions: tuple[str, ...] = ()
    will: tuple[str, bytes] | None = None
    manual_ack: bool = False
    clean_session: bool = False
    reconnect_max_s: float = 300


class Connection:
    """Keeps one session up while `run` runs. `on_up` and `on_message` are called on the event loop."""

    def __init__(
        self, plan: Plan, clock: Clock, ids: Ids, *, on_up: Callable[[], None], on_message: Callable[[Incoming], None]
    ) -> None:
        self._plan, self._clock, self._ids = plan, clock, ids
        self._on_up, self._on_message = on_up, on_message
        self._session: _Session | None = None
        self.epoch = 0  # grows with every session that came up

    @property
    def up(self) -> bool:
        """Whether the broker has accepted the present session."""
        return self._session is not None and self._session.accepted

    async def run(self) -> None:
        """Connects, and connects again after a random wait that doubles (full jitter), until cancelled."""
        attempt = 0
        while True:
            began = self._clock.mono_ms()
            self._session = _Session(self._plan, asyncio.get_running_loop(), self._came_up, self._arrived)
            try:
                await self._session.ended.wait()
            finally:
                session, self._session = self._session, None
                await session.leave()
            log.warning("connection to %s ended: %s", self._plan.address.host, session.why)
            attempt = 0 if self._clock.mono_ms() - began > _STABLE_MS else attempt + 1
            await asyncio.sleep(self._ids.between(0, min(self._plan.reconnect_max_s, 2.0 ** min(attempt, 16))))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hands a QoS 1 message to the session; False if there is none. True promises nothing: only an answer does."""
        session = self._session
        if session is None or not session.accepted:
            return False
        return session.publish(topic, payload, qos=1, retain=retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def renew(self) -> None:
        """Drops the present session for a new one: it is no longer believed."""
        if self._session is not None:
            self._session.finish("no answer came on it")

    def _came_up(self, session: "_Session") -> None:
        if session is self._session:
            self.epoch += 1
            self._on_up()

    def _arrived(self, session: "_Session", message: Incoming) -> None:
        if session is self._session:  # what an abandoned session brings comes again on the next one
            self._on_message(message)


class _Session(paho.Client):
    """One paho client for one connection; its thread reports its own end."""

    def __init__(
        self,
        plan: Plan,
        loop: asyncio.AbstractEventLoop,
        came_up: Callable[["_Session"], None],
        arrived: Callable[["_Session", Incoming], None],
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=plan.client_id,
            clean_session=plan.clean_session,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=plan.manual_ack,
            reconnect_on_failure=False,
        )
        self.accepted = False
        self.ended = asyncio.Event()
        self.why = "closed"
        self._plan, self._asyncio, self._came_up, self._arrived = plan, loop, came_up, arrived
        self.on_connect, self.on_message, self.on_socket_open = self._connected, self._received, _no_delay
        if plan.address.user is not None:
            self.username_pw_set(plan.address.user, plan.address.password)
        if plan.address.tls:
            self.tls_set(ca_certs=plan.ca_file or None)
        if plan.will is not None:
            self.will_set(*plan.will, qos=1, retain=True)
        self.connect_async(plan.address.host, plan.address.port, keepalive=_KEEPALIVE_S)
        self.loop_start()

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:  # noqa: ARG002, FBT001, FBT002 - paho's signature
        """The thread's whole life; whichever way it ends, the event loop hears of it."""
        why = "closed"
        try:
            return super().loop_forever(timeout, retry_first_connection=False)
        except OSError as error:
            why = str(error)
        except Exception as error:
            why = f"its thread failed: {type(error).__name__}"
            log.exception("the MQTT thread failed")
        finally:
            self._call(lambda: self.finish(why))
        return MQTTErrorCode.MQTT_ERR_UNKNOWN

    async def leave(self) -> None:
        """Sends what is queued and says goodbye; a thread that does not answer is left behind."""
        self.disconnect()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.ended.wait(), _LEAVE_S)

    def finish(self, why: str) -> None:
        """Marks the session as over (on the event loop)."""
        if not self.ended.is_set():
            self.accepted, self.why = False, why if self.why == "closed" else self.why
            self.ended.set()

    def _connected(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.why = f"the broker refused: {reason} (user and password right?)"
            return
        for topic in self._plan.subscriptions:
            self.subscribe(topic, qos=1)
        self._call(self._accept)

    def _accept(self) -> None:
        if not self.ended.is_set():
            self.accepted = True
            self._came_up(self)

    def _received(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        mid, qos = message.mid, message.qos
        incoming = Incoming(message.topic, bytes(message.payload), message.retain, lambda: self._acknowledge(mid, qos))
        self._call(lambda: self._arrived(self, incoming))

    def _acknowledge(self, mid: int, qos: int) -> None:
        if not self.ended.is_set():  # a message id belongs to its own session: on the next it names another message
            self.ack(mid, qos)

    def _call(self, function: Callable[[], None]) -> None:
        try:
            self._asyncio.call_soon_threadsafe(function)
        except RuntimeError:
            log.debug("the event loop is gone")


def _no_delay(_client: paho.Client, _data: Any, sock: Any) -> None:
    """Nagle's algorithm would hold an acknowledgement back until the next message."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
