"""Replaying a recording: into a spool of its own, and by the ordinary uplink to the hub."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from device_gateway.clock import Clock, Ids
from device_gateway.errors import RecordingError, TransientError
from device_gateway.frames import Measurement
from device_gateway.recordings import Moment, Tape
from device_gateway.registry import Registry
from device_gateway.runtime import open_spool, way_to_hub
from device_gateway.settings import Settings
from device_gateway.spool import Report, Spool
from device_gateway.uplink import Uplink

_AT_ONCE: Final = 500  # readings in one commit
_LOOK_S: Final = 0.1

Progress = Callable[[int, int], None]


def _tell_nobody(_acknowledged: int, _all: int) -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One recording on its way. `speed`: how many times faster than it was recorded; None: at once.

    `patience_s`: so long without an answer of the hub, and it fails. `progress` is told (acknowledged, all).
    """

    settings: Settings
    clock: Clock
    ids: Ids
    tape: Tape
    device: str
    speed: float | None = None
    patience_s: float = 120.0
    progress: Progress = _tell_nobody

    async def run(self, stop: asyncio.Event) -> bool:
        """Whether the hub acknowledged everything before `stop` was set. Raises GatewayError."""
        if len(self.tape.moments) > self.settings.spool_max_rows:
            raise RecordingError(f"{len(self.tape.moments)} readings are more than the spool may hold")
        spool = await asyncio.to_thread(open_spool, self.settings, self.ids, self.clock.now())
        registry = Registry(Path(self.settings.data_dir))
        uplink = Uplink(way_to_hub(self.settings), spool, registry, self.clock, self.ids)
        parts = [asyncio.create_task(part) for part in (self._deliver(spool, uplink), uplink.run())]
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((*parts, stopped), return_when=asyncio.FIRST_COMPLETED)
            for part in parts:
                if part.done():
                    part.result()
            return parts[0].done()
        finally:
            for task in (*parts, stopped):
                task.cancel()
            await asyncio.gather(*parts, stopped, return_exceptions=True)
            await asyncio.to_thread(spool.close)

    async def _deliver(self, spool: Spool, uplink: Uplink) -> None:
        """Until the hub has acknowledged all of it, and whatever an interrupted replay had left in the spool."""
        before = await asyncio.to_thread(spool.report)
        left = deque(self.tape.moments)
        began = answered = self.clock.mono_ms()
        last = before.last_ack_at
        while True:
            if due := self._due(left, began):
                await asyncio.to_thread(spool.put, due, self.clock.now())
                uplink.wake()
            report = await asyncio.to_thread(spool.report)
            self.progress(max(0, len(self.tape.moments) - len(left) - report.depth), len(self.tape.moments))
            if not left and not report.depth:
                return _check(before, report)
            if report.last_ack_at != last or not report.depth:
                last, answered = report.last_ack_at, self.clock.mono_ms()
            if self.clock.mono_ms() - answered > 1000 * self.patience_s:
                raise TransientError(_unanswered(self.patience_s, report.depth + len(left), self.settings.data_dir))
            if not due:
                await asyncio.sleep(_LOOK_S)

    def _due(self, left: deque[Moment], began_ms: int) -> list[Measurement]:
        """Takes off `left` what is to be stored now."""
        reached = self._reached(began_ms)
        due: list[Measurement] = []
        while left and left[0].at <= reached and len(due) < _AT_ONCE:
            due.append(self.tape.measurement(left.popleft(), self.device, self.clock))
        return due

    def _reached(self, began_ms: int) -> datetime:
        if self.speed is None:
            return self.tape.until
        passed_s = (self.clock.mono_ms() - began_ms) / 1000
        return min(self.tape.until, self.tape.moments[0].at + timedelta(seconds=passed_s * self.speed))


def _check(before: Report, after: Report) -> None:
    for name, what in (("dropped_total", "dropped"), ("quarantined_total", "set aside"), ("refused_total", "refused")):
        lost = getattr(after, name) - getattr(before, name)
        if lost:
            raise RecordingError(f"{lost} readings of it were {what} on the way: see rpmhub-gateway status")


def _unanswered(patience_s: float, waiting: int, data_dir: str) -> str:
    return (
        f"The hub has not answered for {patience_s:.0f} s. {waiting} readings are left; "
        f"those in the spool in {data_dir} go out with the next replay"
    )
