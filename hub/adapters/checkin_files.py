"""Check-in templates from YAML files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.adapters.yaml_files import files_in, load_document
from hub.domain.checkin_template import parse_template
from hub.domain.checkins import CheckIn


@dataclass(frozen=True, slots=True)
class CheckInTemplate:
    """A check-in file: the document as read, which is what gets signed, and the check-in it describes."""

    path: Path
    document: dict[str, object]
    checkin: CheckIn


def load_checkins(directories: Sequence[Path]) -> dict[str, CheckInTemplate]:
    """Templates by id; a site's own directory goes first. ``BrokenProtocol`` names the file and the place in it."""
    return {path.stem: load_checkin(path) for path in files_in(directories)}


def load_checkin(path: Path) -> CheckInTemplate:
    """One file, checked; its name is the check-in's id."""
    document, checkin = load_document(path, parse_template)
    return CheckInTemplate(path, document, checkin)
