"""Wiring: the only module that names concrete adapters."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from hub.adapters.channels.console import Console
from hub.adapters.channels.demo_phone import DemoPhone
from hub.adapters.checkin_files import load_checkins
from hub.adapters.clock import SystemClock, SystemIds
from hub.adapters.database_file.check import BackgroundCheck, admit
from hub.adapters.database_file.marks import Marks
from hub.adapters.database_file.presence import NEW, is_there, refuse_lost, refuse_missing
from hub.adapters.database_file.reserve import MIB, Reserve
from hub.adapters.ingest_loop import IngestLoop
from hub.adapters.passwords import Argon2Passwords
from hub.adapters.protocol_files import load_templates
from hub.adapters.receiver_process import ReceiverProcess
from hub.adapters.secret_files import kept, secret
from hub.adapters.sql.checkpoints import checkpointing
from hub.adapters.sql.engine import make_engine, read_only
from hub.adapters.sql.hold import refuse_restoring, share
from hub.adapters.sql.migrate import IN_THE_LOG, Schema, Tell, check_current, standing, upgrade_alone
from hub.adapters.sql.partitions import make_ahead
from hub.adapters.sql.reads import SqlReads
from hub.adapters.sql.reads.copying import CopiedCharts
from hub.adapters.sql.unit_of_work import SqlUnitOfWork, units_of_work
from hub.domain.checkins import CheckIn
from hub.domain.protocols import Protocol, canonical
from hub.errors import NoDatabase, WrongMode, WrongSetting
from hub.services.engine.copying import Copying
from hub.services.engine.months import Months
from hub.services.engine.runner import Engine as Ticker
from hub.services.engine.runner import Module
from hub.services.engine.soundness import Soundness, note
from hub.services.hub import Hub, Site
from hub.services.ingest.shard import parse_shard
from hub.services.ports.base import MessageSender, TextSource, WebhookVerifier
from hub.services.ports.copies import SeriesCopy
from hub.services.ports.reads import Reads
from hub.services.ports.soundness import Verdict
from hub.settings import Address, Settings, check_production, config_dir

PRODUCTION, DEMO = "production", "demo"

DEMO_SCALE = 0.05
"""The demo escalates twenty times faster: five minutes become fifteen seconds."""

PATIENCE_S = 2.0
"""So long a page waits for a copy of the series before it is drawn from the hub's own."""

HUB_SECRET = "mqtt-hub-password"  # noqa: S105 - the name of a file

HUB_USER = "rpmhub"
"""The hub's own name at the broker, as ``config/deploy/mosquitto.acl`` knows it."""


def open_database(
    settings: Settings,
    mode: str,
    *,
    new: bool = False,
    stop: threading.Event | None = None,
    tell: Tell = IN_THE_LOG,
) -> None:
    """Make or upgrade the database and stamp it with ``mode``; raises ``WrongMode`` if it carries another (SF20).

    One that was not closed cleanly is read whole before it is touched. Where there was one and there is none now it
    raises ``NoDatabase``, unless ``new`` says that this is meant. ``tell``: see ``migrate.upgrade``.
    """
    make_data_dir(settings.data)
    refuse_restoring(settings.database)
    verdict = None if new else admitted(settings, stop, first=True)
    engine = make_engine(settings.database, hurries=False)
    if not new:
        _refuse_unmarked(engine)
    upgrade_alone(engine, tell)
    make_ahead(engine, SystemClock().now())
    with SqlUnitOfWork(engine) as uow:
        stamped = uow.operations.stamp("mode")
        if stamped is None:
            uow.operations.set_stamp("mode", mode)
            uow.commit()
        elif stamped != mode:
            raise WrongMode(
                f"This database is a {stamped} database and stays one; a {mode} hub needs its own. "
                "Set RPMHUB_DATA_DIR or RPMHUB_DATABASE_URL to another place."
            )
        if verdict is not None:
            note(uow.operations, verdict, SystemClock().now())
            uow.commit()
    engine.dispose()


