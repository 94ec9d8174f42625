"""Python starts with this when the directory is on its path: from then on the wall clock is moved, live.

The file that ``STEPS_FILE`` names says by how many seconds. Whatever reads the wall clock in Python sees it, in our
programs and in their libraries; the monotonic clock goes on as it is.
"""

import os
import threading
import time
from pathlib import Path

import time_machine

EVERY_S = 0.02


def _follow(file: Path, clock: time_machine.Traveller) -> None:
    stands, pause = 0.0, threading.Event()
    while True:
        wanted = float(file.read_text() or stands)
        if wanted != stands:
            clock.shift(wanted - stands)
            stands = wanted
        pause.wait(EVERY_S)


def _begin(file: Path) -> None:
    clock = time_machine.travel(time.time(), tick=True).start()  # noqa: TID251 - the real one, once
    threading.Thread(target=_follow, args=(file, clock), daemon=True).start()


_begin(Path(os.environ["STEPS_FILE"]))
