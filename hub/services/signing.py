"""A template becomes a copy in force when a named clinician signs it (SF21): a protocol, or a check-in."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from hub.errors import Invalid, NotFound
from hub.services.checkins.schedule import plan_everybody
from hub.services.hub import Actor, Hub, require
from hub.services.ports.storage import UnitOfWork

SIGNERS = frozenset({"physician", "admin"})


class _Signable(Protocol):
    """What a template says of itself."""

    @property
    def version(self) -> int: ...
    @property
    def title(self) -> str: ...


class _Copies(Protocol):
    """Where signed copies of its kind are kept."""

    def sign(
        self, name: str, version: int, title: str, body: str, sha256: str, signed_by: str | None, now: datetime, /
    ) -> int: ...


Templates = Mapping[str, tuple[bytes, _Signable]]


def sign_protocol(hub: Hub, actor: Actor, protocol_id: str, signed_by: str | None) -> int:
    """Copy the template into force; the copy's id. ``signed_by`` None leaves it unsigned, which only the demo may do.

    The copy is the template's canonical JSON with its SHA-256: a later release changes no patient's care.
    """
    _check(hub, actor, signed_by)
    template = _template("protocol", hub.templates(), protocol_id)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        version_id = _sign(uow, uow.protocols, actor, "protocol", protocol_id, template, signed_by, now)
        uow.commit()
    return version_id


def sign_checkin(hub: Hub, actor: Actor, checkin_id: str, signed_by: str | None) -> int:
    """The same for a check-in; from now on patients are asked by this copy, and conversations that go on by theirs."""
    _check(hub, actor, signed_by)
    template = _template("check-in", hub.checkin_templates(), checkin_id)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        version_id = _sign(uow, uow.checkins, actor, "checkin", checkin_id, template, signed_by, now)
        plan_everybody(uow, checkin_id, now)
        uow.commit()
    return version_id


def retire_checkin(hub: Hub, actor: Actor, checkin_id: str) -> None:
    """Ask it of nobody any more; whoever was just asked may still answer. Raises ``NotFound`` if none is in force."""
    require(actor, SIGNERS)
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        if not uow.checkins.retire(checkin_id, now):
            raise NotFound(f"no check-in {checkin_id} is in force")
        uow.checkins.forget_checkin(checkin_id)
        uow.audit.write(now, actor.name, "checkin.retire", f"checkin:{checkin_id}", {})
        uow.commit()


def is_current(hub: Hub, protocol_id: str) -> bool:
    """Whether the copy in force equals the template on disk."""
    with hub.unit_of_work() as uow:
        in_force = uow.protocols.current(protocol_id)
    return in_force is not None and in_force.sha256 == _digest(hub.templates()[protocol_id][0])


def is_checkin_current(hub: Hub, checkin_id: str) -> bool:
    """The same of a check-in."""
    with hub.unit_of_work() as uow:
        in_force = uow.checkins.current(checkin_id)
    return in_force is not None and in_force.sha256 == _digest(hub.checkin_templates()[checkin_id][0])


def _check(hub: Hub, actor: Actor, signed_by: str | None) -> None:
    require(actor, SIGNERS)
    if (signed_by is None and not hub.site.demo) or (signed_by is not None and not signed_by.strip()):
        raise Invalid({"by": "name the clinician who signs"})


def _template(kind: str, templates: Templates, name: str) -> tuple[bytes, _Signable]:
    template = templates.get(name)
    if template is None:
        raise NotFound(f"no {kind} {name}; known are {', '.join(sorted(templates))}")
    return template


def _sign(
    uow: UnitOfWork,
    copies: _Copies,
    actor: Actor,
    kind: str,
    name: str,
    template: tuple[bytes, _Signable],
    signed_by: str | None,
    now: datetime,
) -> int:
    body, described = template
    digest = _digest(body)
    version_id = copies.sign(name, described.version, described.title, body.decode(), digest, signed_by, now)
    detail = {"version": described.version, "sha256": digest, "signed_by": signed_by}
    uow.audit.write(now, actor.name, f"{kind}.sign", f"{kind}:{name}", detail)
    return version_id


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
