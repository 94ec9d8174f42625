"""Real servers for tests, on free ports of this machine, each gone when its context ends."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
_READY_S = 10.0
_POLL_S = 0.02


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stand_still(process: int) -> None:
    """Stops it, and returns when none of its threads runs any more: the signal alone is sent, not yet obeyed."""
    os.kill(process, signal.SIGSTOP)
    tick = threading.Event()
    for _ in range(round(_READY_S / _POLL_S)):
        with contextlib.suppress(FileNotFoundError):  # a thread ended while it was read
            stats = [task.read_text() for task in Path(f"/proc/{process}/task").glob("*/stat")]
            if {stat.rpartition(")")[2].split()[0] for stat in stats} <= {"T", "Z"}:
                return
        tick.wait(_POLL_S)
    raise TimeoutError(f"process {process} does not stop")


@dataclass
class Mosquitto:
    """A mosquitto with persistence; `kill` is a crash, `stop` a clean end, `wipe` loses its store."""

    directory: Path
    port: int
    settings: tuple[str, ...] = ()
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def url(self, user: str = "gw-1") -> str:
        """Where a client finds it; any password does."""
        return f"mqtt://{user}:any@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when the port answers."""
        config = self.directory / "mosquitto.conf"
        config.write_text("\n".join(self._lines()) + "\n")
        with (self.directory / "mosquitto.log").open("ab") as output:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stdout=output, stderr=output)
        wait_for_port(self.port, self._process)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def freeze(self) -> None:
        """Connections stay open and are not answered."""
        if self._process is not None:
            stand_still(self._process.pid)

    def reload(self) -> None:
        """Its password and access files are read again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def wipe(self) -> None:
        (self.directory / "mosquitto.db").unlink(missing_ok=True)

    def _lines(self) -> tuple[str, ...]:
        return (
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {self.directory}/",
            "autosave_interval 30",
            "max_inflight_messages 2000",
            "max_queued_messages 100000",
            "max_queued_bytes 0",
            "set_tcp_nodelay true",
            *self.settings,
        )


@contextlib.contextmanager
def mosquitto(directory: Path, *settings: str) -> Iterator[Mosquitto]:
    """A running broker whose files are in `directory`; `settings` are further lines of its configuration."""
    directory.mkdir(parents=True, exist_ok=True)
    # A broker started as root gives up its rights, and could then no longer write into the test's directory.
    broker = Mosquitto(directory, free_port(), ("user root", *settings) if _is_root() else settings)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Until something listens there. Fails when the process ends before."""
    for _ in range(round(_READY_S / _POLL_S)):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return
        try:
            code = process.wait(timeout=_POLL_S)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError(f"the server ended with {code} before it listened on {port}")
    raise TimeoutError(f"nothing listens on {port}")


def _is_root() -> bool:
    return Path("/").owner() == Path("/proc/self").owner()
