"""What to do about an alert, how it may end, and what happened to it."""

from datetime import timedelta

import pytest

from dashboards.viewmodels.next_step import advice, next_step
from dashboards.viewmodels.outcomes import outcome_words, outcomes_for
from dashboards.viewmodels.readiness import missing
from dashboards.viewmodels.reply_words import quick_replies
from dashboards.viewmodels.timeline import timeline
from dashboards.viewmodels.working import device_state, gateway_state
from hub.domain.alerts import OUTCOMES
from hub.domain.severity import Severity
from hub.services.views.alerts import AlertPage, ContactLine, Event, Message
from hub.services.views.equipment import Bubble, DeviceLine, GatewayLine, Phone
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
        findings_kept=0,
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
    assert quick_replies(_phone((False, page), (False, other))) == [
        ("2a", "2a: take M3XT"),
        ("1a", "1a: take K7Q2"),
        ("1e", "1e: pass on K7Q2"),
    ]
    assert quick_replies(_phone((False, page), (True, "1A"))) == []
    assert quick_replies(_phone()) == []


def test_gateways_and_devices_in_words() -> None:
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
    scale = DeviceLine(1, "AA", "weight-scale", 12, NOW, (), ())
    assert device_state(scale, NOW, ZONE).notes == ("battery low: 12 %",)
    assert device_state(scale, NOW, ZONE).tone == "amber"
    assert device_state(scale, NOW + timedelta(days=2), ZONE).word == "quiet since Sun 22 Nov 14:04"


def test_not_ready_without_the_broker() -> None:
    beats = (Beat("ingest", "1", NOW, {"broker": False}), Beat("worker", "1", NOW, {}))
    assert missing(Running(beats, {}, {}, {}, {}, 0, 0), NOW) == ["ingest is not connected to the broker"]
