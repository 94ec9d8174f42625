"""The gateway's settings: a TOML file, then the environment (`RPMHUB_GATEWAY_<NAME>`), checked before any start."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from device_gateway.errors import SettingsError

PREFIX: Final = "RPMHUB_GATEWAY_"
CONFIG: Final = "config"  # names the TOML file; not itself a setting
SECRETS: Final = frozenset({"mqtt_url", "source_mqtt_url"})
_GATEWAY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


def _field(text: str, **limits: Any) -> msgspec.Meta:
    return msgspec.Meta(description=text, **limits)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one gateway can be told."""

    data_dir: Annotated[str, _field("Directory of the spool; made if absent", min_length=1)] = "data/gateway"
    mqtt_url: Annotated[
        str,
        _field("The hub's broker, mqtt[s]://user:password@host:port; the user is the gateway's id in topics"),
    ]
    mqtt_ca_file: Annotated[str, _field("PEM file of the authority behind mqtts brokers; empty = the system's")] = ""
    zone: Annotated[str, _field("IANA time zone in which the devices' clocks are set, e.g. America/Chicago")]
    ble_adapter: Annotated[
        str, _field("BlueZ's adapter for Bluetooth devices, e.g. hci0; empty = no device speaks Bluetooth")
    ] = ""
    ble_idle_s: Annotated[float, _field("Seconds of silence after which a device has sent all it had", gt=0)] = 10
    ble_rest_s: Annotated[float, _field("Seconds a device is left alone after a session, if it stays awake", ge=0)] = 4
    source_mqtt_url: Annotated[
        str, _field("The devices' own broker, mqtt[s]://user:password@host:port; empty = no device speaks MQTT")
    ] = ""
    source_mqtt_topic: Annotated[
        str, _field("Topic filter on which devices publish; serial and kind of a device stand for the +", min_length=1)
    ] = "devices/+/+"
    spool_max_rows: Annotated[int, _field("Readings the spool may hold before the oldest are dropped", ge=1000)] = (
        500_000
    )
    spool_max_bytes: Annotated[int, _field("Bytes of readings the spool may hold", ge=1_000_000)] = 268_435_456
    quarantine_max_rows: Annotated[int, _field("Undecodable messages and refused readings kept here", ge=1)] = 1000
    keep_acked_hours: Annotated[float, _field("How long readings the hub has are kept for a replay", ge=0)] = 72
    live_window_s: Annotated[float, _field("A reading younger than this travels ahead of stored ones", gt=0)] = 300
    resend_first_s: Annotated[float, _field("Seconds without the hub's answer before a batch is sent again", gt=0)] = 30
    resend_max_s: Annotated[float, _field("The wait doubles up to this", gt=0)] = 300
    reconnect_max_s: Annotated[float, _field("Longest random wait before connecting again", gt=0)] = 300
    status_interval_s: Annotated[float, _field("Seconds between the gateway's own status messages", gt=0)] = 60

    @property
    def hub(self) -> "Address":
        """The hub's broker."""
        return parse_address("mqtt_url", self.mqtt_url)

    @property
    def devices(self) -> "Address | None":
        """The devices' broker, if there is one."""
        return parse_address("source_mqtt_url", self.source_mqtt_url) if self.source_mqtt_url else None

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone of the devices' clocks."""
        return ZoneInfo(self.zone)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is, and as whom to speak to it."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None


def parse_address(name: str, url: str) -> Address:
    """The parts of `mqtt[s]://user:password@host:port`. Raises SettingsError."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or parts.path.strip("/"):
        raise SettingsError(f"{_env(name)} must be mqtt[s]://user:password@host:port.")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password is not None else None
    return Address(parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "mqtts", user, password)


def load(file: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of this start. Raises SettingsError whose text is one sentence."""
    known = get_type_hints(Settings, include_extras=True)
    given: dict[str, Any] = {}
    for name, value in _from_file(file, tuple(known)).items():
        given[name] = _checked(name, value, known[name], where=f"{name} in {file}", strict=True)
    for name, value in _from_environment(environ, tuple(known)):
        given[name] = _checked(name, value, known[name], where=_env(name), strict=False)
    try:
        settings = msgspec.convert(given, Settings)
    except msgspec.ValidationError as error:
        name = str(error).split("`")[1]
        raise SettingsError(f"{_env(name)} is not set: {_help(name)}.") from error
    _check_meaning(settings)
    return settings


def describe(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Each setting's environment name, its value with passwords masked, and its help."""
    for name in Settings.__struct_fields__:
        value = str(getattr(settings, name))
        if name in SECRETS:
            value = re.sub(r"(//[^:/@]*):.*@", r"\1:***@", value)
        yield _env(name), value, _help(name)


def _from_file(file: Path | None, known: tuple[str, ...]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        table = tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error}.") from error
    for name in table:
        if name not in known:
            raise SettingsError(f"{name} in {file} is no setting{_nearest(name, known)}.")
    return table


def _from_environment(environ: Mapping[str, str], known: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    secret_files = {f"{name}_file": name for name in SECRETS}
    for variable, value in sorted(environ.items()):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name == CONFIG or _injected(variable):
            continue
        if name in secret_files:
            if f"{PREFIX}{secret_files[name].upper()}" in environ:
                raise SettingsError(f"{variable} and {_env(secret_files[name])} are both set; keep one.")
            yield secret_files[name], _secret(variable, value)
        elif name in known:
            yield name, value
        else:
            raise SettingsError(f"{variable} is no setting{_nearest(name, (*known, *secret_files), PREFIX)}.")


def _injected(variable: str) -> bool:
    """Orchestrators put addresses of services beside our settings: `..._PORT_1883_TCP`, `..._SERVICE_HOST`."""
    return "_PORT_" in variable or "_SERVICE_" in variable or variable.endswith("_PORT")


def _secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file that {variable} names cannot be read: {error}.") from error


def _checked(name: str, value: Any, kind: Any, *, where: str, strict: bool) -> Any:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where} is wrong: {error} ({_help(name)}).") from error


def _check_meaning(settings: Settings) -> None:
    hub, _ = settings.hub, settings.devices
    if hub.user is None or not _GATEWAY_ID.fullmatch(hub.user):
        raise SettingsError(
            f"{_env('mqtt_url')} needs a user, the gateway's id: letters, digits, dot, dash, underscore."
        )
    if settings.mqtt_ca_file and not Path(settings.mqtt_ca_file).is_file():
        raise SettingsError(f"{_env('mqtt_ca_file')} names no file: {settings.mqtt_ca_file}.")
    try:
        ZoneInfo(settings.zone)
    except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError of its own
        raise SettingsError(f"{_env('zone')} is no time zone: {settings.zone}.") from error
    except KeyError as error:
        raise SettingsError(f"{_env('zone')} is no known time zone: {settings.zone}.") from error


def _help(name: str) -> str:
    meta = get_type_hints(Settings, include_extras=True)[name].__metadata__[0]
    return str(meta.description)


def _env(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _nearest(name: str, known: tuple[str, ...], prefix: str = "") -> str:
    found = difflib.get_close_matches(name, known, n=1)
    return f" (nearest: {prefix}{found[0].upper() if prefix else found[0]})" if found else ""