def _refuse_unmarked(engine: Engine) -> None:
    """A database without its mode is no first start: it was half made, or something else was put in its place."""
    with engine.connect() as connection:
        empty = standing(connection) is Schema.EMPTY
    if empty:
        return
    with SqlUnitOfWork(engine) as uow:
        if uow.operations.stamp("mode") is None:
            raise NoDatabase(
                "The database carries no mode: it was half made, or is none of this hub's. Restore the newest backup; "
                f"if it is meant to begin here: rpmhub db upgrade {NEW}"
            )


def admitted(settings: Settings, stop: threading.Event | None = None, *, first: bool = False) -> Verdict | None:
    """Return when the embedded database may be served, with a verdict if it had to be read whole for that.

    ``first``: there may be none yet. Raises ``NoDatabase`` and ``DamagedDatabase``.
    """
    file = settings.database_file
    if file is None:
        return None
    if first:
        refuse_lost(file, settings.data)
        if not is_there(file):
            return None
    else:
        refuse_missing(file, settings.data)
    _make_room(settings, file.parent)
    return admit(file, Marks(file), SystemClock(), stop or threading.Event())


@contextmanager
def serving(settings: Settings, role: str, verdict: Verdict | None = None) -> Iterator[Hub]:
    """The hub for a role that writes: its mark says until the end that it has not stopped cleanly."""
    with ExitStack() as stack:
        if settings.database_file is not None:
            refuse_missing(settings.database_file, settings.data)
            stack.enter_context(Marks(settings.database_file).writing(role, SystemIds().token()[:8]))
        hub = build_hub(settings, role=role)
        if verdict is not None:
            with hub.unit_of_work() as uow:
                note(uow.operations, verdict, hub.clock.now())
                uow.commit()
        yield hub


def reserve_for(settings: Settings) -> Reserve:
    """The space that is put by on the database's disk."""
    return Reserve(settings.database_file, settings.reserved_mb * MIB)


def _make_room(settings: Settings, place: Path) -> None:
    """A start writes a little: on a full disk into the reserved space."""
    if shutil.disk_usage(place).free < MIB:
        reserve_for(settings).give_up()


def make_data_dir(directory: Path) -> None:
    """Make DATA_DIR. A group may pass through it to the broker's files and sees nothing else."""
    if not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(0o710)


def build_hub(settings: Settings, *, role: str = "web") -> Hub:
    """The hub on its database. The database must exist at this version's schema and carry a mode."""
    share(settings.database)
    if settings.database_file is not None:
        refuse_missing(settings.database_file, settings.data)
    engine = make_engine(settings.database, when_full=reserve_for(settings).give_up, small_cache=role == "ingest")
    check_current(engine)
    mode = _mode(engine)
    if mode == PRODUCTION:
        check_production(settings)

    charts = _charts(settings) if role == "web" else None

    @contextmanager
    def reads() -> Iterator[Reads]:
        with read_only(engine).connect() as connection:
            yield SqlReads(connection, charts)

    return Hub(
        site=_site(settings, mode),
        clock=SystemClock(),
        ids=SystemIds(),
        passwords=Argon2Passwords(),
        unit_of_work=units_of_work(engine, ready=role == "ingest"),
        reads=reads,
        channel=DemoPhone(engine) if mode == DEMO else _channel(settings),
        templates=lambda: templates(settings),
        checkin_templates=lambda: checkin_templates(settings),
        twilio=_verifier(settings) if mode == PRODUCTION and settings.twilio else None,
        texts=_texts(settings) if mode == PRODUCTION and settings.twilio else None,
    )


