"""The engines behind ``SeriesStore``, each as an object whose every call is durable when it returns."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from hub.adapters.influx_http import InfluxHttp
from hub.adapters.series.influx import InfluxSeries
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.settings import parse_series


def influx(url: str, timeout_s: float = 10.0) -> InfluxSeries:
    """The bucket that a ``SERIES_URL`` names."""
    place = parse_series(url)
    return InfluxSeries(InfluxHttp(place.url, place.token, place.org, place.bucket, timeout_s))


def vacuum(engine: Engine) -> None:
    """Leave PostgreSQL as it leaves itself within minutes: its indexes answer for rows that everybody sees."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for act in ("CHECKPOINT", "VACUUM ANALYZE reading"):
            connection.exec_driver_sql(act)


class Committing:
    """The relational series: each call in a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object) -> Any:
            with SqlUnitOfWork(self._engine) as uow:
                answer = getattr(uow.series, name)(*arguments)
                uow.commit()
                return answer

        return call
