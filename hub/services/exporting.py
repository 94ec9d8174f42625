"""An export is an act: it is written down before the first reading leaves, and with what left once it has."""

from collections.abc import Sequence
from datetime import datetime

from hub.services.hub import OPERATORS, Actor, Hub, require


def begun(
    hub: Hub,
    actor: Actor,
    kind: str,
    patients: Sequence[int],
    metrics: Sequence[str],
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Who exports what. Raises ``NotPermitted``."""
    detail: dict[str, object] = {
        "format": kind,
        "patients": list(patients),
        "metrics": list(metrics),
        "since": since,
        "until": until,
    }
    _write(hub, actor, "series.export", detail)


def ended(hub: Hub, actor: Actor, rows: int, sha256: str) -> None:
    """How much left, and the digest by which the file is known again."""
    _write(hub, actor, "series.exported", {"rows": rows, "sha256": sha256})


def _write(hub: Hub, actor: Actor, act: str, detail: dict[str, object]) -> None:
    require(actor, OPERATORS)
    with hub.unit_of_work() as uow:
        uow.audit.write(hub.clock.now(), actor.name, act, "series", detail)
        uow.commit()
