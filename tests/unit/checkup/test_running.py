"""Signs of life: of the roles and of the gateways."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from hub.services.checkup import running
from hub.services.checkup.finding import Need
from hub.services.ports.devices import REPLAY, GatewayRow
from hub.services.ports.operations import Heartbeat
from tests.unit.checkup.subjects import NOW, only, wrong

WELL = GatewayRow("g-1", "1 Example Street", "x", online=True, online_changed_at=NOW, heard_at=NOW)


def beat(role: str, age_s: float = 1, **detail: object) -> Heartbeat:
    known: Mapping[str, object] = {"connected": True} | detail
    return Heartbeat(role, "here", NOW - timedelta(seconds=age_s), known)


SENDER = beat("sender")


def gateway(**fields: Any) -> GatewayRow:
    known = {name: getattr(WELL, name) for name in WELL.__slots__}
    return GatewayRow(**(known | fields))


def test_a_hub_that_does_not_run_is_to_be_started() -> None:
    for beats in ([], [beat("ingest", 3600), beat("worker", 3600)]):
        found = only(running.roles(beats, NOW))
        assert (found.need, found.what) == (Need.SHOULD, "The hub does not run.")
        assert "rpmhub up" in found.mend


def test_a_hub_that_runs_says_how_long_ago_it_said_so() -> None:
    found = list(running.roles([beat("ingest", 7), beat("worker", 2), beat("sender", 1), beat("ingest", 3)], NOW))
    assert [one.what for one in found] == [
        "ingest runs; its last sign of life is 3 s old.",
        "worker runs; its last sign of life is 2 s old.",
        "sender runs; its last sign of life is 1 s old.",
    ]


@pytest.mark.parametrize(
    ("beats", "sentence"),
    [
        ([beat("ingest"), SENDER], "worker gives no sign of life, while the rest of the hub runs."),
        ([beat("worker"), beat("ingest")], "sender gives no sign of life, while the rest of the hub runs."),
        ([beat("worker"), SENDER, beat("ingest", 61)], "ingest gives no sign of life, while the rest of the hub runs."),
        ([beat("worker"), SENDER, beat("ingest", connected=False)], "ingest has no connection to the broker."),
        (
            [beat("worker"), SENDER, beat("ingest", connected=False, ailing={"stored readings": "unconnected"})],
            "ingest has no connection to the broker for stored readings.",
        ),
        (
            [beat("worker"), SENDER, beat("ingest", ailing={"fresh readings": "unheard"})],
            "ingest hears nothing from the broker for fresh readings, not even itself.",
        ),
        (
            [beat("worker"), SENDER, beat("ingest", ailing={"stored readings": "refused"})],
            "ingest is refused a subscription by the broker for stored readings.",
        ),
        ([beat("worker"), SENDER, beat("ingest", shard="1/2")], "ingest 2/2 gives no sign of life."),
        ([beat("worker"), SENDER, beat("ingest", holding=True)], "ingest fails on whatever comes, and holds it."),
        ([beat("worker", failing=["overdue"]), SENDER, beat("ingest")], "Parts of the worker fail: overdue."),
    ],
)
def test_half_a_hub_must_be_mended(beats: list[Heartbeat], sentence: str) -> None:
    assert wrong(running.roles(beats, NOW)) == [(Need.MUST, sentence)]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (gateway(heard_at=None, online=False), "Gateway g-1 has never been heard."),
        (
            gateway(online=False, online_changed_at=NOW - timedelta(minutes=6)),
            "Gateway g-1 is offline since 2026-03-02 11:58 UTC.",
        ),
        (gateway(heard_at=NOW - timedelta(minutes=16)), "Gateway g-1 was last heard 2026-03-02 11:48 UTC."),
        (gateway(clock_offset_s=-130.0), "The clock of gateway g-1 is off by -130 s."),
    ],
)
def test_a_gateway_is_told_by_its_id_and_never_by_its_address(row: GatewayRow, sentence: str) -> None:
    assert wrong(running.gateways([row], NOW)) == [(Need.SHOULD, sentence)]


def test_gateways_in_use_are_looked_at_and_no_other() -> None:
    retired, replay = gateway(retired_at=NOW, heard_at=None), gateway(purpose=REPLAY, heard_at=None)
    assert only(running.gateways([retired, replay], NOW)).mend == "rpmhub gateway add NAME"
    just_gone = gateway(online=False, online_changed_at=NOW - timedelta(minutes=4))
    assert wrong(running.gateways([WELL, just_gone, retired, replay], NOW)) == []
