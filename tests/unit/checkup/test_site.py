"""What a clinic must say of itself, and how its data lie on the disk."""

import os
from pathlib import Path

import pytest

from hub.adapters.probes import directory
from hub.adapters.probes.clock import synchronised
from hub.cli.checks import files, site
from hub.services.checkup.finding import Need
from tests.unit.alerting.clinic import MovedClock
from tests.unit.checkup.subjects import NOW, only, subject, wrong

NOBODY = 65534
"""A user without any right."""


@pytest.mark.parametrize("number", ["911", "112", "999", "+49 112", "0800 555-0100"])
def test_a_number_to_call_is_shown_as_patients_are_told(tmp_path: Path, number: str) -> None:
    (found,) = site.emergency_number(subject(tmp_path, emergency_number=number))
    assert found.what == f"Patients are told to call {number} in an emergency."


@pytest.mark.parametrize("number", ["", "none", "call us", "9", "12345678901234567890"])
def test_what_is_no_number_to_call_must_be_mended(tmp_path: Path, number: str) -> None:
    found = only(site.emergency_number(subject(tmp_path, emergency_number=number)))
    assert (found.need, found.mend) == (Need.MUST, "RPMHUB_EMERGENCY_NUMBER=…")


@pytest.mark.parametrize(
    ("phone", "need"),
    [("", Need.MUST), ("+4412", Need.MUST), ("+15555550199", Need.SHOULD), ("+12025550199", Need.FINE)],
)
def test_the_last_resorts_number_is_one_that_can_ring(tmp_path: Path, phone: str, need: Need) -> None:
    (found,) = site.last_resort(subject(tmp_path, last_resort_phone=phone))
    assert found.need is need


@pytest.mark.parametrize("name", ["Heart Failure Clinic", "Riverside Diabetes Care", "COPD at Home"])
def test_a_name_that_tells_of_a_condition_stands_in_every_text(tmp_path: Path, name: str) -> None:
    found = only(site.clinic_name(subject(tmp_path, clinic_name=name)))
    assert found.need is Need.SHOULD
    assert name[:20].strip() in (found.why or "")


def test_a_name_that_tells_nothing_is_fine(tmp_path: Path) -> None:
    (found,) = site.clinic_name(subject(tmp_path, clinic_name="Riverside Home Care"))
    assert (found.need, found.what) == (Need.FINE, "Texts begin with Riverside Home Care.")


def test_a_clinic_without_a_name_is_known_by_nobody(tmp_path: Path) -> None:
    found = only(site.clinic_name(subject(tmp_path)))
    assert (found.need, found.mend) == (Need.SHOULD, "RPMHUB_CLINIC_NAME=…")


def test_the_clinics_clock_is_shown_as_it_hangs_on_its_wall(tmp_path: Path) -> None:
    given = subject(tmp_path, clock=MovedClock(NOW), clinic_zone="America/Chicago")
    (found,) = site.zone(given)
    assert found.what.startswith("The clinic's clock shows 2026-03-02 06:04 (America/Chicago, ")
    assert only(site.zone(subject(tmp_path))).mend.startswith("RPMHUB_CLINIC_ZONE=")


def test_the_systems_clock_is_asked_and_not_set(tmp_path: Path) -> None:
    assert list(site.clock(subject(tmp_path))) == list(site.kept_right(kept=synchronised()))


def test_a_clock_that_nothing_keeps_right_is_told() -> None:
    (right,), wrong_, unknown = (site.kept_right(kept=kept) for kept in (True, False, None))
    assert right.need is Need.FINE
    assert only(wrong_).mend == "timedatectl set-ntp true"
    assert only(unknown).need is Need.SHOULD


