"""Whether the hub can do its work, and what is missing if not."""

from datetime import datetime, timedelta

from dashboards.viewmodels import times
from hub.services.ingest.hearing import deaf
from hub.services.ingest.shard import silent
from hub.services.views.running import Beat, Running

SILENT = timedelta(seconds=60)
NEEDED = ("ingest", "worker", "sender")


def missing(running: Running, now: datetime) -> list[str]:
    """A sentence for each part that is missing; empty when ready."""
    newest: dict[str, Beat] = {}
    for beat in sorted(running.beats, key=lambda beat: beat.at):
        newest[beat.role] = beat
    sentences = []
    for role in NEEDED:
        if role not in newest:
            sentences.append(f"{role} has never been heard")
        elif now - newest[role].at > SILENT:
            sentences.append(f"{role} has been silent for {times.span(now - newest[role].at)}")
        elif role == "ingest":
            sentences += _of_ingest(newest[role])
            sentences += [f"ingest {part} is silent" for part in silent(running.beats, now, SILENT)]
    return sentences


def _of_ingest(beat: Beat) -> list[str]:
    """What ingest itself says; of a silent one nothing is known but its silence."""
    said = []
    if beat.detail.get("connected") is False and (unheard := deaf(beat.detail)):
        said.append(f"ingest {unheard.what}")
    if beat.detail.get("holding") is True:
        said.append("ingest holds what comes")
    if beat.detail.get("full") is True:
        said.append("the disk is full: ingest takes no reading")
    return said
