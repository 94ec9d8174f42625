"""Whether the hub's roles and its gateways are at work."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from hub.services.checkup.finding import Finding, fine, must, should
from hub.services.engine.gateways import CLOCK_OFF, OFFLINE_FOR, SILENT_FOR
from hub.services.ingest.hearing import deaf
from hub.services.ingest.shard import silent
from hub.services.ports.devices import GatewayRow
from hub.services.ports.operations import Heartbeat

BEAT_WITHIN = timedelta(seconds=60)
ROLES = {
    "ingest": "No reading is stored or judged.",
    "worker": "Nothing is escalated, and nobody is paged.",
    "sender": "What is written for a phone does not leave.",
}
START = "systemctl restart rpmhub, or rpmhub up"


def roles(beats: Sequence[Heartbeat], now: datetime) -> Iterator[Finding]:
    """Signs of life. A hub that does not run at all is not broken: it is to be started."""
    alive = {beat.role: beat for beat in sorted(beats, key=lambda beat: beat.at) if now - beat.at < BEAT_WITHIN}
    if not alive.keys() & ROLES.keys():
        yield should("The hub does not run.", "Nothing is stored, judged or escalated until it does.", START)
        return
    for role, harm in ROLES.items():
        if role in alive:
            age = max((now - alive[role].at).total_seconds(), 0)
            yield fine(f"{role} runs; its last sign of life is {age:.0f} s old.")
        else:
            yield must(f"{role} gives no sign of life, while the rest of the hub runs.", harm, START)
    for part in silent(beats, now, BEAT_WITHIN):
        yield must(f"ingest {part} gives no sign of life.", "No reading of its gateways is stored or judged.", START)
    yield from _of_ingest(alive.get("ingest"))
    for role in ("worker", "sender"):
        yield from _of_ticks(role, alive.get(role))


def _of_ingest(beat: Heartbeat | None) -> Iterator[Finding]:
    if beat is not None and beat.detail.get("holding"):
        yield must("ingest fails on whatever comes, and holds it.", "No reading is judged.", "journalctl -u rpmhub")
    if beat is not None and beat.detail.get("full"):
        why = "No reading is stored or judged; they wait in the gateways."
        yield must("ingest takes nothing: the disk is full.", why, "Make room: what is reserved is made anew by itself")
    if beat is not None and (unheard := deaf(beat.detail)):
        yield must(f"ingest {unheard.what}.", f"{unheard.harm[0].upper()}{unheard.harm[1:]}.", unheard.mend)


def _of_ticks(role: str, beat: Heartbeat | None) -> Iterator[Finding]:
    failing = beat.detail.get("failing") if beat is not None else None
    if isinstance(failing, list) and failing:
        names = ", ".join(str(name) for name in failing)
        yield must(f"Parts of the {role} fail: {names}.", "Their duties wait.", "journalctl -u rpmhub")


def gateways(rows: Sequence[GatewayRow], now: datetime) -> Iterator[Finding]:
    """Each gateway in use. By its id: the name may be an address."""
    used = [row for row in rows if row.retired_at is None and not row.replays]
    if not used:
        yield should("No gateway is registered.", "No home can deliver.", "rpmhub gateway add NAME")
    wrong = [finding for row in used for finding in _gateway(row, now)]
    yield from wrong
    if used and not wrong:
        yield fine(f"Gateways in use: {len(used)}, all online.")


def _gateway(row: GatewayRow, now: datetime) -> Iterator[Finding]:
    look = "On its machine: rpmhub-gateway status"
    waiting = "What is measured there waits until it is back."
    if row.heard_at is None:
        yield should(
            f"Gateway {row.id} has never been heard.",
            "It is not installed, or its credential is wrong.",
            f"{look}; a new credential is loaded by systemctl reload mosquitto",
        )
    elif not row.online and row.online_changed_at is not None and now - row.online_changed_at >= OFFLINE_FOR:
        yield should(f"Gateway {row.id} is offline since {row.online_changed_at:%Y-%m-%d %H:%M} UTC.", waiting, look)
    elif now - row.heard_at >= SILENT_FOR:
        yield should(f"Gateway {row.id} was last heard {row.heard_at:%Y-%m-%d %H:%M} UTC.", waiting, look)
    if row.clock_offset_s is not None and abs(row.clock_offset_s) >= CLOCK_OFF.total_seconds():
        yield should(
            f"The clock of gateway {row.id} is off by {row.clock_offset_s:.0f} s.",
            "Devices without a clock are dated by it.",
            "On its machine: timedatectl set-ntp true",
        )
