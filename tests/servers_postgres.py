"""A real PostgreSQL for tests, in a directory and on a port of its own. No cluster of the system is looked at.

PostgreSQL does not run as root: its files and its processes then belong to the user ``postgres`` of Debian's package.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers import free_port, stand_still, wait_for_port

MAJOR = 15
"""The oldest that the hub is made for."""

INSTALLED = Path("/usr/lib/postgresql")
_READY_S = 20.0
_POLL_S = 0.02
_QUICK = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


def programs() -> Path:
    """Where the programs of the newest installed PostgreSQL are: Debian keeps them off the path."""
    majors = [int(found.parent.parent.name) for found in INSTALLED.glob("*/bin/initdb") if _major(found) >= MAJOR]
    if not majors:
        raise FileNotFoundError(f"no PostgreSQL {MAJOR} or later under {INSTALLED}; tests/run installs one")
    return INSTALLED / str(max(majors)) / "bin"


@dataclass
class PostgreSQL:
    """A server whose ``stop`` may be a crash (``immediate``), and whose ``freeze`` is a machine that hangs."""

    directory: Path
    port: int
    settings: tuple[str, ...] = ()
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def url(self, database: str = "postgres") -> str:
        """A SQLAlchemy URL of one of its databases."""
        return f"postgresql://hub@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Make its files. The superuser is ``hub``; whoever reaches the port may be that."""
        command = [str(programs() / "initdb"), "-D", str(self._data), "-U", "hub", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*command, "--locale=C.UTF-8", "--no-sync"], check=True, stdout=subprocess.DEVNULL, **_as_whom())
        with (self._data / "postgresql.conf").open("a") as config:
            config.write("\n".join(self._lines()) + "\n")

    def start(self) -> None:
        """Returns when it takes questions, recovery included."""
        with (self.directory / "postgresql.log").open("ab") as output:
            command = [str(programs() / "postgres"), "-D", str(self._data)]
            self._process = subprocess.Popen(command, stdout=output, stderr=output, **_as_whom())
        wait_for_port(self.port, self._process)
        self._wait_until_ready()

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT ends it at once, without a checkpoint (``immediate``); SIGINT ends it in order, SIGKILL kills it."""
        if self._process is not None:
            children = self._children()
            self._process.send_signal(how)
            self._process.wait()
            self._wait_until_gone(children)
            self._process = None

    def freeze(self) -> None:
        """Every one of its processes stands still; connections stay open and are not answered."""
        self._each(stand_still)

    def thaw(self) -> None:
        self._each(lambda process: os.kill(process, signal.SIGCONT))

    def create(self, database: str, template: str = "template1") -> str:
        """A new database, empty or as ``template`` is; its URL. Nobody may be connected to the template."""
        names = sql.Identifier(database), sql.Identifier(template)
        self._do(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(*names))
        return self.url(database)

    def drop(self, database: str) -> None:
        """Away with it, whoever is connected."""
        self._do(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _lines(self) -> tuple[str, ...]:
        return (
            f"port = {self.port}",
            "listen_addresses = '127.0.0.1'",
            "unix_socket_directories = ''",
            "max_connections = 60",
            "shared_buffers = 32MB",
            "max_wal_size = 256MB",
            *self.settings,
        )

    def _do(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def _wait_until_ready(self) -> None:
        tick = threading.Event()
        for _ in range(round(_READY_S / _POLL_S)):
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url(), connect_timeout=2):
                return
            tick.wait(_POLL_S)
        raise TimeoutError("PostgreSQL does not take connections")

    def _children(self) -> list[int]:
        """Its processes beside the first, which each lead a session of their own."""
        if self._process is None:
            return []
        return [
            int(pid) for pid in Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        ]

    def _each(self, act: Callable[[int], None]) -> None:
        if self._process is not None:
            act(self._process.pid)
            for child in self._children():
                with contextlib.suppress(ProcessLookupError):
                    act(child)

    def _wait_until_gone(self, pids: list[int]) -> None:
        """A crash leaves its children a moment longer, and they hold the files."""
        tick = threading.Event()
        for _ in range(round(_READY_S / _POLL_S)):
            if not any(Path(f"/proc/{pid}").exists() for pid in pids):
                return
            tick.wait(_POLL_S)
        raise TimeoutError("processes of PostgreSQL outlive it")


@contextlib.contextmanager
def postgresql(*settings: str, durable: bool = False) -> Iterator[PostgreSQL]:
    """A running server; ``settings`` are lines of its configuration. Unless ``durable`` a crash may lose rows."""
    directory = Path(tempfile.mkdtemp(prefix="rpmhub-postgresql-"))
    server = PostgreSQL(directory, free_port(), settings if durable else (*_QUICK, *settings))
    try:
        if _is_root():
            shutil.chown(directory, "postgres", "postgres")
        server.initialise()
        server.start()
        yield server
    finally:
        server.thaw()
        server.stop()
        shutil.rmtree(directory)


def _as_whom() -> dict[str, str]:
    return {"user": "postgres", "group": "postgres", "cwd": "/"} if _is_root() else {}


def _is_root() -> bool:
    return os.geteuid() == 0


def _major(initdb: Path) -> int:
    name = initdb.parent.parent.name
    return int(name) if name.isdigit() else 0
