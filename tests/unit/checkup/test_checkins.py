"""Does doctor say what patients are asked, and whether a clinician answers for it?"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from hub.adapters.checkin_files import load_checkins
from hub.domain.protocols import canonical
from hub.services.checkup import care
from hub.services.checkup.finding import Finding, Need
from tests.unit.alerting.clinic import Clinic, clinics

NAME = "daily-breathing"
TEMPLATE = load_checkins([Path(__file__).parents[3] / "config" / "checkins"])[NAME]
TEMPLATES = {NAME: (canonical(TEMPLATE.document), TEMPLATE.checkin)}


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path)


def sign(clinic: Clinic, body: bytes, signed_by: str | None = "Dr Imaginary") -> None:
    with clinic.hub.unit_of_work() as uow:
        uow.checkins.sign(NAME, 1, "Breathing", body.decode(), sha256(body).hexdigest(), signed_by, clinic.now)
        uow.commit()


def asked(clinic: Clinic) -> list[Finding]:
    with clinic.hub.unit_of_work() as uow:
        return list(care.asked(uow, TEMPLATES))


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(TEMPLATES[NAME][0]) | fields).encode()


def test_nothing_is_asked_and_nothing_must_be(clinic: Clinic) -> None:
    assert [(one.need, one.what) for one in asked(clinic)] == [
        (Need.FINE, "No check-in is in force: no patient is asked anything by text.")
    ]


def test_a_signed_copy_of_the_file_is_fine(clinic: Clinic) -> None:
    sign(clinic, TEMPLATES[NAME][0])
    assert [(one.need, one.what) for one in asked(clinic)] == [(Need.FINE, f"Asked by text: {NAME}.")]


def test_what_nobody_signed_must_be_signed(clinic: Clinic) -> None:
    sign(clinic, TEMPLATES[NAME][0], signed_by=None)
    assert [one.what for one in asked(clinic) if one.need is Need.MUST] == [f"Check-in {NAME} is in force unsigned."]


def test_another_file_than_was_signed_is_told(clinic: Clinic) -> None:
    sign(clinic, changed(title="Breathing, as it was"))
    assert [one.what for one in asked(clinic) if one.need is Need.SHOULD] == [
        f"The file of check-in {NAME} differs from the copy in force."
    ]


def test_what_this_version_would_no_longer_take_goes_on_and_is_told(clinic: Clinic) -> None:
    sign(clinic, changed(between=["05:00", "23:30"]))
    told = [one for one in asked(clinic) if one.need is Need.SHOULD][-1]
    assert told.what.startswith(f"This version would not take check-in {NAME} as it was signed: between: must lie")
    assert "rpmhub checkin sign" in told.mend
