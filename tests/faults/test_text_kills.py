"""The worker is killed around the moment at which it handles a text; none is lost, none is acted on twice.

``FAULT_TWILIO_KILLS`` says how often, ``FAULT_SEED`` when. The figures are printed at the end (pytest -s).
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random  # noqa: TID251 - seeded here

import pytest
from sqlalchemy import Connection, Engine, select

from hub.adapters.sql.engine import make_engine, read_only
from hub.adapters.sql.tables.alerting import alert, inbound, outbox
from hub.bootstrap import PRODUCTION, build_hub, open_database
from tests.faults.killers import poll
from tests.faults.test_twilio_kills import (
    CLOCK,
    KILLS,
    SEED,
    SETTLES_WITHIN_S,
    STARTS_WITHIN_S,
    at_rest,
    of_a_site,
    pages,
    sent_as,
    staff,
    worker,
)
from tests.twilio.fake import FakeTwilio, fake_twilio

AROUND_S = 1.1
"""A tick comes every second."""


@dataclass(frozen=True, slots=True)
class Figures:
    """``safety``: the emergency number that each writer is sent back; of those Twilio took some more than once?"""

    texts: int
    kept: int
    handled: int
    reds: int
    safety: int
    safety_doubled: int
    kills: int
    seconds: float


@pytest.mark.timeout(180 + 8 * KILLS)
def test_a_worker_killed_while_it_handles_a_cry_for_help(tmp_path: Path) -> None:
    began, chance = CLOCK.monotonic(), Random(f"{SEED}/texts")  # noqa: S311 - a run can be told again
    with fake_twilio() as twilio:
        settings = of_a_site(tmp_path, twilio.url)
        open_database(settings, PRODUCTION)
        engine = make_engine(settings.database)
        staff(build_hub(settings, role="command"))
        with worker(settings, tmp_path, "hub.cli") as program, pages(settings):
            for number in range(KILLS):
                url = f"{settings.public_url}/webhooks/twilio/inbound"
                assert twilio.inbound(url, f"+1555556{number:04}", "I cant breathe") == 200
                poll(read_only(engine), handled, chance.uniform(0, AROUND_S), every=0.002)
                program.kill()
                program.start()
                if number % 3:  # else it is killed while it starts
                    assert poll(read_only(engine), handled, STARTS_WITHIN_S, every=0.02), "a text waits for ever"
            assert poll(read_only(engine), handled, STARTS_WITHIN_S, every=0.1), "a text waits for ever"
            assert poll(read_only(engine), at_rest, SETTLES_WITHIN_S, every=0.1)
        figures = reckon(engine, twilio, round(CLOCK.monotonic() - began, 1))
        engine.dispose()
    print("\n", figures, sep="")
    assert (figures.texts, figures.kept, figures.handled, figures.reds, figures.safety) == (KILLS,) * 5
    assert figures.safety_doubled == 0


def handled(connection: Connection) -> bool:
    return connection.execute(select(inbound.c.id).where(inbound.c.handled_at.is_(None))).first() is None


def reckon(engine: Engine, twilio: FakeTwilio, seconds: float) -> Figures:
    taken = Counter(sent_as(message) for message in twilio.taken)
    with engine.connect() as connection:
        texts = connection.execute(select(inbound.c.handled_at)).scalars().all()
        reds = connection.execute(select(alert.c.id).where(alert.c.problem == "text-danger")).all()
        answers = connection.execute(select(outbox.c.id).where(outbox.c.kind == "answer")).scalars().all()
    return Figures(
        texts=len(twilio.came_in),
        kept=len(texts),
        handled=sum(at is not None for at in texts),
        reds=len(reds),
        safety=len(answers),
        safety_doubled=sum(max(taken[number] - 1, 0) for number in answers),
        kills=KILLS,
        seconds=seconds,
    )
