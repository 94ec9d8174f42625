import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from zoneinfo import ZoneInfo

from device_gateway.frames import Measurement, RawFrame, Rejected
from device_gateway.registry import Registry
from device_gateway.runtime import Gateway, interpret
from device_gateway.settings import Settings
from device_gateway.spool import RETAINED, Limits, Spool
from device_gateway.uplink import Uplink
from tests.unit.gateway.parts import CUFF, NOW, CountingIds, HandClock, frame

SETTINGS = Settings(mqtt_url="mqtt://gw-1@127.0.0.1:1", zone="Europe/Paris")
GATEWAY = Gateway(SETTINGS, HandClock(), CountingIds())


class Device:
    """A source that remembers which of its frames it was told are safe."""

    name = "device"

    def __init__(self, *frames: RawFrame) -> None:
        self._frames = frames
        self.safe = 0
        self.left: tuple[RawFrame, ...] = ()

    async def frames(self) -> AsyncGenerator[tuple[RawFrame, ...], None]:
        for each in self._frames:
            yield (each,)
            self.safe += 1

    def rest(self) -> tuple[RawFrame, ...]:
        return self.left


def spool_in(directory: Path) -> tuple[Spool, Uplink]:
    spool = Spool(directory, Limits(), CountingIds(), NOW)
    return spool, Uplink(GATEWAY._way(), spool, Registry(directory), HandClock(), CountingIds())


def test_a_retained_message_is_never_a_reading() -> None:
    old = frame(retained=True)

    assert interpret(old, ZoneInfo("UTC")) == Rejected(RETAINED, "an old message, repeated by the broker", old)


def test_a_new_message_is() -> None:
    assert isinstance(interpret(frame(), ZoneInfo("UTC")), Measurement)


def test_what_came_while_a_source_was_left_is_stored_too(tmp_path: Path) -> None:
    spool, uplink = spool_in(tmp_path)
    device = Device(frame())
    device.left = (frame(json.dumps(CUFF | {"seq": 18}).encode()),)

    asyncio.run(GATEWAY._pump(device, spool, uplink)())  # type: ignore[arg-type]
    assert spool.report().depth == 2


def test_each_frame_is_safe_once_it_is_stored(tmp_path: Path) -> None:
    spool, uplink = spool_in(tmp_path)
    device = Device(frame(), frame(b"no JSON"), frame(json.dumps(CUFF | {"seq": 18}).encode()))

    async def story() -> None:
        await GATEWAY._pump(device, spool, uplink)()

    asyncio.run(story())
    assert device.safe == 3
    assert (spool.report().depth, spool.report().quarantined_total) == (2, 1)


def test_while_the_disk_is_full_no_frame_is_safe(tmp_path: Path) -> None:
    spool, uplink = spool_in(tmp_path)
    device = Device(*(frame(b"x" * 100_000) for _ in range(2)))
    assert spool._db is not None
    (pages,) = spool._db.execute("PRAGMA page_count").fetchone()
    spool._db.execute(f"PRAGMA max_page_count={pages}")

    async def story() -> None:
        pumping = asyncio.create_task(GATEWAY._pump(device, spool, uplink)())
        done, _ = await asyncio.wait({pumping}, timeout=0.5)
        assert (done, device.safe) == (set(), 0)
        await pumping  # the next attempt opens the file anew, without the limit

    asyncio.run(story())
    assert (device.safe, spool.report().quarantined_total) == (2, 2)


def test_a_part_that_fails_starts_again_and_is_counted(tmp_path: Path) -> None:
    spool, _ = spool_in(tmp_path)
    starts: list[str] = []

    async def story() -> None:
        again = asyncio.Event()

        async def part() -> None:
            starts.append("started")
            if len(starts) == 2:
                again.set()
                await asyncio.Event().wait()
            raise OSError("the radio is gone")

        keeping = asyncio.create_task(GATEWAY._kept_up("radio", part, spool))
        await again.wait()
        keeping.cancel()

    asyncio.run(story())
    assert spool.report().source_failures_total == 1
