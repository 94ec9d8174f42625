"""Whether the hub can do its work, and what is missing if not."""

from datetime import datetime, timedelta

from dashboards.viewmodels import times
from hub.services.views.running import Running

SILENT = timedelta(seconds=60)
NEEDED = ("ingest", "worker")


def missing(running: Running, now: datetime) -> list[str]:
    """A sentence for each part that is missing; empty when ready."""
    newest: dict[str, datetime] = {}
    for beat in running.beats:
        newest[beat.role] = max(beat.at, newest.get(beat.role, beat.at))
    sentences = []
    for role in NEEDED:
        if role not in newest:
            sentences.append(f"{role} has never been heard")
        elif now - newest[role] > SILENT:
            sentences.append(f"{role} has been silent for {times.span(now - newest[role])}")
    cut = any(beat.role == "ingest" and beat.detail.get("broker") is False for beat in running.beats)
    return [*sentences, "ingest is not connected to the broker"] if cut else sentences
