"""The engines behind ``SeriesStore``, each as an object whose every call is durable when it returns."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from hub.adapters.sql.unit_of_work import SqlUnitOfWork


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
