"""The hub's settings: a TOML file, then the environment (``RPMHUB_<NAME>``), checked before anything starts."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from hub.errors import WrongSetting
from hub.services.ingest.shard import parse_shard

PREFIX: Final = "RPMHUB_"
CONFIG: Final = "config"  # RPMHUB_CONFIG names the TOML file; not itself a setting
GATEWAY_PREFIX: Final = "RPMHUB_GATEWAY_"  # the other program's
SECRETS: Final = frozenset({"database_url", "mqtt_url", "series_url", "twilio_auth_token", "heartbeat_url"})
NO_CLINIC_NAME: Final = "Home Monitoring"
"""What texts begin with until the clinic says its name."""
_MQTT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_PHONE: Final = r"^(\+[1-9][0-9]{6,14})?$"
_LOCAL: Final = r"^(\+[1-9][0-9]{6,14}|[0-9]{3,15})?$"
_ACCOUNT: Final = r"^(AC[0-9a-f]{32})?$"
_SENDER: Final = r"^(\+[1-9][0-9]{6,14}|[0-9]{5,6}|MG[0-9a-f]{32})?$"
LEAST_RAW_DAYS: Final = 90
_FAKES: Final = frozenset({("http", "127.0.0.1"), ("http", "localhost")})
_TWILIO: Final = ("twilio_account_sid", "twilio_auth_token", "twilio_from")


_RAW_DAYS: Final = (
    "Days after which rpmhub series thin may thin readings; 0 = never. The journal keeps each as it came: the law asks "
    "that a clinical record be kept for years, often ten"
)


def _field(text: str, **limits: Any) -> msgspec.Meta:
    return msgspec.Meta(description=text, **limits)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one hub can be told."""

    data_dir: Annotated[str, _field("Directory of the database and generated secrets; made if absent")] = "data/hub"
    database_url: Annotated[str, _field("SQLAlchemy URL; empty = SQLite in DATA_DIR")] = ""
    reserved_mb: Annotated[int, _field("Space put by on the database's disk, for alerts when it is full", ge=0)] = 64
    ingest_processes: Annotated[int, _field("Ingest processes that up runs; several need PostgreSQL", ge=1, le=99)] = 1
    ingest_shard: Annotated[str, _field("Which part of the gateways this ingest process takes, such as 1/2")] = ""
    mqtt_url: Annotated[str, _field("The broker, mqtt[s]://user:password@host:port")] = "mqtt://127.0.0.1:1883"
    mqtt_ca_file: Annotated[str, _field("PEM file of the authority behind an mqtts broker; empty = the system's")] = ""
    series_url: Annotated[str, _field("influxdb+http://token@host:port/org/bucket; empty = the SQL journal")] = ""
    http_host: Annotated[str, _field("Address the pages listen on")] = "127.0.0.1"
    http_port: Annotated[int, _field("Port the pages listen on", ge=0, le=65535)] = 8080
    public_url: Annotated[str, _field("How a browser outside reaches the pages; stands in texts to staff")] = ""
    twilio_account_sid: Annotated[str, _field("Twilio account, AC and 32 hex digits", pattern=_ACCOUNT)] = ""
    twilio_auth_token: Annotated[str, _field("Twilio primary auth token: it sends, and checks who calls back")] = ""
    twilio_from: Annotated[str, _field("Sending number in E.164, or a messaging service (MG…)", pattern=_SENDER)] = ""
    twilio_base_url: Annotated[str, _field("Another address for Twilio's API, for a fake")] = ""
    heartbeat_url: Annotated[str, _field("An outside check that is called while the hub's whole way works")] = ""
    clinic_name: Annotated[str, _field("Stands first in every text", min_length=1, max_length=40)] = NO_CLINIC_NAME
    clinic_zone: Annotated[str, _field("IANA zone of the clinic; a new patient's zone unless another is given")] = ""
    clinic_phone: Annotated[str, _field("What a patient calls for advice; stands in HELP", pattern=_LOCAL)] = ""
    emergency_number: Annotated[str, _field("What a patient calls in an emergency; no default on purpose")] = ""
    last_resort_phone: Annotated[str, _field("Who is paged when nobody else can be, in E.164", pattern=_PHONE)] = ""
    raw_days: Annotated[int, _field(_RAW_DAYS, ge=0)] = 0
    site_dir: Annotated[str, _field("The site's own protocols and texts; goes before the shipped ones")] = ""
    metrics_allow: Annotated[str, _field("Addresses beside loopback that may read /metrics, comma separated")] = ""

    @property
    def data(self) -> Path:
        """The data directory."""
        return Path(self.data_dir)

    @property
    def database(self) -> str:
        """The database's URL, with its default filled in."""
        return self.database_url or f"sqlite:///{self.data / 'hub.sqlite3'}"

    @property
    def database_file(self) -> Path | None:
        """The embedded database's file; None for a server."""
        scheme, _, path = self.database.partition(":///")
        return Path(path) if scheme.partition("+")[0] == "sqlite" else None

    @property
    def broker(self) -> "Address":
        """Where the broker is, and as whom to speak to it."""
        return parse_address(self.mqtt_url)

    @property
    def series(self) -> "SeriesAddress | None":
        """Where a copy of the series is kept; None: nowhere, the hub's own database has it alone."""
        return parse_series(self.series_url) if self.series_url else None

    @property
    def address(self) -> str:
        """How people reach the pages."""
        return self.public_url.rstrip("/") or f"http://{self.http_host}:{self.http_port}"

    @property
    def twilio(self) -> bool:
        """Whether texts leave by Twilio."""
        return bool(self.twilio_account_sid)

    @property
    def calls_back(self) -> bool:
        """Whether Twilio is asked to say how a message fared. Its word holds a number: by https, or by a fake."""
        return self.address.startswith("https://") or self.twilio_base_url.startswith("http://")


