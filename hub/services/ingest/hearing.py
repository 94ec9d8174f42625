"""Whether ingest hears the broker, by its heartbeat: on a session for fresh readings and on one for stored ones."""

from collections.abc import Mapping
from dataclasses import dataclass

FRESH, STORED = "fresh readings", "stored readings"
UNCONNECTED, REFUSED, UNHEARD = "unconnected", "refused", "unheard"
"""``REFUSED``: let in, and not let subscribe to what it should hear."""


@dataclass(frozen=True, slots=True)
class Deaf:
    """What is wrong, what comes of it, and what mends it. The first two go on from "ingest"."""

    what: str
    harm: str
    mend: str


def deaf(detail: Mapping[str, object]) -> Deaf | None:
    """What an ingest with this heartbeat does not hear; nothing if it hears all."""
    ailing = detail.get("ailing")
    each = ailing if isinstance(ailing, Mapping) else {}
    if unconnected := [name for name, what in each.items() if what == UNCONNECTED]:
        return _unconnected(unconnected)
    if refused := [name for name, what in each.items() if what == REFUSED]:
        return _refused(refused)
    if not detail.get("connected"):
        return _unconnected([])
    if unheard := [name for name, what in each.items() if what == UNHEARD]:
        return _unheard(unheard)
    return None


def _unconnected(names: list[str]) -> Deaf:
    return Deaf(
        f"has no connection to the broker{_of(names)}",
        f"{'they' if len(names) == 1 else 'readings'} wait in the gateways",
        "Mend what is said of the broker; ingest then connects by itself",
    )


def _refused(names: list[str]) -> Deaf:
    return Deaf(
        f"is refused a subscription by the broker{_of(names)}",
        "what is sent there is not heard",
        "Let the broker's access list allow the hub's user rpm/v1/+/up/live, status and backfill, and all of "
        "rpm/v1/rpmhub/ping/#; ingest asks again",
    )


def _unheard(names: list[str]) -> Deaf:
    return Deaf(
        f"hears nothing from the broker{_of(names)}, not even itself",
        "whether any come is not known",
        "Let the broker's access list allow the hub's user all of rpm/v1/rpmhub/ping/#",
    )


def _of(names: list[str]) -> str:
    return f" for {names[0]}" if len(names) == 1 else ""
