"""When a simulation began: its next run goes on with the same stories, and says of no record anything else."""

from datetime import datetime
from pathlib import Path
from typing import Final

from device_gateway.errors import SettingsError

FILE: Final = "simulated-since"


def beginning(directory: Path, now: datetime) -> datetime:
    """The instant of the first run with this data directory: `now` if this is the first. Raises SettingsError."""
    file = directory / FILE
    try:
        if file.exists():
            return _parse(file.read_text())
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(now.isoformat())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file}, which says when the simulation began, cannot be used: {error}.") from error
    return now


def _parse(text: str) -> datetime:
    began = datetime.fromisoformat(text.strip())
    if began.utcoffset() is None:
        raise ValueError("it names no offset from UTC")
    return began
