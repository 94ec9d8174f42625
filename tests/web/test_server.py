"""The web role as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.bootstrap import open_database
from hub.settings import load

ROOT = Path(__file__).resolve().parents[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = _free_port()
    ours = {"RPMHUB_DATA_DIR": str(tmp_path / "hub"), "RPMHUB_HTTP_PORT": str(port), "PYTHONPATH": str(ROOT)}
    open_database(load({name: value for name, value in ours.items() if name.startswith("RPMHUB_")}), "demo")
    environment = {"PATH": os.environ["PATH"], **ours}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "dashboards.wsgi"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    _wait(process, f"{address}/healthz")
    yield process, address
    if process.poll() is None:
        process.kill()
    process.communicate()


def _wait(process: subprocess.Popen[str], address: str) -> None:
    pause = threading.Event()
    for _ in range(400):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own server
        except OSError:
            assert process.poll() is None, process.communicate()[0]
            pause.wait(0.05)
        else:
            return
    pytest.fail("the server did not come up")


def test_it_serves_and_stops_in_time_and_logs_no_address(web: tuple[subprocess.Popen[str], str]) -> None:
    process, address = web
    with urllib.request.urlopen(f"{address}/sign-in?next=/a/K7Q2", timeout=5) as answer:  # noqa: S310
        assert "DEMO: invented patients" in answer.read().decode()
        assert answer.headers["Server"] in (None, "gunicorn")
    begun = time.monotonic()  # noqa: TID251 - what is measured here
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=10)
    assert time.monotonic() - begun < 3  # noqa: TID251
    assert process.returncode == 0
    assert "K7Q2" not in said
    assert "127.0.0.1" not in said


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "RPMHUB_HTTP_PROT": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "dashboards.wsgi"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "RPMHUB_HTTP_PROT" in done.stderr
    assert "Traceback" not in done.stderr
