"""Whether the broker carries a message: sent and received, not a flag that says connected."""

import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from hub.adapters.broker_address import BrokerAddress

PING = "rpm/v1/rpmhub/ping/"
"""The hub's own branch, as ``config/deploy/mosquitto.acl`` knows it."""


class Trip(Enum):
    """How a message's way to the broker and back ended."""

    BACK = auto()
    UNRESOLVED = auto()
    UNREACHABLE = auto()
    UNTRUSTED = auto()
    """TLS: the broker's certificate is not of an authority that is trusted here, or there is no TLS at all."""
    SILENT = auto()
    """Something listens and does not speak MQTT, or the broker hangs."""
    REFUSED = auto()
    """The name or the password."""
    SHARED = auto()
    """Let in, in the place of another program of the same user."""
    SWALLOWED = auto()
    """Taken and not given back: mosquitto drops what its access rules forbid in silence."""
    UNGRANTED = auto()
    """The message came back, but what ingest must hear may not be subscribed to."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How, and in the library's words why."""

    trip: Trip
    detail: str = ""


def round_trip(
    address: BrokerAddress, client_id: str, ca_file: str, within_s: float, hears: Sequence[str] = ()
) -> Ended:
    """Publish by QoS 1 on a topic of the hub's own and wait until it is back. What the broker kept of it is gone then.

    A broker that goes by user names may give us the session of another program: it is left as it was. ``hears``: topics
    to ask for as well, in a session that is not kept. What comes before that ends at once is not looked at.
    """
    ended = _Traveller(client_id, keep=True).travel(address, ca_file, within_s / 2)
    if ended.trip in {Trip.BACK, Trip.SWALLOWED}:
        last = _Traveller(client_id, keep=False, hears=hears).travel(address, ca_file, within_s / 2)
        if ended.trip is Trip.BACK and last.trip is Trip.UNGRANTED:
            return last
    return ended


class _Traveller:
    """One client for one message; ``keep`` False: it ends the session that was kept, and asks for what it ``hears``."""

    def __init__(self, client_id: str, *, keep: bool, hears: Sequence[str] = ()) -> None:
        self._keep = keep
        self._hears = hears
        self._topic = PING + client_id
        self._ended = threading.Event()
        self._outcome = Ended(Trip.SILENT)
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=not keep,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,  # a message that waits for another program must come to it again
        )
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._received

    def travel(self, address: BrokerAddress, ca_file: str, within_s: float) -> Ended:
        """``within_s`` bounds the connection, and again the way."""
        client = self._client
        client.connect_timeout = within_s
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        try:
            if address.tls:
                client.tls_set_context(ssl.create_default_context(cafile=ca_file or None))
            client.connect(address.host, address.port)
        except ssl.SSLError as error:
            return Ended(Trip.UNTRUSTED, error.reason or str(error))
        except socket.gaierror as error:
            return Ended(Trip.UNRESOLVED, error.strerror or "")
        except (OSError, ValueError) as error:
            return Ended(Trip.UNREACHABLE, getattr(error, "strerror", None) or str(error))
        client.loop_start()
        try:
            self._ended.wait(within_s)
        finally:
            client.disconnect()
            client.loop_stop()
        return self._outcome

    def _connected(
        self, client: paho.Client, _data: Any, flags: paho.ConnectFlags, reason: ReasonCode, _props: Any
    ) -> None:
        if reason.is_failure:
            self._end(Ended(Trip.REFUSED, str(reason)))
        elif flags.session_present:
            self._end(Ended(Trip.SHARED))
        elif self._keep:
            self._outcome = Ended(Trip.SWALLOWED)
            client.subscribe(self._topic, qos=1)
        elif self._hears:
            self._outcome = Ended(Trip.UNGRANTED, "no answer")
            client.subscribe([(topic, 0) for topic in self._hears])
        else:
            self._end(self._outcome)

    def _subscribed(self, client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _props: Any) -> None:
        if not self._keep:
            answered = zip(self._hears, reasons, strict=False)
            refused = [topic for topic, reason in answered if reason.is_failure]
            self._end(Ended(Trip.UNGRANTED, ", ".join(refused)) if refused else Ended(Trip.BACK))
        elif any(reason.is_failure for reason in reasons):
            self._end(Ended(Trip.SWALLOWED, "the subscription was refused"))
        else:
            client.publish(self._topic, b"", qos=1)

    def _received(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if message.topic == self._topic:
            self._end(Ended(Trip.BACK))

    def _end(self, outcome: Ended) -> None:
        self._outcome = outcome
        self._ended.set()
