"""InfluxDB's HTTP: writes in line protocol, questions in InfluxQL, bounded in time, and every failure ``Transient``."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from hub.errors import Transient

BATCH = 5000
"""Lines of one write."""

TIMEOUT_S = 10.0


class EngineAway(Transient):
    """InfluxDB did not do what it was asked. Its words about a write are kept to itself: they may hold values."""


@dataclass(frozen=True, slots=True)
class Table:
    """One answer: rows of one set of tags."""

    tags: dict[str, str]
    rows: list[list[Any]]


class InfluxHttp:
    """One bucket of one server. ``bucket`` is ``name`` or ``name/retention``."""

    def __init__(self, url: str, token: str, org: str, bucket: str, timeout_s: float = TIMEOUT_S) -> None:
        logging.getLogger("influxdb_client").setLevel(logging.CRITICAL)  # what it writes down may hold a value
        self._client: Any = InfluxDBClient(url, token, org=org, timeout=round(timeout_s * 1000))
        self._writer: Any = self._client.write_api(write_options=SYNCHRONOUS)
        self._org, self._bucket = org, bucket
        self._database, _, self._retention = bucket.partition("/")

    def write(self, lines: Sequence[str]) -> None:
        """Durable when it returns. The same lines again change nothing."""
        for start in range(0, len(lines), BATCH):
            text = "\n".join(lines[start : start + BATCH])
            try:
                self._writer.write(self._bucket, self._org, text, write_precision="ns")
            except ApiException as error:
                raise EngineAway(f"InfluxDB refused a write with status {error.status}") from None
            except (HTTPError, OSError) as error:
                raise EngineAway(f"InfluxDB cannot be written to ({type(error).__name__})") from None

    def ask(self, question: str, *, changes: bool = False) -> list[Table]:
        """The answer's tables. Times in it are nanoseconds since 1970. ``changes``: it is no question but a command."""
        wanted = [("db", self._database), ("epoch", "ns"), ("q", question)]
        if self._retention:
            wanted.append(("rp", self._retention))
        try:
            answer = self._client.api_client.call_api(
                "/query",
                "POST" if changes else "GET",
                query_params=wanted,
                header_params={"Accept": "application/json"},
                _preload_content=False,
            )[0].data
        except ApiException as error:
            raise EngineAway(f"InfluxDB answered a question with status {error.status}") from None
        except (HTTPError, OSError) as error:
            raise EngineAway(f"InfluxDB cannot be asked ({type(error).__name__})") from None
        return _tables(answer)

    def close(self) -> None:
        """End its connections."""
        self._writer.close()
        self._client.close()


def _tables(answer: bytes) -> list[Table]:
    """Most errors come with status 200, inside the answer."""
    try:
        (result,) = msgspec.json.decode(answer)["results"]
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        raise EngineAway("InfluxDB's answer cannot be read") from None
    if "error" in result:
        raise EngineAway(f"InfluxDB cannot answer: {result['error'][:120]}")
    return [Table(series.get("tags", {}), series["values"]) for series in result.get("series", ())]
