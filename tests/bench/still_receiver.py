"""The hub's receiver at the instant that is its first argument: what was prepared stays as old as it is."""

import sys
from datetime import datetime

from hub.adapters.clock import SystemClock
from hub.adapters.mqtt_inbox import MqttInbox
from hub.adapters.receiver import Begin, main

INSTANT = datetime.fromisoformat(sys.argv[1])


class StillClock(SystemClock):
    def now(self) -> datetime:
        return INSTANT


def inbox_of(begin: Begin) -> MqttInbox:
    return MqttInbox(begin, begin.client_id, StillClock(), begin.ca_file, epoch=begin.epoch)


if __name__ == "__main__":
    main(inbox_of)
