"""What every check is given."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from hub.adapters.probes.database import looking, parse
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.services.ports.base import Clock
from hub.services.ports.storage import UnitOfWork
from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class Subject:
    """The hub that is looked at. Checks run at once, each in a thread of its own, and change nothing."""

    settings: Settings
    environ: Mapping[str, str]
    clock: Clock
    token: str
    """Names this examination where it must not meet another."""
    within_s: int = 3
    """How long one check may wait for anything."""
    whole: bool = False
    """Read the database to its end, however long that takes."""

    @property
    def now(self) -> datetime:
        """The instant of the check that asks."""
        return self.clock.now()

    @contextmanager
    def rows(self) -> Iterator[UnitOfWork]:
        """The database's rows. Whatever would write them fails."""
        engine = looking(parse(self.settings.database), self.within_s)
        try:
            with SqlUnitOfWork(engine) as uow:
                yield uow
        finally:
            engine.dispose()
