"""What patients are asked is a copy that a named clinician signed (SF21)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.domain.protocols import canonical
from hub.errors import Invalid, NotFound, NotPermitted
from hub.services import signing
from hub.services.checkup import care
from hub.services.checkup.finding import Need
from hub.services.hub import Actor, Hub
from tests.scenario.talks import BREATHING, DAILY, DAY, SHIPPED, Talks, talks
from tests.unit.checkup.subjects import only, wrong
from tests.unit.ingest.home import ADMIN

DORA = "Dr Dora Invented"
AS_SHIPPED = {DAILY: (canonical(SHIPPED[DAILY].document), SHIPPED[DAILY].checkin)}


def changed() -> dict[str, tuple[bytes, object]]:
    body, checkin = AS_SHIPPED[DAILY]
    return {DAILY: (body.replace(b"today? Reply", b"now? Reply"), checkin)}


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talks]:
    for talk in talks(tmp_path):
        talk.hub = talk.home.hub = on(talk, AS_SHIPPED)
        yield talk


def on(talk: Talks, templates: object) -> Hub:
    return replace(talk.home.clinic.hub, checkin_templates=lambda: templates)  # type: ignore[arg-type,return-value]


def asked(talk: Talks, templates: object = AS_SHIPPED) -> list[care.Finding]:
    with talk.hub.unit_of_work() as uow:
        return list(care.asked(uow, templates))  # type: ignore[arg-type]


@pytest.mark.parametrize("by", [None, "", "  "])
def test_production_takes_nothing_unsigned(talk: Talks, by: str | None) -> None:
    with pytest.raises(Invalid, match="name the clinician"):
        signing.sign_checkin(talk.hub, ADMIN, DAILY, by)
    with pytest.raises(NotPermitted):
        signing.sign_checkin(talk.hub, Actor("Ana Example", "nurse"), DAILY, DORA)
    with pytest.raises(NotFound, match="no check-in other; known are daily-breathing"):
        signing.sign_checkin(talk.hub, ADMIN, "other", DORA)


def test_signing_plans_it_for_everybody_it_is_for(talk: Talks) -> None:
    signing.sign_checkin(talk.hub, ADMIN, DAILY, DORA)
    assert talk.home.rows("checkin_due", "patient_id", "checkin") == [(talk.patient_id, DAILY)]
    assert talk.home.rows("audit", "act")[-1] == "checkin.sign"
    talk.until(14, 10, day=2)
    talk.reads(BREATHING)


def test_a_new_file_changes_nothing_until_it_is_signed(talk: Talks) -> None:
    """SF21: the release brings other words; patients are asked by those that were signed."""
    signing.sign_checkin(talk.hub, ADMIN, DAILY, DORA)
    assert signing.is_checkin_current(talk.hub, DAILY)
    talk.hub = talk.home.hub = on(talk, changed())
    assert not signing.is_checkin_current(talk.hub, DAILY)
    talk.until(14, 10, day=2)
    talk.reads(BREATHING)
    signing.sign_checkin(talk.hub, ADMIN, DAILY, DORA)
    talk.writes("1")
    talk.unread.clear()
    talk.forward(DAY)
    talk.reads(BREATHING.replace("today", "now"))


def test_what_is_retired_is_asked_of_nobody_and_an_answer_still_counts(talk: Talks) -> None:
    signing.sign_checkin(talk.hub, ADMIN, DAILY, DORA)
    talk.until(14, 10, day=2)
    talk.reads(BREATHING)
    signing.retire_checkin(talk.hub, ADMIN, DAILY)
    assert talk.home.count("checkin_due") == 0
    with pytest.raises(NotFound, match="no check-in daily-breathing is in force"):
        signing.retire_checkin(talk.hub, ADMIN, DAILY)
    talk.writes("2")
    assert talk.home.alerts() == ["checkin-daily-breathing-breathing open"]
    talk.unread.clear()
    talk.forward(DAY)
    talk.reads()
    signing.sign_checkin(talk.hub, ADMIN, DAILY, DORA)
    talk.forward(DAY)
    talk.reads(BREATHING)


def test_the_doctor_says_what_is_asked_and_what_differs(talk: Talks) -> None:
    assert wrong(asked(talk)) == []
    assert "No check-in is in force" in asked(talk)[0].what
    signing.sign_checkin(talk.hub, ADMIN, DAILY, DORA)
    assert wrong(asked(talk)) == []
    found = only(asked(talk, changed()))
    assert (found.need, found.mend) == (
        Need.SHOULD,
        f"Read it, then rpmhub checkin sign {DAILY} --by NAME",
    )
    assert wrong(asked(talk, {})) == []


def test_the_doctor_sees_an_unsigned_copy(talk: Talks) -> None:
    talk.sign(DAILY, by=None)
    assert wrong(asked(talk)) == [(Need.MUST, f"Check-in {DAILY} is in force unsigned.")]
