"""``rpmhub demo``: everything on this machine, simulated homes, no account. Wiring only."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from hub.adapters.clock import SystemClock, SystemIds
from hub.adapters.log_lines import start_logging
from hub.adapters.processes import Program, Supervisor
from hub.adapters.secret_files import secret
from hub.bootstrap import DEMO, build_hub, make_data_dir, open_database
from hub.cli.context import until_told_to_stop
from hub.cli.roles import role_programs
from hub.services.demo_site import STORED_DAYS, Device, seed
from hub.settings import PREFIX, Settings, config_dir, load, save

GATEWAY_ID = "gdemo"
HOMES = 12
SETTINGS_FILE = "settings.toml"
"""In its data directory: RPMHUB_CONFIG may name it for other commands while the demo runs."""


@click.command()
@click.option("--fresh", is_flag=True, help="Start over: forget what the demo did before.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Where the demo keeps its data.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the pages; default 8080, or the next that is free."
)
@click.option("--seed", "chance", default=1, show_default=True, help="Same seed, same homes.")
def demo(fresh: bool, data: Path | None, port: int | None, chance: int) -> None:
    """Run everything here with simulated homes: invented patients, nobody is paged.

    The pages' phones stand for the staff's and the patients'. Ctrl-C stops everything; another run goes on where this
    one stopped.
    """
    directory = data or default_directory()
    if fresh:
        _forget(directory)
    make_data_dir(directory)
    _take(directory)
    logs = directory / "logs"
    logs.mkdir(exist_ok=True)
    start_logging("demo", logs / "demo.log")
    broker_port = _free_port()
    cast = tomllib.loads((config_dir() / "settings" / "demo.toml").read_text())
    wanted = _settings(cast, directory, _free_port(port, 1) if port else _free_port(8080), broker_port)
    stop = until_told_to_stop()
    open_database(wanted, DEMO, stop=stop)
    save(wanted, directory / SETTINGS_FILE)
    password = secret(directory, "demo-password", lambda: SystemIds().token()[:12])
    seed(build_hub(wanted, role="command"), cast, simulated_devices(chance), GATEWAY_ID, password)
    supervisor = Supervisor(_programs(wanted, directory, broker_port, chance), SystemClock(), _tell(logs))
    supervisor.start()
    _await_pages(wanted, stop)
    _greet(wanted, directory, cast["staff"][0]["login"], password)
    supervisor.run(stop)
    click.echo("\nStopped. Run it again to go on, or with --fresh to start over.")


def _settings(cast: Mapping[str, Any], directory: Path, http_port: int, broker_port: int) -> Settings:
    """The demo's settings. Of the environment's it takes none that reach the outside: no Twilio, no heartbeat."""
    theirs = {name: value for name, value in os.environ.items() if name in _TAKEN}
    given = load({f"{PREFIX}CLINIC_NAME": cast["clinic_name"]} | theirs)
    return msgspec.structs.replace(
        given,
        data_dir=str(directory),
        reserved_mb=0,  # a visitor's disk is not taken
        mqtt_url=f"mqtt://127.0.0.1:{broker_port}",
        http_host="127.0.0.1",
        http_port=http_port,
        clinic_zone=given.clinic_zone or _local_zone(),
        last_resort_phone=cast["last_resort_phone"],
    )


_TAKEN = frozenset(f"{PREFIX}{name}" for name in ("CLINIC_NAME", "CLINIC_ZONE", "PUBLIC_URL", "SITE_DIR"))


def _programs(wanted: Settings, directory: Path, broker_port: int, chance: int) -> list[Program]:
    logs = directory / "logs"
    environment = {f"{PREFIX}{name.upper()}": str(getattr(wanted, name)) for name in wanted.__struct_fields__}
    theirs = {
        "RPMHUB_GATEWAY_DATA_DIR": str(directory / "gateway"),
        "RPMHUB_GATEWAY_MQTT_URL": f"mqtt://{GATEWAY_ID}@127.0.0.1:{broker_port}",
        "RPMHUB_GATEWAY_SOURCE_MQTT_URL": f"mqtt://127.0.0.1:{broker_port}",
        "RPMHUB_GATEWAY_ZONE": wanted.clinic_zone,
        "RPMHUB_GATEWAY_RESEND_FIRST_S": "5",  # the embedded broker keeps nothing: the resend carries the demo
        "RPMHUB_GATEWAY_RECONNECT_MAX_S": "2",
        "RPMHUB_GATEWAY_BLE_IDLE_S": "1",  # simulated devices measure every few seconds, on a radio without delays
        "RPMHUB_GATEWAY_BLE_REST_S": "1",
        "RPMHUB_GATEWAY_STATUS_INTERVAL_S": "10",  # nobody looks at a demo's devices for a minute
    }
    broker = Program("broker", "hub.adapters.embedded_broker", (str(broker_port),), {}, logs / "broker.log")
    roles = [
        Program(role.name, role.module, role.arguments, environment, logs / f"{role.name}.log")
        for role in role_programs()
    ]
    simulate = ("run", "--simulate", str(HOMES), "--seed", str(chance), "--stored-days", str(STORED_DAYS))
    return [broker, *roles, Program("gateway", "device_gateway", simulate, theirs, logs / "gateway.log")]


def simulated_devices(chance: int) -> list[Device]:
    """What is in the homes the simulator will play, asked of the other program: nothing is imported across."""
    command = [sys.executable, "-P", "-m", "device_gateway", "simulate", "--list", "--json"]
    command += ["--homes", str(HOMES), "--seed", str(chance)]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    return msgspec.json.decode(listed.stdout, type=list[Device])


def _await_pages(wanted: Settings, stop: threading.Event) -> None:
    """Greet nobody at a door that is still shut: return when the pages answer, or after a while all the same."""
    for _ in range(150):
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((wanted.http_host, wanted.http_port)) == 0 or stop.wait(0.1):
                return


def _tell(logs: Path) -> Callable[[str], object]:
    return lambda sentence: click.echo(f"  {sentence} Its log is in {logs}.")


def _greet(wanted: Settings, directory: Path, login: str, password: str) -> None:
    click.echo(
        f"""
  DEMO: invented patients, nobody is paged.

  Worklist  {wanted.address}/
  Phones    {wanted.address}/phones   what everybody's phones show; answer there as they would
  Sign in   {login} / {password}

  Escalation runs 20 times faster here. The first red alert comes within half a minute.
  Data and logs: {directory}
  Ctrl-C stops everything.
