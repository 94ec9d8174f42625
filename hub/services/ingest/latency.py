"""How long alerts took from the receipt of their reading until they were durable, which is known after the commit only.

Written after the next heartbeat, or the answer to an alert's reading would wait for it. Those of the seconds since are
lost where the process ends.
"""

import logging
from collections import deque
from collections.abc import Iterable

from hub.services.hub import Hub

MOST = 10_000
"""Of those that cannot be written the oldest are let go."""

log = logging.getLogger(__name__)


class Latencies:
    """Those that are not in the metrics yet."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=MOST)

    def add(self, seconds: Iterable[float]) -> None:
        """One for each patient of a group whose readings made a rule speak."""
        self._seconds.extend(seconds)

    def write(self, hub: Hub) -> None:
        """Put them into the metrics. What cannot be written now is tried again; nothing is raised."""
        if not self._seconds:
            return
        try:
            with hub.unit_of_work() as uow:
                uow.operations.observe("rpmhub_alert_latency_seconds", list(self._seconds))
                uow.commit()
        except Exception as error:  # noqa: BLE001 - whatever it is: it is of metrics alone, and readings wait
            log.warning("the latency of alerts is not in the metrics", extra={"error": type(error).__name__})
        else:
            self._seconds.clear()
