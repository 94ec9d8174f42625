"""A worker that dies after it has sent a page and before it has noted it.

``broken`` has a channel that shows a message again when it is sent again, and says that it does not. ``sound`` has the
demo's own. Both wait two seconds for a dead sender instead of a minute.
"""

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from hub import bootstrap, cli
from hub.adapters.channels.demo_phone import DemoPhone
from hub.adapters.sql.tables.alerting import demo_phone
from hub.services.engine import delivery
from hub.services.ports.base import Delivery
from tests.faults.broken.crash import die_once

DATA = Path(os.environ["RPMHUB_DATA_DIR"])


class ShowsOnce(DemoPhone):
    def send(self, outbox_id: int, to: str, body: str, now: datetime) -> Delivery:
        told = super().send(outbox_id, to, body, now)
        die_once(DATA)
        return told


class ShowsEachTime(DemoPhone):
    def send(self, outbox_id: int, to: str, body: str, now: datetime) -> Delivery:
        row = {"outbox_id": outbox_id, "phone": to, "inward": False, "body": body, "at": now}
        with self._engine.begin() as connection:
            connection.execute(insert(demo_phone).values(row))
        die_once(DATA)
        return Delivery("delivered", f"demo-{outbox_id}")


if __name__ == "__main__":
    delivery.LEASE = timedelta(seconds=2)
    bootstrap.DemoPhone = {"broken": ShowsEachTime, "sound": ShowsOnce}[sys.argv.pop(1)]
    cli.main()
