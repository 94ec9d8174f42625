"""The worker is killed around the moment at which Twilio takes a page; no alert is left without one, none comes twice.

``FAULT_TWILIO_KILLS`` says how often, ``FAULT_SEED`` when. The figures are printed at the end (pytest -s) and
written to ``twilio.json`` beside the run's files.
"""

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random  # noqa: TID251 - seeded here

import pytest
from sqlalchemy import Engine, select
from werkzeug.serving import make_server

from dashboards.app import create_app
from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import make_engine, read_only
from hub.adapters.sql.tables.alerting import alert, outbox
from hub.bootstrap import PRODUCTION, build_hub, open_database
from hub.domain.severity import Severity
from hub.services import alerting, staffing
from hub.services.hub import Actor, Hub
from hub.settings import Settings
from tests.faults.clinic import Program
from tests.faults.killers import poll
from tests.servers import free_port
from tests.twilio.fake import ACCOUNT, SENDER, TOKEN, FakeTwilio, Taken, fake_twilio

KILLS = int(os.environ.get("FAULT_TWILIO_KILLS", "12"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
CLOCK = SystemClock()
AROUND_S = 0.03
"""A send and the row that says so take about as long."""
SILENCES = ((), ("accept_hang",), (), ("hang",))
STARTS_WITHIN_S = 30.0
SETTLES_WITHIN_S = 60.0
"""A message whose sender died is given up when its lease of 20 s is over; then the next person is paged."""


@dataclass(frozen=True, slots=True)
class Figures:
    """``unknown``: messages whose sender died; ``unknown_taken``: those of them that Twilio had taken all the same.

    ``alerts_paging_on``: every sender of three died, the hub says that nobody was reached, and pages again in 10 min.
    """

    alerts: int
    alerts_lost: int
    alerts_paging_on: int
    taken: int
    doubled: int
    unknown: int
    unknown_taken: int
    wrongly_accepted: int
    unknown_after_callbacks: int
    kills: int = 0
    seconds: float = 0.0


@pytest.mark.timeout(180 + 8 * KILLS)
def test_a_worker_killed_while_twilio_takes_a_page(tmp_path: Path) -> None:
    figures = kill_again_and_again(tmp_path, "hub.cli", KILLS)
    (tmp_path / "twilio.json").write_text(json.dumps(asdict(figures), indent=2))
    print("\n", figures, sep="")
    assert (figures.alerts, figures.alerts_lost, figures.doubled, figures.wrongly_accepted) == (KILLS, 0, 0, 0)
    assert figures.alerts_paging_on <= KILLS // 20, "one in twenty is more than chance"
    assert figures.unknown > 0, "no kill met a message on its way"
    assert figures.unknown_after_callbacks == figures.unknown - figures.unknown_taken


def test_a_worker_that_sends_again_blindly_is_caught(tmp_path: Path) -> None:
    figures = kill_again_and_again(tmp_path, "tests.faults.broken.resender", 2)
    assert (figures.unknown, figures.doubled > 0) == (0, True)


def kill_again_and_again(directory: Path, module: str, kills: int) -> Figures:
    """A site of its own, a worker that is killed so often around a send, and Twilio's callbacks when all is over."""
    began, chance = CLOCK.monotonic(), Random(f"{SEED}/twilio")  # noqa: S311 - a run can be told again
    with fake_twilio() as twilio:
        settings = of_a_site(directory, twilio.url)
        open_database(settings, PRODUCTION)
        engine, hub = make_engine(settings.database), build_hub(settings, role="command")
        staff(hub)
        with worker(settings, directory, module) as program, pages(settings):
            for number in range(kills):
                kill_around_a_send(hub, twilio, program, number, chance)
            assert poll(read_only(engine), at_rest, SETTLES_WITHIN_S, every=0.1)
            before = rows(engine)
            assert {twilio.tell(message, "delivered") for message in twilio.taken} == {204}
            after = rows(engine)
        figures = reckon(engine, twilio, before, after)
        engine.dispose()
    return replace(figures, kills=kills, seconds=round(CLOCK.monotonic() - began, 1))


def of_a_site(directory: Path, twilio_url: str) -> Settings:
    port = free_port()
    return Settings(
        data_dir=str(directory / "hub"),
        public_url=f"http://127.0.0.1:{port}",
        http_port=port,
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TOKEN,
        twilio_from=SENDER,
        twilio_base_url=twilio_url,
        clinic_zone="UTC",
        emergency_number="112",
        last_resort_phone="+15555550199",
    )


def staff(hub: Hub) -> None:
    setter = Actor("the tests", "admin")
    for login, phone in (("otto", "+15555550101"), ("olga", "+15555550102")):
        staffing.add_staff(hub, setter, login, login.title(), "operator", "not a secret", phone)


@contextmanager
def worker(settings: Settings, directory: Path, module: str) -> Iterator[Program]:
    environment = {f"RPMHUB_{name.upper()}": str(getattr(settings, name)) for name in settings.__struct_fields__}
    program = Program("worker", (module, "worker"), environment, directory / "worker.log")
    program.start()
    try:
        yield program
    finally:
        program.kill()


@contextmanager
def pages(settings: Settings) -> Iterator[None]:
    """The web role, for Twilio's callbacks."""
    server = make_server("127.0.0.1", settings.http_port, create_app(build_hub(settings)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kill_around_a_send(hub: Hub, twilio: FakeTwilio, program: Program, number: int, chance: Random) -> None:
    """Every other time Twilio says nothing, having taken the page or not; else chance says how far the worker gets."""
    twilio.faults.extend(SILENCES[number % len(SILENCES)])
    seen = twilio.requests
    with hub.unit_of_work() as uow:
        alerting.technical(uow, hub, f"gateway:g-{number}", "offline", Severity.RED, "It is offline", hub.clock.now())
        uow.commit()
    with twilio.asked:
        assert twilio.asked.wait_for(lambda: twilio.requests > seen, STARTS_WITHIN_S), "the worker sends nothing"
    threading.Event().wait(chance.uniform(0, AROUND_S))
    program.kill()
    program.start()


def at_rest(connection: object) -> bool:
    waiting = select(outbox.c.id).where(outbox.c.state.in_(["pending", "sending"]))
    return connection.execute(waiting).first() is None  # type: ignore[attr-defined, no-any-return]


def rows(engine: Engine) -> dict[int, str]:
    with engine.connect() as connection:
        return {row.id: row.state for row in connection.execute(select(outbox.c.id, outbox.c.state))}


def sent_as(message: Taken) -> int:
    """The hub's own number of a message, from the address that Twilio was told to call."""
    assert message.callback is not None
    return int(message.callback.rpartition("=")[2])


def reckon(engine: Engine, twilio: FakeTwilio, before: dict[int, str], after: dict[int, str]) -> Figures:
    taken = Counter(sent_as(message) for message in twilio.taken)
    with engine.connect() as connection:
        offline = select(alert.c.id).where(alert.c.problem == "offline")
        alerts = set(connection.execute(offline).scalars())
        of_alert = select(outbox.c.alert_id).where(outbox.c.id.in_(taken))
        reached = set(connection.execute(of_alert).scalars())
        said_so = alert.c.nobody_reached_at.is_not(None) & alert.c.next_page_at.is_not(None)
        paging_on = set(connection.execute(offline.where(said_so)).scalars()) - reached
    unknown = {number for number, state in before.items() if state == "unknown"}
    return Figures(
        alerts=len(alerts),
        alerts_lost=len(alerts - reached - paging_on),
        alerts_paging_on=len(paging_on),
        taken=len(twilio.taken),
        doubled=sum(times - 1 for times in taken.values()),
        unknown=len(unknown),
        unknown_taken=len(unknown & taken.keys()),
        wrongly_accepted=sum(state == "accepted" and number not in taken for number, state in before.items()),
        unknown_after_callbacks=sum(state == "unknown" for state in after.values()),
    )
