"""Brokers that refuse subscriptions: mosquitto by its plugin. What an access file forbids it grants, and drops.

And one that ends the connection instead, as some do with MQTT 3.1.1: a mosquitto behind ``Cutting``.
"""

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from socket import SHUT_RDWR, create_connection, socket

from hub.adapters.mosquitto_files import hash_password

PLUGIN = "mosquitto_dynamic_security.so"
CONTROL = "$CONTROL/dynamic-security/v1"
"""Where it is told to change its rules. Anybody may."""

GRANT_ALL = json.dumps(
    {"commands": [{"command": "setDefaultACLAccess", "acls": [{"acltype": "subscribe", "allow": True}]}]}
).encode()
"""A change for which it ends no connection."""


def granting(folder: Path, topics: Iterable[str], users: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Lines of its configuration. These topics are granted; publishing is free. ``users``: their passwords."""
    (plugin,) = Path("/usr/lib").glob(f"*/{PLUGIN}")
    free = [("publishClientSend", "#"), ("publishClientReceive", "#"), ("publishClientSend", CONTROL)]
    granted = [*free, *(("subscribePattern", topic) for topic in topics)]
    roles = [{"rolename": "any"}]
    rules = folder / "rules.json"
    document = {
        "defaultACLAccess": {"subscribe": False, "unsubscribe": True},
        "clients": [_client(user, password, roles) for user, password in (users or {}).items()],
        "groups": [{"groupname": "anybody", "roles": roles}],
        "anonymousGroup": "anybody",
        "roles": [
            {"rolename": "any", "acls": [{"acltype": kind, "topic": topic, "allow": True} for kind, topic in granted]}
        ],
    }
    rules.write_text(json.dumps(document))
    return (f"plugin {plugin}", f"plugin_opt_config_file {rules}")


SUBSCRIBE = 0x82
"""The first byte of what a client sends as soon as it is let in."""


class Cutting(socketserver.ThreadingTCPServer):
    """Stands before a broker and ends each connection that subscribes, unless it ``grants``."""

    daemon_threads = True

    def __init__(self, behind: int) -> None:
        super().__init__(("127.0.0.1", 0), _Relayed)
        self.behind = behind
        self.grants = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Relayed(socketserver.BaseRequestHandler):
    server: Cutting
    request: socket

    def handle(self) -> None:
        with create_connection(("127.0.0.1", self.server.behind)) as broker:
            threading.Thread(target=_copy, args=(broker, self.request), daemon=True).start()
            while (some := self.request.recv(65536)) and (some[0] != SUBSCRIBE or self.server.grants.is_set()):
                broker.sendall(some)
            with contextlib.suppress(OSError):
                broker.shutdown(SHUT_RDWR)


def _copy(source: socket, target: socket) -> None:
    with contextlib.suppress(OSError):
        while some := source.recv(65536):
            target.sendall(some)


@contextlib.contextmanager
def cutting(behind: int) -> Iterator[Cutting]:
    """One before the broker on this port."""
    with Cutting(behind) as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield made
        made.shutdown()


def _client(user: str, password: str, roles: object) -> dict[str, object]:
    salt = b"twelve bytes"  # as it asks for
    _, _, iterations, encoded, stretched = hash_password(password, salt).split("$")
    secret = {"password": stretched, "salt": encoded, "iterations": int(iterations)}
    return {"username": user, "roles": roles, **secret}
