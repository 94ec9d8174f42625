"""Secrets made at first start, so that no default secret exists."""

import os
from collections.abc import Callable
from pathlib import Path


def secret(data_dir: Path, name: str, make: Callable[[], str]) -> str:
    """The secret ``name``; made by ``make`` and kept (0600) the first time it is asked for."""
    directory = data_dir / "secrets"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(made := make())
        file.flush()
        os.fsync(file.fileno())
    return made
