"""The checkout as these tests see it."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hub", "device_gateway", "dashboards")
VENDOR = ROOT / "dashboards" / "static" / "vendor"
LEFT_BEHIND = {"__pycache__", "node_modules"}


def files(*folders: str) -> Iterator[Path]:
    """Every file below the named folders, without what programs leave behind."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            passing = any(part in LEFT_BEHIND or part.endswith("_cache") for part in path.parts)
            if path.is_file() and not passing:
                yield path


def sources() -> list[Path]:
    return [path for path in files(*PACKAGES) if path.suffix == ".py"]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
