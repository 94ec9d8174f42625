"""APScheduler ticks the engine. It holds no duty: those are rows, and a tick only asks which of them are due."""

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.background import BackgroundScheduler

from hub.services.engine.runner import Engine
from hub.services.ports.base import Clock

log = logging.getLogger(__name__)

TICK_S = 1


def run_ticks(engines: Sequence[Engine], stop: threading.Event, clock: Clock) -> None:
    """Tick each every second until ``stop`` is set; then finish the ticks that run. A slow one keeps no other back."""
    # It says each second that a tick still runs; if that is too long, its module's deadline tells.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_listener(_noted, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    # A tick that comes late still runs (the default forgets it after 1 s), and never twice at once.
    for engine in engines:
        scheduler.add_job(
            engine.tick, "interval", seconds=TICK_S, max_instances=1, coalesce=True, misfire_grace_time=None
        )
    scheduler.start()
    try:
        while not stop.wait(TICK_S):
            _keep_pace(scheduler, clock)
    finally:
        scheduler.shutdown(wait=True)


def _keep_pace(scheduler: BackgroundScheduler, clock: Clock) -> None:
    """A wall clock that was set back by two hours would have the scheduler wait for two hours."""
    now = clock.now()
    for job in scheduler.get_jobs():
        if job.next_run_time > now + timedelta(seconds=2 * TICK_S):
            job.modify(next_run_time=now)


def _noted(event: JobEvent) -> None:
    log.error("a tick failed or was missed", extra={"code": event.code})
