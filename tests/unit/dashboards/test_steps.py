"""What to do about an alert, how it may end, and what happened to it."""

from dataclasses import replace

import pytest

from dashboards.viewmodels.next_step import advice, next_step, standing, subject_words
from dashboards.viewmodels.outcomes import outcome_words, outcomes_for
from dashboards.viewmodels.readiness import missing
from dashboards.viewmodels.reply_words import quick_replies, with_last_resort
from dashboards.viewmodels.timeline import Entry, Run, folded, timeline
from dashboards.viewmodels.working import gateway_state
from hub.domain.alerts import OUTCOMES
from hub.domain.severity import Severity
from hub.services.views.alerts import AlertPage, ContactLine, Event, Message
from hub.services.views.equipment import Bubble, GatewayLine, Phone
from hub.services.views.running import Beat, Running
from tests.unit.dashboards.shown import NOW, ZONE, ago, alert

TAKEN = {"state": "acknowledged", "owner_id": 7, "owner": "Ana", "acknowledged_at": ago(minutes=1)}


@pytest.mark.parametrize(
    ("row", "act", "words"),
    [
        (alert(), "acknowledge", "It pages nobody"),
        (alert(nobody_reached_at=NOW), "acknowledge", "Nobody has been reached"),
        (alert(**TAKEN), "contact", "You have it since 14:03"),
        (alert(**TAKEN | {"owner_id": 8, "owner": "Ben"}), "contact", "Ben has it"),
        (alert(**TAKEN, contacted_at=NOW), "resolve", "Write down"),
        (alert(**TAKEN, kind="technical"), "resolve", "Write down"),
        (alert(**TAKEN | {"patient": None}), "resolve", "Write down"),
        (alert(state="closed"), "seen", "It closed by itself"),
        (alert(state="closed", closing_seen_at=NOW), "none", "Nothing is left"),
        (alert(state="resolved", closed_by="Ana", closed_at=NOW), "none", "Resolved by Ana at 14:04"),
        (alert(state="ended"), "none", "Ended with the monitoring"),
    ],
)
def test_one_next_step(row: object, act: str, words: str) -> None:
    step = next_step(row, 7, ZONE, NOW)  # type: ignore[arg-type]
    assert step.act == act
    assert words in step.words


def test_the_duty_before_it_lapses() -> None:
    opened = {"chart_opened_at": NOW}
    assert next_step(alert(**TAKEN), 7, ZONE, NOW).duty == "open the chart"
    assert next_step(alert(**TAKEN, **opened), 7, ZONE, NOW).duty == "record a contact"
    assert next_step(alert(**TAKEN, **opened, contacted_at=NOW), 7, ZONE, NOW).duty == "resolve"


def test_advice_fits_the_alert() -> None:
    assert any("112" in line for line in advice(alert(), "112"))
    assert any("repeat" in line for line in advice(alert(confirmed=False), ""))
    assert not any("112" in line for line in advice(alert(severity=Severity.AMBER), "112"))
    assert any("charged" in line for line in advice(alert(kind="missing"), "112"))
    assert any("Devices" in line for line in advice(alert(kind="technical"), "112"))


@pytest.mark.parametrize("kind", ["clinical", "missing", "technical"])
def test_outcomes_are_those_the_hub_knows(kind: str) -> None:
    offered = outcomes_for(alert(kind=kind))
    assert offered
    assert set(offered) <= set(OUTCOMES.items())
    assert outcome_words("true") == OUTCOMES["true"]


def test_the_timeline_is_in_order_and_says_each_thing_once() -> None:
    page = AlertPage(
        alert=alert(),
        phone=None,
        findings=(),
        found=(),
        events=(
            Event(ago(minutes=5), "hub", "OPEN-1", "opened"),
            Event(ago(minutes=1), "Ana", "CON-1", "reached the patient"),
        ),
        messages=(Message(ago(minutes=4), "page", "Ana", "failed", None, "no such number"),),
        contacts=(ContactLine(ago(minutes=1), "Ana", "phone", True, "well"),),
        similar=(),
    )
    lines = timeline(page)
    assert [(line.kind, line.words) for line in lines] == [
        ("act", "opened"),
        ("message", "Page to Ana: FAILED (no such number)"),
        ("contact", "phone: reached the patient: well"),
    ]
    assert [line.trouble for line in lines] == [False, True, False]