@dataclass(frozen=True, slots=True)
class Address:
    """A broker's address. ``user`` and ``password`` are None where the URL has none."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None


def parse_address(url: str) -> Address:
    """The parts of ``mqtt[s]://user:password@host:port``. Raises ``WrongSetting``."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in _MQTT_PORTS or not parts.hostname or port == 0 or parts.path.strip("/"):
        raise WrongSetting("RPMHUB_MQTT_URL must be mqtt[s]://user:password@host:port.")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password is not None else None
    return Address(parts.hostname, port or _MQTT_PORTS[parts.scheme], parts.scheme == "mqtts", user, password)


@dataclass(frozen=True, slots=True)
class SeriesAddress:
    """A time-series engine: ``url`` is where its HTTP answers."""

    url: str
    token: str
    org: str
    bucket: str


def parse_series(url: str) -> SeriesAddress:
    """The parts of ``influxdb+http[s]://token@host:port/org/bucket[/retention]``. Raises ``WrongSetting``."""
    parts = urlsplit(url)
    org, _, bucket = parts.path.lstrip("/").partition("/")
    scheme = {"influxdb+http": "http", "influxdb+https": "https"}.get(parts.scheme)
    try:
        port = parts.port
    except ValueError:
        port = None
    if not (scheme and parts.username and parts.hostname and port and org and bucket) or parts.password is not None:
        raise WrongSetting("RPMHUB_SERIES_URL must be influxdb+http://token@host:port/org/bucket (or influxdb+https).")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return SeriesAddress(f"{scheme}://{host}:{port}", unquote(parts.username), unquote(org), unquote(bucket))


def load(environ: Mapping[str, str]) -> Settings:
    """The settings of this start. Raises ``WrongSetting`` whose text is one sentence that names the setting."""
    file = environ.get(f"{PREFIX}{CONFIG.upper()}")
    known = get_type_hints(Settings, include_extras=True)
    given: dict[str, Any] = {}
    for name, value in _from_file(Path(file) if file else None, tuple(known)).items():
        given[name] = _checked(name, value, known[name], where=f"{name} in {file}", strict=True)
    for name, value in _from_environment(environ, tuple(known)):
        given[name] = _checked(name, value, known[name], where=_env(name), strict=False)
    settings = Settings(**given)
    _check_meaning(settings)
    return settings


def save(settings: Settings, file: Path) -> None:
    """Write every setting as TOML, where RPMHUB_CONFIG may name it."""
    lines = (f"{name} = {json.dumps(getattr(settings, name))}\n" for name in settings.__struct_fields__)
    file.write_text("".join(lines))


