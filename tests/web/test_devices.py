"""The devices' page: state first, then what mends it; strangers wait to be accepted."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from hub.adapters.sql.tables.devices import gateway
from hub.services.hub import Actor
from hub.services.replaying import GATEWAY_ID, Recorded, prepare, replay_gateway
from tests.web.people import Person
from tests.web.readable import SIZES, Complaints, reads_well
from tests.web.ward import Ward, Watched

STRANGER = "C1:5C:A1:E0:00:99"


def tell(ward: Ward, *devices: dict[str, Any], gateway: str = "g-home-1") -> None:
    """The gateway's status comes."""
    ward.arrives(json.dumps({"v": 1, "online": True, "devices": devices}).encode(), gateway, "status")


def about(address: str, **more: Any) -> dict[str, Any]:
    return {"device": address, "last_seen_at": None} | more


def scale_of(people: dict[str, Watched]) -> str:
    return people["bruno"].devices["weight-scale"]


def card(person: Person, address: str) -> str:
    """The words of one device's card."""
    cards = re.findall(r'<li class="boxed".*?</li>', person.get("/devices/").text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", next(one for one in cards if address in one)).split())


@pytest.fixture
def trouble(ward: Ward, people: dict[str, Watched]) -> None:
    """Of Bruno's devices one lost its pairing, one is nearly empty, one sent what nobody can read; one is unknown."""
    devices = people["bruno"].devices
    tell(
        ward,
        about(devices["weight-scale"], bond="lost"),
        about(devices["pulse-oximeter"], bond="paired", battery_percent=9),
        about(devices["blood-pressure"], bond="paired", quarantined=2),
        about(STRANGER, profile="glucose-meter", bond="paired"),
    )


@pytest.mark.usefixtures("trouble")
def test_a_card_says_its_state_first_and_then_what_mends_it(ana: Person, people: dict[str, Watched]) -> None:
    lost = card(ana, scale_of(people))
    assert lost.startswith("Weight scale pairing lost: pair it again")
    assert f"rpmhub-gateway pair {scale_of(people)}" in lost
    assert "Paired lost with Home 1" in lost
    assert "With Bruno Madeup" in lost
    empty = card(ana, people["bruno"].devices["pulse-oximeter"])
    assert empty.startswith("Pulse oximeter battery low")
    assert "9 %, low: change it soon" in empty
    unread = card(ana, people["bruno"].devices["blood-pressure"])
    assert unread.startswith("Blood pressure cuff working With Bruno Madeup")
    assert "Kept apart 2 records that became no reading; Home 1 says why: rpmhub-gateway status" in unread


@pytest.mark.usefixtures("trouble")
def test_what_needs_somebody_comes_first(ana: Person) -> None:
    section = ana.get("/devices/").text.split('id="devices-title"')[1]
    assert section.index("pairing lost") < section.index("battery low") < section.index(">working<")
    tones = re.findall(r'<h3>[^<]+<span class="mark (\w+)">', section)
    assert tones == sorted(tones, key=("amber", "grey", "calm").index)
    assert set(tones) == {"amber", "calm"}


@pytest.mark.usefixtures("trouble")
def test_the_alarm_stands_on_the_worklist_and_goes_when_it_is_paired_again(
    sign_in: Callable[[str], Person], ward: Ward, people: dict[str, Watched]
) -> None:
    otto = sign_in("otto")
    assert "must be paired again with gateway Home 1" in otto.get("/").text
    tell(ward, about(scale_of(people), bond="paired"))
    assert "must be paired again with gateway Home 1" not in otto.get("/live").text.split("lane-closed")[0]


@pytest.mark.usefixtures("trouble")
def test_an_unknown_device_is_accepted_and_then_nobodys(sign_in: Callable[[str], Person]) -> None:
    otto = sign_in("otto")
    page = otto.get("/devices/").text
    inbox = page[page.index('id="strangers-title"') : page.index('id="devices-title"')]
    assert "Glucose meter" in inbox
    assert "…00:99" in inbox
    assert "Paired with Home 1" in inbox
    assert not [name for name in ("Ada", "Bruno", "patient") if name in inbox]
    assert otto.post("/devices/accept", device=STRANGER, gateway="g-home-1").status_code == 303
    accepted = card(otto, STRANGER)
    assert accepted.startswith("Glucose meter paired, no reading yet Nobody has it")
    assert re.search(r"rpmhub device assign \d+ PATIENT", accepted)
    assert "strangers-title" not in otto.get("/devices/").text


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize(("device", "gateway"), [(STRANGER, "g-home-2"), ("C1:5C:A1:E0:00:98", "g-home-1"), ("", "")])
def test_only_what_a_gateway_tells_of_is_accepted(ana: Person, device: str, gateway: str) -> None:
    refused = ana.post("/devices/accept", device=device, gateway=gateway)
    assert refused.status_code == 409
    assert "accepted already, or its gateway no longer tells of it" in refused.text


def test_of_a_kind_the_hub_does_not_know_nothing_is_accepted(ana: Person, ward: Ward) -> None:
    tell(ward, about(STRANGER, profile="toaster"))
    assert "The hub has no such kind of device." in ana.get("/devices/").text
    assert ana.post("/devices/accept", device=STRANGER, gateway="g-home-1").status_code == 422


def test_what_replays_recordings_is_no_equipment(ana: Person, ward: Ward) -> None:
    """It would stand there as offline, and its device as nobody's, to be given to a patient."""
    before = ana.get("/devices/").text
    tess = ward.patient("Tess Invented", "RV-101188", ("diabetes",), ())
    admin, now = Actor("test", "admin"), ward.clock.now()
    replay_gateway(ward.hub, admin, "x")
    prepare(ward.hub, admin, tess.id, [Recorded("replay-1/cgm", "cgm", now - timedelta(days=1), now)])
    ward.measure("replay-1/cgm", "cgm", {"blood_glucose": (39, "mg/dL")}, gateway=GATEWAY_ID)
    tell(ward, about(STRANGER, profile="glucose-meter"), gateway=GATEWAY_ID)
    after = ana.get("/devices/").text
    assert not [word for word in ("replay", "Replay", "…00:99") if word in after]
    assert after.count("<li") == before.count("<li")


def test_a_status_that_an_earlier_release_kept_does_not_shut_the_page(ana: Person, ward: Ward) -> None:
    kept = '{"v":1,"online":true,"devices":[{"device":"X","bond":"none"}]}'
    with ward.engine.begin() as connection:
        connection.execute(update(gateway).where(gateway.c.id == "g-home-1").values(status=kept))
    page = ana.get("/devices/")
    assert page.status_code == 200
    assert "strangers-title" not in page.text


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-11-22T07:00", "soon"])
def test_a_gateway_that_tells_nonsense_of_time_does_not_shut_the_page(ana: Person, ward: Ward, at: str) -> None:
    devices = [about(f'"><script>{number}', profile='"><b>', last_seen_at=at, bond="lost") for number in range(256)]
    tell(ward, *devices)
    page = ana.get("/devices/")
    assert page.status_code == 200
    assert page.text.count("no longer knows it.") == 256
    assert "<b>" not in page.text
    assert '"><script>' not in page.text


def test_a_device_of_another_home_is_a_stranger_here(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    tell(ward, about(scale_of(people), profile="weight-scale"), gateway="g-home-2")
    assert "Heard by Home 2" in ana.get("/devices/").text
    assert ana.post("/devices/accept", device=scale_of(people), gateway="g-home-2").status_code == 303
    assert "Accepted on Home 1, Home 2" in card(ana, scale_of(people))


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize("size", SIZES)
def test_it_reads_well_with_every_trouble(visit: Callable[..., Page], site: str, size: str) -> None:
    width, height = SIZES[size]
    page = visit(site, "otto", width=width, height=height)
    complaints = Complaints(page)
    page.goto(f"{site}/devices/")
    expect(page.get_by_text("pairing lost: pair it again")).to_be_visible()
    reads_well(page)
    page.get_by_role("button", name="Accept it as ours").click()
    expect(page.get_by_role("status")).to_have_text("Accepted. It stands below, and nobody has it yet.")
    reads_well(page)
    assert complaints.heard == []