"""
    )


def _forget(directory: Path) -> None:
    """Delete a demo's data, and only a demo's: the directory must carry its mark or be empty."""
    if not directory.exists():
        return
    if any(directory.iterdir()) and not (directory / "secrets" / "demo-password").exists():
        raise click.ClickException(f"{directory} holds something else than a demo's data; nothing was deleted.")
    _take(directory)
    shutil.rmtree(directory)


def _take(directory: Path) -> None:
    """Be the only demo there until this process ends: two would page twice, and --fresh delete what the other uses."""
    mark = os.open(directory / "running", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(mark)
        raise click.ClickException(f"A demo runs in {directory}: stop it, or name another with --data.") from error


def default_directory() -> Path:
    """Where the demo keeps its data unless it is told."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "rpmhub-demo"


def _local_zone() -> str:
    """This machine's IANA zone, where it says which: an invented clinic keeps the visitor's time."""
    target = Path("/etc/localtime")
    parts = str(target.resolve()).partition("zoneinfo/")
    return parts[2] or "UTC"


def _free_port(preferred: int = 0, tries: int = 50) -> int:
    """``preferred`` or one of the ``tries`` from there on that is free; any free one for 0."""
    for port in range(preferred, preferred + tries) if preferred else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the pages do: a demo may just have ended
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    taken = f"port {preferred} is taken" if tries == 1 else f"no port is free from {preferred} on"
    raise click.ClickException(f"{taken}; name another with --port")
