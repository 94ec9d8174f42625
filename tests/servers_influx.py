"""A real InfluxDB for tests, in a directory and on ports of its own: Debian's 1.6.7 behind nginx.

1.6.7 has the storage engine and InfluxQL, and is written to by ``/write`` with a name and a password. The nginx before
it takes ``/api/v2/write`` and a token, which is what clients of 2.x send, and hands both on in 1.6.7's own way.
"""

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import free_port, stand_still, wait_for_port

TOKEN, ORG, BUCKET = "test-token", "clinic", "rpm"
_USER, _PASSWORD = "hub", "test-password"
_BASIC = base64.b64encode(f"{_USER}:{_PASSWORD}".encode()).decode()
_READY_S = 20.0
_POLL_S = 0.02
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

_CONFIG = """reporting-disabled = true
bind-address = "127.0.0.1:{backup}"
[meta]
  dir = "{directory}/meta"
[data]
  dir = "{directory}/data"
  wal-dir = "{directory}/wal"
  wal-fsync-delay = "0s"
  index-version = "tsi1"
  query-log-enabled = false
  max-values-per-tag = 0
  max-series-per-database = 0
[http]
  bind-address = "127.0.0.1:{engine}"
  auth-enabled = true
  log-enabled = false
  max-row-limit = 0
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
"""

_NGINX = """worker_processes 1; daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.log;
{user}
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 64m; client_body_temp_path {directory}/n1; proxy_temp_path {directory}/n2;
  fastcgi_temp_path {directory}/n3; uwsgi_temp_path {directory}/n4; scgi_temp_path {directory}/n5;
  upstream engine {{ server 127.0.0.1:{engine}; keepalive 8; }}
  map $arg_bucket $db {{ default ""; "~*^(?<d>[^/%]+)" $d; }}
  map $arg_bucket $rp {{ default ""; "~*^[^/%]+(?:/|%2F)(?<r>[^/%]+)$" $r; }}
  map $arg_precision $unit {{ default "n"; "us" "u"; "ms" "ms"; "s" "s"; }}
  map $http_authorization $as {{ default ""; "Token {token}" "Basic {basic}"; }}
  server {{
    listen 127.0.0.1:{front}; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Authorization $as;
    location = /api/v2/write {{ rewrite ^ /write?db=$db&rp=$rp&precision=$unit? break; proxy_pass http://engine; }}
    location = /ping {{ proxy_pass http://engine; }}
    location = /query {{ proxy_pass http://engine; }}
  }}
}}
"""


@dataclass
class InfluxDB:
    """``kill`` is a crash of the engine, ``stop`` its clean end, ``freeze`` a machine that hangs."""

    directory: Path
    engine: int
    front: int
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _nginx: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def url(self, bucket: str = BUCKET, token: str = TOKEN) -> str:
        """What ``RPMHUB_SERIES_URL`` says."""
        return f"influxdb+http://{token}@127.0.0.1:{self.front}/{ORG}/{bucket}"

    def start(self) -> None:
        """Returns when the engine takes questions."""
        config = self.directory / "influxdb.conf"
        config.write_text(_CONFIG.format(directory=self.directory, engine=self.engine, backup=free_port()))
        with (self.directory / "influxd.log").open("ab") as output:
            command = [_program("influxd"), "-config", str(config)]
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        wait_for_port(self.engine, self._process)
        self._wait_until_ready()

    def begin(self) -> None:
        """Its first start, with nginx before it and a user."""
        self.start()
        self.do(f"CREATE USER {_USER} WITH PASSWORD '{_PASSWORD}' WITH ALL PRIVILEGES")
        self.create(BUCKET)
        config = self.directory / "nginx.conf"
        values = {"directory": self.directory, "engine": self.engine, "front": self.front, "token": TOKEN}
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(_NGINX.format(**values, basic=_BASIC, user=user))
        command = [_program("nginx"), "-p", str(self.directory), "-c", str(config), "-e", str(self.directory / "n.log")]
        self._nginx = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.front, self._nginx)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Connections stay open and are not answered."""
        if self._process is not None:
            stand_still(self._process.pid)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Both programs."""
        self.thaw()
        self.kill()
        if self._nginx is not None:
            self._nginx.terminate()
            self._nginx.wait()

    def create(self, bucket: str) -> str:
        """A new, empty bucket; its URL for the hub."""
        self.do(f'CREATE DATABASE "{bucket}"')
        return self.url(bucket)

    def drop(self, bucket: str) -> None:
        self.do(f'DROP DATABASE "{bucket}"')

    def do(self, statement: str, bucket: str = "") -> str:
        """Straight to the engine; what it answers, as JSON."""
        fields = urllib.parse.urlencode({"q": statement, "db": bucket})
        asked = urllib.request.Request(f"{self._address}/query", fields.encode(), {"Authorization": f"Basic {_BASIC}"})  # noqa: S310
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
            return str(answer.read().decode())

    @property
    def _address(self) -> str:
        return f"http://127.0.0.1:{self.engine}"

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def _wait_until_ready(self) -> None:
        tick = threading.Event()
        for _ in range(round(_READY_S / _POLL_S)):
            with (
                contextlib.suppress(urllib.error.URLError, OSError),
                urllib.request.urlopen(f"{self._address}/ping", timeout=2),  # noqa: S310
            ):
                return
            tick.wait(_POLL_S)
        raise TimeoutError("InfluxDB does not answer")


@contextlib.contextmanager
def influxdb() -> Iterator[InfluxDB]:
    """A running server with the bucket ``rpm``."""
    directory = Path(tempfile.mkdtemp(prefix="rpmhub-influxdb-"))
    server = InfluxDB(directory, free_port(), free_port())
    try:
        server.begin()
        yield server
    finally:
        server.end()
        shutil.rmtree(directory)


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; tests/run installs it")
    return found
