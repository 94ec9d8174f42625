"""The checkout as these tests see it."""

import os
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
        for place, inner, names in os.walk(ROOT / folder):
            inner[:] = sorted(one for one in inner if one not in LEFT_BEHIND and not one.endswith("_cache"))
            yield from (Path(place) / one for one in sorted(names))


def sources() -> list[Path]:
    return [path for path in files(*PACKAGES) if path.suffix == ".py"]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
