"""``rpmhub replay``: a recording through the gateway program and the wire, and what the rules found in it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from hub.adapters.clock import SystemIds
from hub.adapters.mosquitto_files import hash_password
from hub.adapters.secret_files import secret
from hub.bootstrap import build_hub
from hub.cli import context
from hub.cli.demo import SETTINGS_FILE, default_directory
from hub.cli.equipment import write_broker_files
from hub.errors import NotFound
from hub.services.hub import Hub
from hub.services.replaying import GATEWAY_ID, Recorded, check_replay, prepare, replay_gateway
from hub.services.views.replays import Outcome
from hub.settings import CONFIG, GATEWAY_PREFIX, PREFIX, Settings, load


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="FILE [OPTIONS]")
@click.option("--patient", "patient_id", required=True, type=int, metavar="ID", help="In production, a test patient.")
@click.option("--demo", "of_demo", is_flag=True, help="In the demo that runs here, not in the hub of the settings.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="With --demo: where it keeps its data.")
@context.json_option
def replay(arguments: tuple[str, ...], patient_id: int, of_demo: bool, data: Path | None, as_json: bool) -> None:
    """Replay the recording in a CSV FILE on a patient, and list what the rules find. Nobody is paged.

    The file has the columns time, metric, value and unit. What else it may look like is said by the options of
    `rpmhub gateway replay --help`, all of which this takes: for example --time T --value V --metric blood_glucose
    --unit mg/dL --where 'id=1' --profile cgm. Times are moved so that the last sample is now.
    """
    if "--check" in arguments:
        raise click.UsageError("What would be sent is said by rpmhub gateway replay FILE --check: this command sends.")
    settings = _demo_settings(data or default_directory()) if of_demo else context.settings()
    hub = build_hub(settings, role="command")
    check_replay(hub, patient_id)
    _await_broker(settings, "Start the demo: rpmhub demo." if of_demo else "Start it, and see RPMHUB_MQTT_URL.")
    arguments = (*arguments, "--device", f"{GATEWAY_ID}-{patient_id}", "--json")
    tape = _gateway_program(arguments, "--check")
    password = _credential(settings, hub)
    prepare(hub, context.COMMAND_LINE, patient_id, [_recorded(row) for row in tape["devices"]])
    with hub.reads() as reads:
        marks = reads.replay_marks(GATEWAY_ID)
    _gateway_program(arguments, "--until", tape["until"], environment=_environment(settings, password))
    with hub.reads() as reads:
        outcome = reads.replayed(patient_id, GATEWAY_ID, marks)
    if as_json:
        click.echo(json.dumps({"recording": tape, "outcome": msgspec.to_builtins(outcome)}, indent=2))
    else:
        _tell(tape, outcome, f"{settings.address}/patients/{patient_id}")
    if any(words.startswith("rejected") for words in outcome.answered):
        raise click.ClickException("The hub rejected readings of it; they are kept in quarantine, with the reason.")


def _demo_settings(directory: Path) -> Settings:
    file = directory / SETTINGS_FILE
    if not file.exists():
        raise NotFound(f"no demo has run in {directory}: start it with rpmhub demo")
    return load({f"{PREFIX}{CONFIG.upper()}": str(file)})


def _await_broker(settings: Settings, mend: str) -> None:
    """Before anything is written: without a broker nothing of it would arrive."""
    where = settings.broker.host, settings.broker.port
    try:
        socket.create_connection(where, timeout=5).close()
    except OSError as error:
        raise click.ClickException(f"The broker at {where[0]}:{where[1]} does not answer. {mend}") from error


def _credential(settings: Settings, hub: Hub) -> str:
    """The replay gateway's password, made the first time; the broker's files then name the gateway."""
    password = secret(settings.data, "mqtt-replay-password", SystemIds().token)
    credential = hash_password(password, GATEWAY_ID.encode().ljust(12, b"."))
    if replay_gateway(hub, context.COMMAND_LINE, credential) and not hub.site.demo:
        write_broker_files(settings, hub)
        click.echo(f"Reload mosquitto: its files in {settings.data / 'broker'} are new.", err=True)
    return password


def _environment(settings: Settings, password: str) -> dict[str, str]:
    """The gateway program's settings: its own spool and credential, and nothing of a gateway beside it."""
    broker = settings.broker
    scheme = "mqtts" if broker.tls else "mqtt"
    theirs = {
        "DATA_DIR": str(settings.data / "replay"),
        "MQTT_URL": f"{scheme}://{GATEWAY_ID}:{quote(password, safe='')}@{broker.host}:{broker.port}",
        "MQTT_CA_FILE": settings.mqtt_ca_file,
        "ZONE": "UTC",
        "RESEND_FIRST_S": "5",
        "RECONNECT_MAX_S": "5",
    }
    return {f"{GATEWAY_PREFIX}{name}": value for name, value in theirs.items()}


def _gateway_program(arguments: tuple[str, ...], *more: str, environment: dict[str, str] | None = None) -> Any:
    """What ``replay`` of the other program says. It tells its troubles itself, and its status becomes ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(GATEWAY_PREFIX)}
    command = [sys.executable, "-P", "-m", "device_gateway", GATEWAY_ID, *arguments, *more]
    with _interrupted_alone():
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            command, env=inherited | (environment or {}), stdout=subprocess.PIPE, text=True, check=False
        )
    if done.returncode != 0:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


@contextmanager
def _interrupted_alone() -> Iterator[None]:
    """Ctrl-C reaches the other program too, which stops in good order and says what is left: wait for that."""
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)  # not SIG_IGN, which it would inherit
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _recorded(row: dict[str, Any]) -> Recorded:
    first, last = (datetime.fromisoformat(row[name]) for name in ("first", "last"))
    return Recorded(row["device"], row["profile"], first, last)


def _tell(tape: dict[str, Any], outcome: Outcome, chart: str) -> None:
    answered = ", ".join(f"{count} {words}" for words, count in outcome.answered.items()) or "none"
    click.echo(f"{tape['readings']} readings up to {tape['until']}: {answered}")
    for each in tape["skipped"]:
        click.echo(f"  line {each['line']} left out: {each['reason']}")
    for found in outcome.found:
        span = f"{found.first:%Y-%m-%d %H:%M} to {found.last:%Y-%m-%d %H:%M} UTC"
        many = f"{found.count} in {found.episodes} episode{'s' if found.episodes > 1 else ''}"
        click.echo(f"  {found.severity.mark} {found.severity.word:6} {found.rule:22} {many:28} {span}")
    if not outcome.found:
        click.echo(f"  {_nothing(outcome)}")
    if (before := sum(outcome.answered.values()) - tape["readings"]) > 0:
        click.echo(f"  {before} of these readings were left in the spool by a replay before this one.")
    made = f"{outcome.alerts} alerts, {outcome.tasks} tasks, {outcome.messages} messages"
    click.echo(f"Findings are for looking back. For this patient there were meanwhile: {made}.")
    click.echo(f"The chart: {chart}")


def _nothing(outcome: Outcome) -> str:
    if outcome.answered.get("stored"):
        return "The rules found nothing."
    return "Nothing was new, so nothing was judged: the chart has what was found before."
