"""The broker: whether it carries a message, and whether its files are as the hub's rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hub.adapters.mqtt_session import UP
from hub.adapters.probes.broker import Ended, Trip, round_trip
from hub.bootstrap import HUB_USER, kept_broker_address
from hub.cli.checks.subject import Subject
from hub.services.checkup.finding import Finding, fine, must, should
from hub.services.ingest.messages import LANES
from hub.settings import Address, config_dir

RELOAD = "then systemctl reload mosquitto"
CREDENTIALS = f"rpmhub gateway credentials, {RELOAD}"
NO_READING = "No reading comes in."


def carries(subject: Subject) -> Iterator[Finding]:
    """A message to the broker and back."""
    address = kept_broker_address(subject.settings)
    if address is None:
        yield must("The hub has no credential for the broker yet.", NO_READING, CREDENTIALS)
        return
    yield _of(_trip(subject, address, "hub", [UP + lane for lane in LANES]), address)
    if not address.tls and address.host not in {"127.0.0.1", "::1", "localhost"}:
        why = "Readings and the hub's password cross the network in clear."
        yield must(f"The broker at {address.host} is spoken to without TLS.", why, "RPMHUB_MQTT_URL=mqtts://…")


def strangers(subject: Subject) -> Iterator[Finding]:
    """Whether the broker asks who comes; and, before the hub has a credential, whether there is one at all."""
    address = replace(subject.settings.broker, user=None, password=None)
    ended = _trip(subject, address, "stranger")
    if ended.trip in {Trip.BACK, Trip.SWALLOWED, Trip.SHARED}:
        why = "Anybody can send readings in a gateway's name."
        mend = "allow_anonymous false, as config/deploy/mosquitto.conf has it, then systemctl restart mosquitto"
        yield must(f"The broker at {address.host}:{address.port} lets in who has no name.", why, mend)
    elif ended.trip is Trip.REFUSED:
        yield fine("The broker lets in nobody without a name.")
    elif kept_broker_address(subject.settings) is None:
        yield _of(ended, address)


def _trip(subject: Subject, address: Address, who: str, hears: Sequence[str] = ()) -> Ended:
    client = f"rpmhub-doctor-{who}-{subject.token[:8]}"
    return round_trip(address, client, subject.settings.mqtt_ca_file, subject.within_s, hears)


def _of(ended: Ended, address: Address) -> Finding:
    place = f"{address.host}:{address.port}"
    detail = f" ({ended.detail})" if ended.detail else ""
    start = "systemctl status mosquitto, or RPMHUB_MQTT_URL=…"
    match ended.trip:
        case Trip.BACK:
            return fine(f"A message went to the broker at {place} and came back.")
        case Trip.UNRESOLVED:
            return must(f"The broker's name {address.host} is not known{detail}.", NO_READING, "RPMHUB_MQTT_URL=…")
        case Trip.UNREACHABLE:
            return must(f"Nothing answers at {place}{detail}.", NO_READING, start)
        case Trip.UNTRUSTED:
            mend = "RPMHUB_MQTT_CA_FILE=…, the PEM file of the authority behind its certificate"
            return must(f"The broker at {place} is not to be trusted{detail}.", NO_READING, mend)
        case Trip.SILENT:
            return must(f"What listens at {place} gives no MQTT answer.", NO_READING, start)
        case Trip.REFUSED:
            said = f"The broker at {place} refuses the hub's name or password, {address.user}{detail}."
            return must(said, NO_READING, CREDENTIALS)
        case Trip.SHARED:
            said = f"The listener at {place} takes the user's name for the client's: we took ingest's place a moment."
            mend = "A listener without use_username_as_clientid for the hub, as config/deploy/mosquitto.conf has it"
            return must(said, "Ingest keeps two sessions, which end each other there: readings come late.", mend)
        case Trip.SWALLOWED:
            said = f"The broker at {place} takes a message of {address.user} and does not give it back{detail}."
            return must(said, "Its access rules are not the hub's: readings vanish there.", CREDENTIALS)
        case Trip.UNGRANTED:
            said = f"The broker at {place} does not let {address.user} subscribe to what gateways send{detail}."
            mend = "Let its access rules allow that, as config/deploy/mosquitto.acl does"
            return must(said, "Ingest does not hear it, and the gateways send it again and again.", mend)


def its_files(subject: Subject) -> Iterator[Finding]:
    """Whether mosquitto's files let in the gateways that are registered, and nobody else."""
    folder = subject.settings.data / "broker"
    with subject.rows() as uow:
        gateways = {row.id: row.credential for row in uow.gateways.all() if row.retired_at is None}
    if not gateways:
        return
    files = [folder / "passwords", folder / "acl"]
    if not all(file.exists() for file in files):
        yield must(f"{folder} has no passwords or acl for mosquitto.", "No gateway is let in.", CREDENTIALS)
        return
    own = subject.settings.broker.user or HUB_USER
    listed = dict(line.split(":", 1) for line in files[0].read_text().splitlines() if ":" in line)
    listed.pop(own, None)
    if listed != gateways:
        changed = ", ".join(sorted(name for name in listed.keys() | gateways if listed.get(name) != gateways.get(name)))
        why = "Who was added is not let in, or who was retired still is."
        yield must(f"mosquitto's passwords are older than the last change of: {changed}.", why, CREDENTIALS)
    shipped = (config_dir() / "deploy" / "mosquitto.acl").read_text().replace(f"user {HUB_USER}", f"user {own}")
    if files[1].read_text() != shipped:
        why = "Your own change, or an older version's: what a gateway may say rests on it."
        yield should("mosquitto's acl differs from this version's.", why, CREDENTIALS)
    if listed == gateways:
        yield fine("mosquitto's passwords are those of the gateways in use.")
