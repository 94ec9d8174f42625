"""A place in a program where it dies, once."""

import os
import signal
from pathlib import Path


def die_once(directory: Path) -> None:
    """Kill this process with -9, unless a process was killed here before."""
    mark = directory / "died"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
