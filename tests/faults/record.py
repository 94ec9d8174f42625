"""The figures of a run by count: one line for people, and on demand a row in the repository.

With ``FAULT_RECORD=1`` the row is appended to ``results/NAME.json``, where the runs of record stand.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

from hub.adapters.clock import SystemClock

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = Path(__file__).parent / "results"
CLOCK: Final = SystemClock()


def count_of(name: str, default: int) -> int:
    """How many trials the environment asks for."""
    return int(os.environ.get(name, str(default)))


def record(name: str, *, trials: int, lost: int, doubled: int, began: float, **more: Any) -> None:
    """Tell the figures. ``trials`` are the faults that took place; ``began`` is on the monotonic clock.

    With nothing lost or doubled in N faults the true rate is below 3/N, at 95 % confidence.
    """
    bound = f"below 3/{trials} = {3 / trials:.4f} a fault" if not (lost or doubled) else "none"
    figures = {"trials": trials, "lost": lost, "doubled": doubled, "bound": bound}
    row = {
        "date": CLOCK.now().isoformat(timespec="seconds"),
        "commit": _commit(),
        **figures,
        "seconds": round(CLOCK.monotonic() - began, 1),
        **more,
    }
    print(f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in row.items() if key not in {"date", "commit"}))
    if os.environ.get("FAULT_RECORD"):
        _append(RESULTS / f"{name}.json", row)


def _append(file: Path, row: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    rows = json.loads(file.read_text()) if file.exists() else []
    file.write_text("[\n" + ",\n".join(json.dumps(one) for one in [*rows, row]) + "\n]\n")


def _commit() -> str:
    """The commit that was tested; a copy without a history has none."""
    told = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip()
