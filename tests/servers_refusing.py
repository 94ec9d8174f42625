"""A mosquitto that refuses subscriptions, by its own plugin: what an access file forbids it grants, and drops."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

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


def _client(user: str, password: str, roles: object) -> dict[str, object]:
    salt = b"twelve bytes"  # as it asks for
    _, _, iterations, encoded, stretched = hash_password(password, salt).split("$")
    secret = {"password": stretched, "salt": encoded, "iterations": int(iterations)}
    return {"username": user, "roles": roles, **secret}
