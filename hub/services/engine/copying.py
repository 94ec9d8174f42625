"""The series' copy in another engine is kept behind the hub's own, and an operator hears of it if it falls back."""

import logging
from datetime import datetime, timedelta

from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical, technical_over
from hub.services.copying import Copier, lag
from hub.services.hub import Hub
from hub.services.ports.copies import SeriesCopy

log = logging.getLogger(__name__)

SUBJECT, PROBLEM = "hub", "series-copy-behind"
BEHIND = timedelta(hours=1)
"""The copy being further behind than this is an operator's alarm; pages are shown from the hub's own series then."""

SHARE = timedelta(milliseconds=500)
"""Of each second, spent here while there is more to do."""


class Copying:
    """On a line of its own: an engine that hangs holds nothing else back."""

    name = "series-copy"
    deadline = timedelta(minutes=2)

    def __init__(self, copy: SeriesCopy) -> None:
        self._copy = copy
        self._copier: Copier | None = None
        self._raised: bool | None = None
        """Whether the alarm is open; None: that is not known."""

    def run(self, hub: Hub, now: datetime) -> int:
        """How many samples were copied."""
        self._copier = self._copier or Copier(hub, self._copy)
        began, copied = hub.clock.monotonic(), 0
        try:
            while hub.clock.monotonic() - began <= SHARE.total_seconds():
                some = self._copier.step(now)
                if not some:
                    break
                copied += some
        except Transient as error:  # it may be away for a day; how far behind the copy is says the alarm below
            log.warning("the copy of the series waits", extra={"error": str(error)})
        finally:
            self._watch(hub, now)
        return copied

    def _watch(self, hub: Hub, now: datetime) -> None:
        with hub.reads() as reads:
            behind = lag(reads.copy_source.feed)
        far = behind.age(now) > BEHIND
        if far == self._raised:
            return
        with hub.unit_of_work() as uow:
            if far:
                hours = behind.age(now) // timedelta(hours=1)
                sentence = f"The copy of the series is {hours} h behind ({behind.readings} readings); is InfluxDB up?"
                technical(uow, hub, SUBJECT, PROBLEM, Severity.AMBER, sentence, now)
            else:
                technical_over(uow, hub, SUBJECT, PROBLEM, now)
            uow.commit()
        self._raised = far
