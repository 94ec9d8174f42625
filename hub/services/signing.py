"""Protocols: a template becomes a copy in force when a named clinician signs it (SF21)."""

import hashlib

from hub.errors import Invalid, NotFound
from hub.services.hub import Actor, Hub, require


def sign_protocol(hub: Hub, actor: Actor, protocol_id: str, signed_by: str | None) -> int:
    """Copy the template into force; the copy's id. ``signed_by`` None leaves it unsigned, which only the demo may do.

    The copy is the template's canonical JSON with its SHA-256: a later release changes no patient's care.
    """
    require(actor, frozenset({"physician", "admin"}))
    if signed_by is None and not hub.site.demo:
        raise Invalid({"by": "name the clinician who signs"})
    if signed_by is not None and not signed_by.strip():
        raise Invalid({"by": "name the clinician who signs"})
    template = hub.templates().get(protocol_id)
    if template is None:
        known = ", ".join(sorted(hub.templates()))
        raise NotFound(f"no protocol {protocol_id}; known are {known}")
    body, protocol = template
    digest = hashlib.sha256(body).hexdigest()
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        version_id = uow.protocols.sign(
            protocol_id, protocol.version, protocol.title, body.decode(), digest, signed_by, now
        )
        detail = {"version": protocol.version, "sha256": digest, "signed_by": signed_by}
        uow.audit.write(now, actor.name, "protocol.sign", f"protocol:{protocol_id}", detail)
        uow.commit()
    return version_id


def is_current(hub: Hub, protocol_id: str) -> bool:
    """Whether the copy in force equals the template on disk."""
    body, _protocol = hub.templates()[protocol_id]
    with hub.unit_of_work() as uow:
        in_force = uow.protocols.current(protocol_id)
    return in_force is not None and in_force.sha256 == hashlib.sha256(body).hexdigest()
