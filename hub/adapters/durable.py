"""What must outlive a power cut is on the disk only once it was synced: a file's bytes, and a name in its folder."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Return when the file, or the names in the folder, at ``path`` are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
