"""A device that no longer knows its gateway is an alarm of its own: its silence is not the patient's (SF8)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.services import equipment
from hub.services.hub import Actor
from hub.services.resolve import resolve
from tests.unit.ingest.home import ADMIN, GATEWAY, OXIMETER, SCALE, Home, homes

MINUTE = timedelta(minutes=1)
OPERATOR = Actor("Otto Invented", "operator")
SENTENCE = "Weight scale …00:01 must be paired again with gateway Home 1: until then none of its readings arrive"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def told(address: str, bond: str | None = None, **more: Any) -> dict[str, Any]:
    return {"device": address, "last_seen_at": None} | ({"bond": bond} if bond else {}) | more


def alarms(home: Home) -> list[tuple[str, int, str]]:
    return home.rows("alert", "subject", "severity", "state")


def test_a_lost_bond_is_one_amber_alarm_that_pages_nobody(home: Home) -> None:
    for _ in range(3):
        home.status(devices=[told(SCALE, "lost"), told(OXIMETER, "paired")])
        assert home.forward(MINUTE) == []
    assert alarms(home) == [(f"device:{GATEWAY}/{SCALE}", 2, "open")]
    assert home.sentences() == [SENTENCE]
    assert home.rows("alert", "kind", "patient_id") == [("technical", None)]


@pytest.mark.parametrize("then", [[told(SCALE, "paired")], []], ids=["paired again", "forgotten"])
def test_it_closes_by_itself(home: Home, then: list[dict[str, Any]]) -> None:
    home.status(devices=[told(SCALE, "lost")])
    home.status(devices=then)
    assert [state for _, _, state in alarms(home)] == ["closed"]


def test_both_in_one_group_end_closed(home: Home) -> None:
    lost, paired = (
        f'{{"v": 1, "online": true, "devices": [{{"device": "{SCALE}", "bond": "{bond}"}}]}}'.encode()
        for bond in ("lost", "paired")
    )
    home.arrives(lost, paired, lane="status")
    assert [state for _, _, state in alarms(home)] == ["closed"]


def test_a_goodbye_says_nothing_of_bonds_and_closes_nothing(home: Home) -> None:
    home.status(devices=[told(SCALE, "lost")])
    kept = home.rows("gateway", "status")
    home.status(online=False)
    assert [state for _, _, state in alarms(home)] == ["open"]
    assert home.rows("gateway", "status") == kept
    assert home.rows("gateway", "online") == [False]


def test_resolved_while_it_is_still_lost_it_comes_again(home: Home) -> None:
    home.status(devices=[told(SCALE, "lost")])
    (ref,) = home.rows("alert", "ref")
    resolve(home.hub, OPERATOR, ref, "mended", "paired by phone")
    home.status(devices=[told(SCALE, "lost")])
    assert [state for _, _, state in alarms(home)] == ["resolved", "open"]


def test_each_gateway_speaks_for_itself(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Home 1, bedroom", "x", "g-2")
    equipment.add_device(home.hub, ADMIN, SCALE, "weight-scale", "g-2")
    home.status(devices=[told(SCALE, "lost")])
    home.arrives(
        f'{{"v": 1, "online": true, "devices": [{{"device": "{SCALE}", "bond": "paired"}}]}}'.encode(),
        lane="status",
        gateway="g-2",
    )
    assert [state for _, _, state in alarms(home)] == ["open"]


def test_a_device_that_is_not_of_this_gateway_raises_nothing(home: Home) -> None:
    equipment.add_gateway(home.hub, ADMIN, "Home 2", "x", "g-2")
    body = f'{{"v": 1, "online": true, "devices": [{{"device": "{SCALE}", "bond": "lost"}}]}}'.encode()
    home.arrives(body, lane="status", gateway="g-2")
    home.status(devices=[told("C1:00:00:00:00:99", "lost")])
    assert alarms(home) == []
