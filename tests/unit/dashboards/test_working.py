"""A device's state comes first, in words, with what mends it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboards.viewmodels.next_step import advice
from dashboards.viewmodels.working import (
    battery_words,
    device_state,
    kept_apart,
    kind,
    pairing_words,
    stranger_words,
    tail,
)
from hub.services.ports.devices import DeviceSaid
from hub.services.views.equipment import DeviceLine, Told
from tests.unit.dashboards.shown import NOW, PATIENT, ZONE, ago, alert

ADDRESS = "C1:5C:A1:E0:00:01"


def told(bond: str | None = "paired", gateway: str = "Home 1", **more: Any) -> Told:
    return Told("g-1", gateway, DeviceSaid(ADDRESS, "weight-scale", bond=bond, **more))


def scale(*said: Told, **more: Any) -> DeviceLine:
    device = DeviceLine(7, ADDRESS, "weight-scale", 80, NOW, ((PATIENT, 1),), ("Home 1",), said)
    return replace(device, **more)


@pytest.mark.parametrize(
    ("device", "word", "tone"),
    [
        (scale(told()), "working", "calm"),
        (scale(battery_percent=20), "battery low", "amber"),
        (scale(last_seen_at=ago(days=2), battery_percent=3), "quiet since Fri 20 Nov 14:04", "amber"),
        (scale(last_seen_at=None), "never seen", "grey"),
        (scale(told(), last_seen_at=None), "paired, no reading yet", "grey"),
        (scale(told("lost"), last_seen_at=None), "pairing lost: pair it again", "amber"),
        (scale(told("lost"), battery_percent=3), "pairing lost: pair it again", "amber"),
    ],
)
def test_the_worst_is_the_state(device: DeviceLine, word: str, tone: str) -> None:
    state = device_state(device, NOW, ZONE)
    assert (state.word, state.tone) == (word, tone)


def test_after_a_day_and_a_half_it_is_quiet() -> None:
    assert device_state(scale(), NOW + timedelta(hours=36), ZONE).word == "working"
    assert device_state(scale(), NOW + timedelta(hours=37), ZONE).word == "quiet since Sun 22 Nov 14:04"


def test_what_works_needs_nothing() -> None:
    assert device_state(scale(told()), NOW, ZONE).mends == ()


def test_a_lost_pairing_says_the_command() -> None:
    (mend,) = device_state(scale(told("lost")), NOW, ZONE).mends
    assert mend.command == f"rpmhub-gateway pair {ADDRESS}"
    assert "no longer knows gateway Home 1" in mend.words


def test_what_the_gateway_could_not_read_is_said() -> None:
    words = "{} that became no reading; Home 1 says why:"
    assert kept_apart(told(quarantined=1)) == words.format("1 record")
    assert kept_apart(told(quarantined=3)) == words.format("3 records")
    assert device_state(scale(told(quarantined=3)), NOW, ZONE).word == "working"


def test_nobodys_device_says_how_it_is_given() -> None:
    (mend,) = device_state(scale(told(), holders=()), NOW, ZONE).mends
    assert mend.command == "rpmhub device assign 7 PATIENT"


def test_battery_and_pairing_in_words() -> None:
    assert battery_words(scale()) == "80 %"
    assert battery_words(scale(battery_percent=20)) == "20 %, low: change it soon"
    assert battery_words(scale(battery_percent=None)) == "unknown"
    assert pairing_words(scale()) == pairing_words(scale(told(None))) == ""
    assert pairing_words(scale(told(), told("lost", "Home 2"))) == "with Home 1, lost with Home 2"


def test_a_stranger_is_told_by_its_gateway_alone() -> None:
    assert stranger_words(told()) == "Paired with Home 1"
    assert stranger_words(told(None)) == "Heard by Home 1"
    assert stranger_words(told("lost")) == "Was paired with Home 1, and no longer knows it"


def test_a_device_is_called_what_people_call_it() -> None:
    assert [kind(one) for one in ("weight-scale", "blood-pressure", "cgm", "new-kind", None)] == [
        "Weight scale",
        "Blood pressure cuff",
        "Glucose sensor",
        "New kind",
        "Unknown kind",
    ]


def test_of_an_address_its_end_tells_devices_apart() -> None:
    assert tail(ADDRESS) == "…00:01"
    assert tail("CUFF-1") == "CUFF-1"


def test_the_alarm_leads_to_the_devices() -> None:
    lost = alert(kind="technical", problem="bond-lost", subject=f"device:g-1/{ADDRESS}", patient=None)
    assert advice(lost, "112")[0] == "Open Devices: there stands who has it, and the command that pairs it again."
