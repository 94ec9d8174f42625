"""The checker finds nothing in a run as it should be, and each fault by itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.faults.checker import violations
from tests.faults.evidence import Alerted, Evidence, Found, Journalled, Measured, Sent, Spooled

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WELL, ILL = ("CF-1", "1/noon"), ("CF-1", "2/noon")

SOUND = Evidence(
    measured=(
        Measured(WELL, NOON, accepted=True),
        Measured(ILL, NOON, accepted=True, problem="pulse-high", rules=frozenset({"pulse-high"}), episode=0),
    ),
    given=3,
    dropped=0,
    undecodable=0,
    spooled=(Spooled("kept", 1, WELL), Spooled("kept", 2, ILL), Spooled("kept", 3, WELL)),
    journal=(Journalled(1, 1, WELL, "stored", 1, NOON), Journalled(2, 2, ILL, "stored", 2, NOON)),
    readings=(16, 32, 33),
    refused=(),
    findings=(Found(2, "pulse-high", 1),),
    alerts=(Alerted(1, "clinical", "patient:1", "pulse-high", "resolved", NOON),),
    paged=(1,),
    messages=(Sent(1, "page", 1, (1, 0), "delivered"), Sent(2, "stand_down", 1, (None, None), "delivered")),
    phones=(1, 2),
)

FAULTS: dict[str, Callable[[Evidence], Evidence]] = {
    "acknowledged and not in the journal: CF-1 1/noon": lambda e: replace(
        e, journal=e.journal[1:], readings=e.readings[1:]
    ),
    "measured and lost: CF-1 1/noon": lambda e: replace(e, journal=e.journal[1:], readings=e.readings[1:]),
    "never taken from the cuff": lambda e: replace(e, measured=(replace(e.measured[0], accepted=False), e.measured[1])),
    "2 journal rows for CF-1 1/noon": lambda e: replace(e, journal=(*e.journal, replace(e.journal[0], id=3, seq=3))),
    "2 journal rows for the spool's number 1": lambda e: replace(e, journal=(*e.journal, replace(e.journal[0], id=3))),
    "nobody measured CF-1 1/noon": lambda e: replace(e, measured=e.measured[1:]),
    "journalled and no reading: 33": lambda e: replace(e, readings=(16, 32)),
    "a reading without a journal row: 48": lambda e: replace(e, readings=(16, 32, 33, 48)),
    "reading 16 is there 2 times": lambda e: replace(e, readings=(16, 16, 32, 33)),
    "CF-1 1/noon is held": lambda e: replace(e, journal=(replace(e.journal[0], status="held"), e.journal[1])),
    "the hub put a message aside: schema": lambda e: replace(e, refused=("schema",)),
    "the gateway put 1 messages aside": lambda e: replace(e, undecodable=1),
    "the spool gave out 4 numbers, has 3": lambda e: replace(e, given=4),
    "still stands in the spool's queue": lambda e: replace(
        e, spooled=(*e.spooled[:2], replace(e.spooled[2], place="queue"))
    ),
    "number 3 was never given out": lambda e: replace(
        e, given=2, spooled=e.spooled[:2], journal=(*e.journal, replace(e.journal[0], id=3, seq=3))
    ),
    "must speak ['pulse-high'], spoke []": lambda e: replace(e, findings=()),
    "spoke ['pulse-high', 'pulse-high']": lambda e: replace(e, findings=e.findings * 2),
    "episode 0 (pulse-high) has the alerts []": lambda e: replace(e, findings=()),
    "episode 0 (pulse-high) has the alerts ['None']": lambda e: replace(
        e, findings=(replace(e.findings[0], alert_id=None),)
    ),
    "alert 2 (pulse-high) is nobody's episode": lambda e: replace(
        e, alerts=(*e.alerts, replace(e.alerts[0], id=2)), paged=(1, 2)
    ),
    "alert 1 stands for 2 episodes": lambda e: replace(
        e,
        measured=(*e.measured, replace(e.measured[1], record=WELL, episode=1)),
        findings=(*e.findings, replace(e.findings[0], journal_id=1)),
    ),
    "2 open alerts of pulse-high for patient:1": lambda e: replace(
        e, alerts=(replace(e.alerts[0], state="open"), replace(e.alerts[0], id=2, state="open"))
    ),
    "alert 1 paged 2 times, with 1 messages": lambda e: replace(e, paged=(1, 1)),
    "alert 1 paged out of turn": lambda e: replace(e, messages=(replace(e.messages[0], place=(1, 1)), e.messages[1])),
    "no page of alert 1 ever arrived": lambda e: replace(e, phones=(2,)),
    "page 1 ended as stale": lambda e: replace(e, messages=(replace(e.messages[0], state="stale"), e.messages[1])),
    "page 1 (delivered) is on its phone 2 times": lambda e: replace(e, phones=(1, 1, 2)),
    "stand_down 2 (delivered) is on its phone 0 times": lambda e: replace(e, phones=(1,)),
    "a phone shows message 9, which nobody wrote": lambda e: replace(e, phones=(1, 2, 9)),
}


def test_a_run_as_it_should_be() -> None:
    assert violations(SOUND) == []


@pytest.mark.parametrize(("sentence", "fault"), FAULTS.items(), ids=FAULTS)
def test_a_fault_is_named(sentence: str, fault: Callable[[Evidence], Evidence]) -> None:
    assert any(sentence in found for found in violations(fault(SOUND)))
