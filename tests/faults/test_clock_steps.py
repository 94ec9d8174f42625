"""The wall clock of the hub's machine jumps by two hours, there and back, while readings come and pages go out.

``FAULT_STEPS`` says how often, ``FAULT_SEED`` when. Judged by the clock that does not jump: no page may come later than
its chain says. When the wall clock jumps forward pages come early, for what is due is due.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded here

import pytest
from sqlalchemy import select

from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.alerting import alert, demo_phone, outbox
from hub.adapters.sql.tables.measurements import journal
from hub.domain.effective import effective_time
from hub.domain.escalation import Chain
from hub.domain.samples import TIME_SUSPECT
from tests.faults.checker import of_readings
from tests.faults.clinic import ROOT, Clinic, clinic
from tests.faults.cuffs import ILL, WELL, Cuffs
from tests.faults.evidence import gather
from tests.faults.killers import poll
from tests.faults.record import count_of, record
from tests.faults.test_disk_errors import losses

STEPS, SEED = count_of("FAULT_STEPS", 8), count_of("FAULT_SEED", 1)
DEVICES = [f"CF-{number}" for number in range(1, 7)]
A_STEP_S = 7200
ANYWHERE_S = (-A_STEP_S, 0, A_STEP_S)
BETWEEN_S = (1.0, 3.0)
LATE_S = 5.0
"""What G6 allows."""
LOOKS_EVERY_S = 0.1
SAME_S, ON_THE_WAY_S = 0.1, 30.0
"""The gateway counts its part of an age on its monotonic clock; the rest may be wrong by one step, and never more."""
CLINICAL = (outbox.c.kind == "page") & (alert.c.kind == "clinical")
"""A clock that jumps forward makes a gateway seem silent; that alert may be over before its page has left."""
CLOCK = SystemClock()
"""Of this process: it does not jump."""


@dataclass
class Watch:
    """When each page was written and when it was on a phone, by the monotonic clock."""

    place: Clinic
    written: dict[tuple[int, int], float] = field(default_factory=dict)
    """By alert and step."""
    shown: dict[tuple[int, int], float] = field(default_factory=dict)

    def look(self) -> None:
        with self.place.reading.connect() as hub:
            pages = select(outbox.c.id, outbox.c.alert_id, outbox.c.step).join(alert).where(CLINICAL)
            of = {row.id: (row.alert_id, row.step) for row in hub.execute(pages)}
            on_phones = set(hub.execute(select(demo_phone.c.outbox_id).where(~demo_phone.c.inward)).scalars())
        now = CLOCK.monotonic()
        for message, page in of.items():
            self.written.setdefault(page, now)
            if message in on_phones:
                self.shown.setdefault(page, now)

    def escalations_late_s(self, until: float) -> Iterator[float]:
        """Of every page after an alert's first, against the one before; of a page that never came, until then."""
        with self.place.reading.connect() as hub:
            chains = {row.id: Chain.from_json(row.chain) for row in hub.execute(select(alert))}
        for alert_id, step in list(self.written):
            due = self.written[alert_id, step] + chains[alert_id].wait_before(step + 1).total_seconds()
            came = self.written.get((alert_id, step + 1))
            if came is not None or due < until:
                yield max(0.0, (until if came is None else came) - due)

    def sendings_late_s(self, until: float) -> Iterator[float]:
        """From the row to the phone."""
        for page, at in self.written.items():
            yield self.shown.get(page, until) - at


