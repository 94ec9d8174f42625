"""Whether the broker carries a message: sent and received, not a flag that says connected."""

import socket
import ssl
import threading
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from hub.adapters.mqtt_inbox import BrokerAddress

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
    SWALLOWED = auto()
    """Taken and not given back: mosquitto drops what its access rules forbid in silence."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How, and in the library's words why."""

    trip: Trip
    detail: str = ""


def round_trip(address: BrokerAddress, client_id: str, ca_file: str, within_s: float) -> Ended:
    """Publish by QoS 1 on a topic of the hub's own and wait until it is back. The session ends with the connection."""
    traveller = _Traveller(client_id)
    client = traveller.client
    client.connect_timeout = within_s / 2
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
        traveller.ended.wait(within_s / 2)
    finally:
        client.disconnect()
        client.loop_stop()
    return traveller.outcome


class _Traveller:
    """One client for one message."""

    def __init__(self, client_id: str) -> None:
        self.topic = PING + client_id
        self.ended = threading.Event()
        self.outcome = Ended(Trip.SILENT)
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        self.client.on_connect = self._connected
        self.client.on_subscribe = self._subscribed
        self.client.on_message = self._received

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _props: Any) -> None:
        if reason.is_failure:
            self._end(Ended(Trip.REFUSED, str(reason)))
            return
        self.outcome = Ended(Trip.SWALLOWED)
        client.subscribe(self.topic, qos=1)

    def _subscribed(self, client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _props: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._end(Ended(Trip.SWALLOWED, "the subscription was refused"))
        else:
            client.publish(self.topic, b"", qos=1)

    def _received(self, _client: paho.Client, _data: Any, _message: paho.MQTTMessage) -> None:
        self._end(Ended(Trip.BACK))

    def _end(self, outcome: Ended) -> None:
        self.outcome = outcome
        self.ended.set()
