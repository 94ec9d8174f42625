"""The hub's receiver at the instant that is its first argument: what was prepared stays as old as it is.

When the first message came, by the monotonic clock, is written into the file that is its second one.
"""

import sys
from datetime import datetime
from pathlib import Path

from hub.adapters.clock import SystemClock
from hub.adapters.receiver import main

INSTANT, FIRST = datetime.fromisoformat(sys.argv[1]), Path(sys.argv[2])


class StillClock(SystemClock):
    """Asked for the time when a message comes, and at no other time."""

    heard = False

    def now(self) -> datetime:
        if not self.heard:
            self.heard = True
            FIRST.write_text(repr(self.monotonic()), encoding="utf-8")
        return INSTANT


if __name__ == "__main__":
    main(StillClock())
