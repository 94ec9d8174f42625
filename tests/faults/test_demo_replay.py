"""A recording replayed in the demo that runs: the command finds the demo by itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_demo_stops import FIRST_RED_S, ROOT, ask, comes_true, demo, red_alerts

RECORDING = (
    "time,metric,value,unit\n2015-06-06 08:00:00,oxygen_saturation,84,%\n2015-06-06 08:05:00,oxygen_saturation,97,%\n"
)


@pytest.mark.timeout(120)
def test_the_demo_replays_and_its_own_alerts_go_on(tmp_path: Path) -> None:
    directory, file = tmp_path / "demo", tmp_path / "recording.csv"
    file.write_text(RECORDING)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RPMHUB_")}
    command = [sys.executable, "-P", "-m", "hub.cli", "replay", str(file), "--demo", "--data", str(directory)]
    with demo(directory):
        assert comes_true(lambda: red_alerts(directory) > 0, FIRST_RED_S)
        said = subprocess.run(
            [*command, "--patient", "1", "--json"],
            env={**ours, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
        assert json.loads(said.stdout)["outcome"]["answered"] == {"stored": 2}
        assert ask(directory, "SELECT rule, retrospective, alert_id FROM finding WHERE replayed = 1") == {
            ("oxygen-low", 1, None)
        }
