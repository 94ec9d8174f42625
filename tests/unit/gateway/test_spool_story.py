"""Any order of puts, leases, answers and restarts: nothing is lost, nothing is given twice, every loss is counted."""

import json
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from device_gateway.frames import FROM_MEMORY
from device_gateway.spool import Limits, Spool
from tests.unit.gateway.parts import CountingIds, HandClock, measurement

LIMITS = Limits(max_rows=12, keep_acked=timedelta(hours=1))


class SpoolStory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.clock, self.ids = HandClock(), CountingIds()
        self.spool = self.open()
        self.made = self.answered = 0
        self.highest_seq = 0
        self.record_of: dict[int, str] = {}
        self.flying: set[int] = set()
        self.gone: set[int] = set()

    def open(self) -> Spool:
        return Spool(Path(self.directory.name), LIMITS, self.ids, self.clock.now())

    @rule(count=st.integers(1, 6), stored=st.booleans())
    def put(self, count: int, *, stored: bool) -> None:
        flags = (FROM_MEMORY,) if stored else ()
        numbers = range(self.made + 1, self.made + count + 1)
        moment = self.clock.now()
        self.spool.put([measurement(n, flags=flags, measured_at=moment, received_at=moment) for n in numbers], moment)
        self.made += count

    @rule(live=st.booleans(), limit=st.integers(1, 5))
    def lease(self, limit: int, *, live: bool) -> None:
        for row in self.spool.lease(live=live, now=self.clock.now(), limit=limit):
            assert row.seq not in self.flying
            assert row.seq not in self.gone
            record = json.loads(row.body)["record"]
            assert self.record_of.setdefault(row.seq, record) == record
            self.flying.add(row.seq)

    @rule(refused=st.booleans(), share=st.floats(0, 1))
    def answer(self, share: float, *, refused: bool) -> None:
        named = sorted(self.flying)[: round(share * len(self.flying))]
        if refused:
            self.spool.refuse(named, "schema", self.clock.now())
        else:
            assert self.spool.acknowledge(named, self.clock.now()) == len(named)
        self.gone |= set(named)
        self.flying -= set(named)
        self.answered += len(named)

    @rule()
    def release(self) -> None:
        self.spool.release(self.flying)
        self.flying.clear()

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        self.clock.forward(minutes=minutes)

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.spool = self.open()
        self.flying.clear()

    @invariant()
    def every_reading_is_accounted_for(self) -> None:
        report = self.spool.report()
        assert self.made == report.depth + self.answered + report.dropped_total
        assert report.depth + report.kept <= LIMITS.max_rows + len(self.flying)

    @invariant()
    def a_record_has_one_number(self) -> None:
        assert len(set(self.record_of.values())) == len(self.record_of)

    def teardown(self) -> None:
        self.spool.close()
        self.directory.cleanup()


TestSpoolStory = SpoolStory.TestCase
TestSpoolStory.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
