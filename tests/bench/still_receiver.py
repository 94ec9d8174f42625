"""The hub's receiver at the instant that is its first argument: what was prepared stays as old as it is."""

import sys
from datetime import datetime

from hub.adapters.clock import SystemClock
from hub.adapters.receiver import main

INSTANT = datetime.fromisoformat(sys.argv[1])


class StillClock(SystemClock):
    def now(self) -> datetime:
        return INSTANT


if __name__ == "__main__":
    main(StillClock())