def test_findings_that_changed_nothing_are_one_line_and_all_else_stands_alone() -> None:
    def act(seconds: int, code: str) -> Entry:
        return Entry(ago(seconds=seconds), "act", "hub", f"at {seconds}", code)

    page = Entry(ago(seconds=35), "message", "hub", "Page to Ana: delivered")
    story = [
        act(60, "OPEN-1"),
        act(55, "ADD-1"),
        act(50, "WORSE-2"),
        act(45, "ADD-1"),
        act(40, "ADD-1"),
        page,
        act(30, "ADD-1"),
        act(25, "ADD-1"),
        act(20, "ADD-1"),
    ]

    def run(*entries: Entry) -> Run:
        return Run(len(entries), entries[0].at, entries[-1].at, entries)

    lines = folded(story, [entry.at for entry in story if entry.kind == "act"])
    assert lines == [*story[:3], run(*story[3:5]), page, run(*story[6:])]
    assert [entry for line in lines for entry in (line.entries if isinstance(line, Run) else [line])] == story


def test_findings_that_the_history_leaves_out_are_counted() -> None:
    opened = Entry(ago(seconds=60), "act", "hub", "opened", "OPEN-1")
    named = Entry(ago(seconds=60), "act", "hub", "more", "ADD-1")
    paged = Entry(ago(seconds=40), "act", "hub", "paged", "ESC-1")
    worse = Entry(ago(seconds=20), "act", "hub", "worse", "WORSE-2")
    found = [ago(seconds=90), *(ago(seconds=s) for s in (60, 60, 50, 40, 30, 20, 10))]
    assert folded([opened, named, paged, worse], found) == [
        opened,
        Run(2, ago(seconds=60), ago(seconds=50), (named,)),
        paged,
        Run(2, ago(seconds=40), ago(seconds=30), ()),
        worse,
        Run(1, ago(seconds=10), ago(seconds=10), ()),
    ]
    before = Entry(ago(seconds=20), "act", "hub", "more", "ADD-1")
    assert folded([opened, before, worse], [ago(seconds=60), ago(seconds=20), ago(seconds=20)]) == [
        opened,
        before,
        worse,
    ]


def _phone(*texts: tuple[bool, str]) -> Phone:
    return Phone(
        "+15555550101",
        "Ana",
        "nurse",
        tuple(Bubble(str(n), inward, body, NOW) for n, (inward, body) in enumerate(texts)),
    )


def test_a_phone_offers_what_its_texts_ask_for() -> None:
    page = "Riverside RED 07:04 ref K7Q2. Reply 1a to take it, 1e to pass on."
    other = "Riverside RED 07:05 ref M3XT. Reply 2a to take it."
    first = [("1a", "1a: take K7Q2"), ("1e", "1e: pass on K7Q2")]
    assert quick_replies(_phone((False, page), (False, other))) == [("2a", "2a: take M3XT")]
    assert quick_replies(_phone((False, page), (False, other), (True, "2a"))) == first
    assert quick_replies(_phone((False, page), (True, "1A"))) == []
    assert quick_replies(_phone((False, page), (False, "K7Q2 is with Ben since 07:05. You need do nothing."))) == []
    assert quick_replies(_phone()) == []


def test_a_page_that_came_again_or_became_worse_is_offered_again() -> None:
    page = "Riverside RED 07:04 ref K7Q2. Reply 1a to take it, 1e to pass on."
    worse = "K7Q2 became worse 07:06: it is RED now. Reply 1a again to take it."
    assert quick_replies(_phone((False, page), (True, "1a"), (False, worse))) == [("1a", "1a: take K7Q2")]
    assert [body for body, _ in quick_replies(_phone((False, page), (True, "1e"), (False, page)))] == ["1a", "1e"]