@pytest.mark.timeout(180 + 5 * STEPS)
def test_a_clock_that_jumps_loses_nothing_and_makes_no_page_late(tmp_path: Path) -> None:
    began, steps = CLOCK.monotonic(), tmp_path / "steps"
    steps.write_text("0")
    with (
        clinic(tmp_path, DEVICES, worn_for=timedelta(days=1)) as place,
        closing(Cuffs(place.device_broker, tmp_path / "measured.jsonl")) as cuffs,
    ):
        programs = [
            place.program("ingest", "hub.cli", "ingest"),
            place.program("worker", "hub.cli", "worker"),
            place.program("gateway", "device_gateway", "run"),
        ]
        jumping = {"STEPS_FILE": str(steps), "PYTHONPATH": f"{Path(__file__).parent / 'stepped'}:{ROOT}"}
        for program in programs:
            if program.name != "gateway":
                program.environment = {**program.environment, **jumping}
            program.start()
        watch = Watch(place)
        measured = jump(place, cuffs, watch, steps)
        measured += fall_ill(place, cuffs, watch, steps)
        cuffs.wait_until_taken(10)
        ended = settle(place, watch, measured)
        assert [program.stop() for program in programs] == [0, 0, 0]
        evidence = gather(place)
        late, sending = list(watch.escalations_late_s(ended)), list(watch.sendings_late_s(ended))
        assert wrong_times(place) == []
    found = of_readings(evidence)
    worst = {"escalations": len(late), "late_s": round(max(late), 2), "sending_s": round(max(sending), 2)}
    record("clock_steps", trials=STEPS, began=began, **losses(evidence), **worst, violations=len(found))
    assert found == []
    assert max(late) <= LATE_S + LOOKS_EVERY_S
    assert max(sending) <= LATE_S + LOOKS_EVERY_S


def jump(place: Clinic, cuffs: Cuffs, watch: Watch, steps: Path) -> int:
    """Measure, and have the clock jump; how many measurements there were. Half of the patients fall ill."""
    chance, pause = Random(SEED), threading.Event()  # noqa: S311 - a run can be told again
    stands = measured = 0
    for number in range(-1, STEPS):
        for place_in_row, device in enumerate(DEVICES):
            ill = place_in_row % 2 and number >= place_in_row
            cuffs.measure(device, ILL[0] if ill else WELL, None, CLOCK.now())
            measured += 1
        until = CLOCK.monotonic() + chance.uniform(*BETWEEN_S)
        if number < 0:
            assert poll(place.reading, lambda hub: hub.execute(select(journal.c.id)).first() is not None, 30, every=0.1)
        else:
            stands = chance.choice([other for other in ANYWHERE_S if abs(other - stands) == A_STEP_S])
            steps.write_text(str(stands))
        while CLOCK.monotonic() < until:
            watch.look()
            pause.wait(LOOKS_EVERY_S)
    return measured


def fall_ill(place: Clinic, cuffs: Cuffs, watch: Watch, steps: Path) -> int:
    """One more, who is paged for and then has the clock go back for good; how many measurements that takes."""
    steps.write_text("0")
    seen = {alert_id for alert_id, _ in watch.written}
    cuffs.measure(DEVICES[0], ILL[0], None, CLOCK.now())

    def paged(_: object) -> bool:
        watch.look()
        return any(alert_id not in seen for alert_id, _ in watch.written)

    assert poll(place.reading, paged, 30, every=LOOKS_EVERY_S), "nobody was paged"
    steps.write_text(str(-A_STEP_S))
    return 1


def settle(place: Clinic, watch: Watch, measured: int) -> float:
    """Until everything has arrived, and for whoever fell ill last a second person was paged; when that was."""
    last = max(alert_id for alert_id, _ in watch.written)

    def is_so(_: object) -> bool:
        watch.look()
        return count(place) == measured and (last, 1) in watch.written

    assert poll(place.reading, is_so, 60, every=LOOKS_EVERY_S), f"{count(place)} of {measured} readings arrived"
    watch.look()
    return CLOCK.monotonic()


def count(place: Clinic) -> int:
    with place.reading.connect() as hub:
        return len(hub.execute(select(journal.c.id)).all())


def wrong_times(place: Clinic) -> Sequence[str]:
    """A reading stands where it was measured; where that cannot be by the hub's clock, at its receipt and marked."""
    found = []
    with place.reading.connect() as hub:
        for row in hub.execute(select(journal)):
            body = json.loads(row.body)
            measured, received, sent = map(
                datetime.fromisoformat,
                (body["reading"]["measured_at"], body["reading"]["received_at"], body["sent_at"]),
            )
            wanted = effective_time(measured, row.hub_received_at)
            if (wanted.at, wanted.suspect) != (row.effective_at, TIME_SUSPECT in row.flags.split()):
                found.append(f"{row.id}: measured {measured}, received {row.hub_received_at}, at {row.effective_at}")
            in_spool = (sent - received).total_seconds()
            if not -SAME_S <= row.age_s - in_spool <= A_STEP_S + ON_THE_WAY_S:
                found.append(f"{row.id}: an age of {row.age_s} s")
    return found