def check_production(settings: Settings) -> None:
    """What production refuses to start without (SF19). Raises ``WrongSetting``."""
    if not settings.emergency_number:
        raise WrongSetting(
            f"{_env('emergency_number')} is not set: {_help('emergency_number')}, the number your patients call."
        )
    if not settings.last_resort_phone:
        text = _help("last_resort_phone")
        raise WrongSetting(f"{_env('last_resort_phone')} is not set: {text}. Without it a red can end with nobody.")
    if not settings.clinic_zone:
        raise WrongSetting(f"{_env('clinic_zone')} is not set: {_help('clinic_zone')}. For example Europe/London.")
    absent = [name for name in _TWILIO if not getattr(settings, name)]
    if absent and (len(absent) < len(_TWILIO) or settings.twilio_base_url):
        raise WrongSetting(
            f"Twilio is half set up: set {', '.join(map(_env, absent))} too, or no Twilio setting at all."
        )


def describe(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Each setting's environment name, its value with secrets masked, and its help."""
    for name in Settings.__struct_fields__:
        value = str(getattr(settings, name))
        yield _env(name), _masked(name, value) if name in SECRETS else value, _help(name)


def _masked(name: str, value: str) -> str:
    """A secret as it may be printed: a URL without its password; of anything else, that it is set."""
    if name in {"database_url", "mqtt_url"}:
        return re.sub(r"(//[^:/@]*):.*@", r"\1:***@", value)
    return "***" if value else ""


def config_dir() -> Path:
    """Where the shipped ``config`` is: inside the installed package, else beside it in a checkout."""
    packaged = Path(__file__).parent / "config"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "config"


def _from_file(file: Path | None, known: tuple[str, ...]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        table = tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongSetting(f"The settings file {file} cannot be read: {error}.") from error
    for name in table:
        if name not in known:
            raise WrongSetting(f"{name} in {file} is no setting{_nearest(name, known)}.")
    return table


def _from_environment(environ: Mapping[str, str], known: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    secret_files = {f"{name}_file": name for name in SECRETS}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable.startswith(GATEWAY_PREFIX) or _injected(variable):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name == CONFIG:
            continue
        if name in secret_files:
            if _env(secret_files[name]) in environ:
                raise WrongSetting(f"{variable} and {_env(secret_files[name])} are both set; keep one.")
            yield secret_files[name], _secret(variable, value)
        elif name in known:
            yield name, value
        else:
            raise WrongSetting(f"{variable} is no setting{_nearest(name, (*known, *secret_files), PREFIX)}.")


def _injected(variable: str) -> bool:
    """Orchestrators put addresses of services beside our settings: ``…_PORT_1883_TCP``, ``…_SERVICE_HOST``."""
    return "_PORT_" in variable or "_SERVICE_" in variable


def _secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"The file that {variable} names cannot be read: {error}.") from error


def _checked(name: str, value: Any, kind: Any, *, where: str, strict: bool) -> Any:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise WrongSetting(f"{where} is wrong: {error} ({_help(name)}).") from error


def _check_meaning(settings: Settings) -> None:
    parse_address(settings.mqtt_url)
    several = settings.ingest_processes > 1 or parse_shard(settings.ingest_shard).of > 1
    if several and settings.database_file is not None:
        raise WrongSetting("Several ingest processes need PostgreSQL: one writer at a time is all that SQLite has.")
    if settings.series_url:
        parse_series(settings.series_url)
    if settings.clinic_zone:
        try:
            ZoneInfo(settings.clinic_zone)
        except (KeyError, OSError, ValueError) as error:
            raise WrongSetting(f"{_env('clinic_zone')} is no known time zone: {settings.clinic_zone}.") from error
    if 0 < settings.raw_days < LEAST_RAW_DAYS:
        raise WrongSetting(f"{_env('raw_days')} must be 0, or {LEAST_RAW_DAYS} at least: charts and rules use each.")
    if settings.public_url and urlsplit(settings.public_url).scheme not in {"http", "https"}:
        raise WrongSetting(f"{_env('public_url')} must begin with https:// or http://.")
    base = urlsplit(settings.twilio_base_url)
    if base.scheme != "https" and settings.twilio_base_url and (base.scheme, base.hostname) not in _FAKES:
        raise WrongSetting(f"{_env('twilio_base_url')} must begin with https://, or with http://127.0.0.1 for a fake.")


def _help(name: str) -> str:
    meta = get_type_hints(Settings, include_extras=True)[name].__metadata__[0]
    return str(meta.description)


def _env(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _nearest(name: str, known: tuple[str, ...], prefix: str = "") -> str:
    found = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {prefix}{found[0].upper() if prefix else found[0]}?" if found else ""