def test_the_last_resort_has_a_phone_of_its_own() -> None:
    staff, other = _phone(), replace(_phone(), number="+15555550177", owner="Kim", role="patient")
    unnamed = replace(_phone((False, "x")), number="+15555550199", owner=None, role=None)
    named = replace(unnamed, owner="Last resort")
    assert with_last_resort((staff, other, unnamed), "+15555550199") == [staff, named, other]
    assert with_last_resort((staff,), "+15555550199") == [staff, replace(named, bubbles=())]
    assert with_last_resort((staff, other), staff.number) == [staff, other]
    assert with_last_resort((staff, other), None) == [staff, other]


def test_gateways_in_words() -> None:
    def gateway(**fields: object) -> GatewayLine:
        values = {"online": True, "online_changed_at": None, "heard_at": NOW, "spool_depth": 0, "dropped": 0}
        return GatewayLine(id="g", name="Home", **values | {"clock_offset_s": None, "retired_at": None} | fields)  # type: ignore[arg-type]

    assert gateway_state(gateway(), NOW, ZONE).word == "working"
    assert gateway_state(gateway(heard_at=None), NOW, ZONE).word == "never heard"
    assert gateway_state(gateway(heard_at=ago(hours=1)), NOW, ZONE).word == "quiet since 13:04"
    assert gateway_state(gateway(online=False, online_changed_at=ago(hours=2)), NOW, ZONE).word == "offline since 12:04"
    assert gateway_state(gateway(retired_at=NOW), NOW, ZONE).word == "retired"
    assert gateway_state(gateway(dropped=3, clock_offset_s=-400.0), NOW, ZONE).notes == (
        "3 readings were dropped because its store was full",
        "its clock is 6 min off",
    )


def _missing(*ingest: Beat) -> list[str]:
    beats = (*ingest, Beat("worker", "1", NOW, {}), Beat("sender", "1", NOW, {}))
    return missing(Running(beats, {}, {}, {}, {}, 0, 0), NOW)


def test_not_ready_without_the_broker_or_while_ingest_holds() -> None:
    cut, holding = "ingest has no connection to the broker", "ingest holds what comes"
    assert _missing(Beat("ingest", "1", NOW, {"queue": 0, "connected": True, "holding": False})) == []
    assert _missing(Beat("ingest", "1", NOW, {"queue": 0, "connected": False})) == [cut]
    stored = {"connected": False, "ailing": {"stored readings": "unconnected"}}
    assert _missing(Beat("ingest", "1", NOW, stored)) == [f"{cut} for stored readings"]
    assert _missing(Beat("ingest", "1", NOW, {"queue": 7, "connected": True, "holding": True})) == [holding]
    assert _missing(Beat("ingest", "1", NOW, {"connected": False, "holding": True})) == [cut, holding]


def test_only_the_newest_word_of_ingest_counts() -> None:
    old = Beat("ingest", "before", ago(seconds=30), {"connected": False, "holding": True})
    assert _missing(Beat("ingest", "now", NOW, {"connected": True}), old) == []
    silent = Beat("ingest", "1", ago(minutes=3), {"connected": False})
    assert _missing(silent) == ["ingest has been silent for 3 min"]


def test_the_page_is_out_of_date_when_what_it_asks_for_changed() -> None:
    row = alert()
    assert standing(row) == standing(replace(row, version=9, findings=40, last_finding_at=NOW, lapses_at=NOW))
    changed = (
        replace(row, state="acknowledged"),
        replace(row, severity=Severity.AMBER),
        replace(row, sentence="worse"),
    )
    assert standing(row) not in {standing(one) for one in changed}


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("gateway:g-1", "Gateway g-1"),
        ("device:g-1/C1:5C:A1:E0:00:01", "Device …00:01"),
        ("hub", "The hub"),
        ("engine:delivery", "The hub’s engine delivery"),
        ("new_kind:7", "New kind 7"),
    ],
)
def test_an_alert_without_a_patient_says_what_it_is_about(subject: str, words: str) -> None:
    assert subject_words(subject) == words
