"""The demo's phones: rows in the hub's own database, shown on the phones page. Nobody is paged (SF20)."""

from datetime import datetime

from sqlalchemy import Engine

from hub.adapters.sql.tables.alerting import demo_phone
from hub.adapters.sql.upsert import insert_or_ignore
from hub.services.ports.base import Delivery

INVENTED = "+1555"
"""Numbers of the demo are fictional ones; no other number gets even a row."""


class DemoPhone:
    """Puts a message on an invented phone. A second one with the same id shows once."""

    name = "demo_phone"
    reaches_people = False
    answers_keywords = False
    idempotent = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def send(self, outbox_id: int, to: str, body: str, now: datetime) -> Delivery:
        """Delivered; a number that is not invented fails for good."""
        if not to.startswith(INVENTED):
            return Delivery("failed", error="not one of the demo's invented numbers", permanent=True)
        row = {"outbox_id": outbox_id, "phone": to, "inward": False, "body": body, "at": now}
        with self._engine.begin() as connection:
            insert_or_ignore(connection, demo_phone, [row])
        return Delivery("delivered", f"demo-{outbox_id}")