def series_copy(settings: Settings, timeout_s: float = 10.0) -> SeriesCopy | None:
    """The copy of the series that SERIES_URL names. InfluxDB's client is loaded only where it is used."""
    place = settings.series
    if place is None:
        return None
    try:
        from hub.adapters.influx_http import InfluxHttp
        from hub.adapters.series.influx import InfluxSeries
    except ModuleNotFoundError as missing:
        raise WrongSetting("RPMHUB_SERIES_URL is set, and InfluxDB's client is not installed.") from missing
    return InfluxSeries(InfluxHttp(place.url, place.token, place.org, place.bucket, timeout_s))


def _charts(settings: Settings) -> CopiedCharts | None:
    copy = series_copy(settings, timeout_s=PATIENCE_S)
    return None if copy is None else CopiedCharts(copy, SystemClock().now)


def _channel(settings: Settings) -> MessageSender:
    """How texts leave. Twilio's client is loaded only where it is used."""
    if not settings.twilio:
        return Console()
    from hub.adapters.channels.twilio_sms import TwilioSms

    return TwilioSms(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        settings.twilio_from,
        base_url=settings.twilio_base_url,
        status_url=f"{settings.address}/webhooks/twilio/status" if settings.calls_back else None,
    )


def _verifier(settings: Settings) -> WebhookVerifier:
    from hub.adapters.twilio_signature import TwilioSignature

    return TwilioSignature(settings.twilio_account_sid, settings.twilio_auth_token, settings.address)


def _texts(settings: Settings) -> TextSource:
    from hub.adapters.twilio_http import twilio_client
    from hub.adapters.twilio_list import TwilioList

    account = settings.twilio_account_sid, settings.twilio_auth_token
    return TwilioList(twilio_client(*account, base_url=settings.twilio_base_url), settings.twilio_from)


def run_ingest(settings: Settings, stop: threading.Event) -> None:
    """The ingest role, until ``stop`` is set."""
    shard = parse_shard(settings.ingest_shard)
    name = _instance() + shard.name
    with serving(settings, "ingest", admitted(settings, stop)) as hub, checkpointing(settings.database):
        session = broker_address(settings), f"rpmhub-ingest-{name}"
        inbox = ReceiverProcess(*session, hub.clock, settings.mqtt_ca_file, shard=shard)
        IngestLoop(hub, inbox, name, reserve_for(settings), shard).run(stop)


def run_worker(settings: Settings, stop: threading.Event) -> None:
    """The worker role, until ``stop`` is set."""
    from hub.adapters.scheduler import run_ticks  # its library is for this role alone

    with serving(settings, "worker", admitted(settings, stop)) as hub:
        lines = [
            Ticker(hub, engine_modules(lambda: reserve_for(settings).given_up), _instance()),
            Ticker(hub, sender_modules(), _instance(), "sender"),
            Ticker(hub, summary_modules(), _instance(), "summaries"),
        ]
        copy = series_copy(settings)
        if copy is not None:
            lines.append(Ticker(hub, [Copying(copy)], _instance(), "copier"))
        file = settings.database_file
        if file is not None:
            check = BackgroundCheck(file, Marks(file), hub.clock, stop)
            lines.append(Ticker(hub, [Soundness(check)], _instance(), "checker"))
        else:
            server = make_engine(settings.database, hurries=False)
            lines.append(Ticker(hub, [Months(lambda now: make_ahead(server, now))], _instance(), "months"))
        run_ticks(lines, stop, hub.clock)