def test_a_data_directory_is_written_to_and_nothing_stays(tmp_path: Path) -> None:
    assert wrong(files.data_dir(subject(tmp_path))) == []
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_is_not_there_is_made_by_the_first_upgrade(tmp_path: Path) -> None:
    found = only(files.data_dir(subject(tmp_path / "absent")))
    assert (found.need, found.mend) == (Need.MUST, "rpmhub db upgrade")
    for check in (files.room, files.owners, files.secrets):
        assert list(check(subject(tmp_path / "absent"))) == []


def test_a_place_where_nothing_can_be_made_must_be_mended() -> None:
    found = only(files.data_dir(subject(Path("/proc"))))  # no right of any user makes a file there
    assert (found.need, found.what.startswith("/proc cannot be written to: ")) == (Need.MUST, True)


def test_free_space_is_told_in_three_steps(tmp_path: Path) -> None:
    (found,) = files.room(subject(tmp_path))
    free = directory.free_bytes(tmp_path)
    assert found.need is (Need.FINE if free >= files.ENOUGH else Need.SHOULD if free >= files.LEAST else Need.MUST)


def test_a_full_disk_must_be_mended() -> None:
    found = only(files.room(subject(Path("/proc"))))  # a file system that has no room at all
    assert (found.need, found.what) == (Need.MUST, "Only 0 MiB are free under /proc.")


def closed(folder: Path) -> Path:
    folder.chmod(0o710)
    secret = folder / "secrets" / "mqtt-hub-password"
    secret.parent.mkdir(mode=0o700)
    secret.write_text("invented")
    secret.chmod(0o600)
    return secret


def test_secrets_are_nobody_elses(tmp_path: Path) -> None:
    secret = closed(tmp_path)
    assert wrong(files.secrets(subject(tmp_path))) == []
    secret.chmod(0o640)
    found = only(files.secrets(subject(tmp_path)))
    assert (found.need, found.what) == (Need.MUST, f"{secret} can be read by others (0640).")
    assert found.mend == f"chmod 600 {secret}"


def test_data_are_not_everybodys(tmp_path: Path) -> None:
    closed(tmp_path)
    tmp_path.chmod(0o755)
    found = only(files.secrets(subject(tmp_path)))
    assert (found.need, found.mend) == (Need.MUST, f"chmod o= {tmp_path}")


def test_files_that_settings_name_for_secrets_are_looked_at_too(tmp_path: Path) -> None:
    closed(tmp_path)
    token, config, plain = tmp_path / "token", tmp_path / "hub.toml", tmp_path / "plain.toml"
    token.write_text("invented")
    config.write_text('mqtt_url = "mqtt://rpmhub:invented@127.0.0.1"\n')
    plain.write_text('clinic_zone = "UTC"\n')
    for file in (token, config, plain):
        file.chmod(0o644)
    environ = {"RPMHUB_TWILIO_AUTH_TOKEN_FILE": str(token), "RPMHUB_CONFIG": str(config)}
    assert wrong(files.secrets(subject(tmp_path, environ))) == [
        (Need.SHOULD, f"{token} can be read by others (0644)."),
        (Need.SHOULD, f"{config} can be read by others (0644)."),
    ]
    assert wrong(files.secrets(subject(tmp_path, {"RPMHUB_CONFIG": str(plain)}))) == []


def test_a_site_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert list(files.site_dir(subject(tmp_path))) == []
    assert list(files.site_dir(subject(tmp_path, site_dir=str(tmp_path)))) == []
    assert only(files.site_dir(subject(tmp_path, site_dir="/nowhere"))).need is Need.MUST


def test_what_a_command_made_as_root_is_found(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite3").touch()
    assert list(files.owners(subject(tmp_path))) == []
    if directory.am_root():  # nobody else can give a file away
        os.chown(tmp_path, NOBODY, NOBODY)
        theirs = directory.owner(tmp_path)
        assert wrong(files.owners(subject(tmp_path))) == [
            (Need.MUST, f"{tmp_path / 'hub.sqlite3'} belongs to root, not to {theirs}."),
            (Need.SHOULD, f"This runs as root, the data are {theirs}'s."),
        ]
