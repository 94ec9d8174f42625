"""Secrets made at first start, so that no default secret exists."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from hub.errors import WrongSetting


def secret(data_dir: Path, name: str, make: Callable[[], str]) -> str:
    """The secret ``name``; made by ``make`` and kept (0600) the first time it is asked for."""
    directory = data_dir / "secrets"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / name
    if not path.exists():
        _make(path, make())
    kept = path.read_text().strip()
    if not kept:
        raise WrongSetting(f"The secret in {path} is empty. Delete the file and start again.")
    return kept


def kept(data_dir: Path, name: str) -> str | None:
    """The secret ``name``, or None where it was not made yet: asking makes none."""
    path = data_dir / "secrets" / name
    return path.read_text().strip() if path.exists() else None


def _make(path: Path, value: str) -> None:
    """Whole or not at all, and never over one that another process made meanwhile."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(new, path)
    new.unlink()