def engine_modules(full: Callable[[], bool] = lambda: False) -> list[Module]:
    """The engine's modules, in their order: what pages comes first, what may take long comes last.

    ``full`` says whether the disk is.
    """
    from hub.services.engine.after_restore import AfterRestore
    from hub.services.engine.checkins import CheckIns
    from hub.services.engine.clock_steps import alerts_follow
    from hub.services.engine.deadlines import Deadlines
    from hub.services.engine.escalation import Escalation
    from hub.services.engine.gateways import GatewayWatch
    from hub.services.engine.inbox import Inbox
    from hub.services.engine.ingest_watch import IngestWatch
    from hub.services.engine.lapses import Lapses
    from hub.services.engine.missing import Missing
    from hub.services.engine.overdue import Overdue
    from hub.services.engine.pauses import Pauses
    from hub.services.engine.release import Release
    from hub.services.engine.room import Room
    from hub.services.engine.sealing import Sealing
    from hub.services.engine.texts import Texts

    return [
        alerts_follow(),
        AfterRestore(),
        Texts(),
        Deadlines(),
        Lapses(),
        Escalation(),
        Overdue(),
        Room(full),
        IngestWatch(),
        Missing(),
        CheckIns(),
        Pauses(),
        GatewayWatch(),
        Release(),
        Inbox(),
        Sealing(),
    ]


def sender_modules() -> list[Module]:
    """What waits for a provider: on a line of its own, so that one that hangs holds no deadline back."""
    from hub.services.engine.clock_steps import messages_follow
    from hub.services.engine.delivery import Delivery
    from hub.services.engine.missed_texts import MissedTexts

    return [messages_follow(), Delivery(), MissedTexts()]


def summary_modules() -> list[Module]:
    """What is written behind the readings, on a line of its own: however far behind, no deadline waits for it."""
    from hub.services.engine.adherence import Adherence
    from hub.services.engine.rollups import Rollups

    return [Adherence(), Rollups()]


def broker_address(settings: Settings) -> Address:
    """The broker with the hub's own credential, where the URL names none."""
    password = secret(settings.data, HUB_SECRET, SystemIds().token) if settings.broker.user is None else None
    return _as_hub(settings.broker, password)


def kept_broker_address(settings: Settings) -> Address | None:
    """The same without making a credential: None where the hub has none yet."""
    password = kept(settings.data, HUB_SECRET)
    return None if settings.broker.user is None and password is None else _as_hub(settings.broker, password)


def _as_hub(address: Address, password: str | None) -> Address:
    if address.user is not None:
        return address
    return Address(address.host, address.port, address.tls, HUB_USER, password)


def _site(settings: Settings, mode: str) -> Site:
    demo = mode == DEMO
    return Site(
        mode=mode,
        clinic_name=settings.clinic_name,
        zone=settings.clinic_zone or "UTC",
        emergency_number=settings.emergency_number or ("911" if demo else ""),
        public_url=settings.address,
        last_resort_phone=settings.last_resort_phone or None,
        clinic_phone=settings.clinic_phone or None,
        escalation_scale=DEMO_SCALE if demo else 1.0,
    )


def _mode(engine: Engine) -> str:
    with SqlUnitOfWork(engine) as uow:
        mode = uow.operations.stamp("mode")
    if mode is None:
        raise WrongMode("This database carries no mode yet. Start it with rpmhub up, or rpmhub db upgrade.")
    return mode


@cache
def templates(settings: Settings) -> Mapping[str, tuple[bytes, Protocol]]:
    """The protocol files at hand, by id: canonical body and parsed form. Raises ``BrokenProtocol``."""
    found = load_templates(_directories(settings, "protocols"))
    return {name: (canonical(template.document), template.protocol) for name, template in found.items()}


@cache
def checkin_templates(settings: Settings) -> Mapping[str, tuple[bytes, CheckIn]]:
    """The check-in files at hand, as ``templates``. Raises ``BrokenProtocol``."""
    found = load_checkins(_directories(settings, "checkins"))
    return {name: (canonical(template.document), template.checkin) for name, template in found.items()}


def _directories(settings: Settings, kind: str) -> list[Path]:
    """Where files of a kind lie: the site's own go before the shipped ones."""
    own = [Path(settings.site_dir) / kind] if settings.site_dir else []
    return [*own, config_dir() / kind]


def _instance() -> str:
    """The machine's name: with the role it names a process, and its session at the broker, across restarts."""
    return socket.gethostname()[:40]
