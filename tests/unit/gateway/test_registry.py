"""What the gateway remembers of paired devices."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device_gateway.errors import RegistryError
from device_gateway.registry import FILE, Paired, Registry, with_bonds
from device_gateway.wire import Device

SCALE = Paired(
    address="C1:00:00:00:00:01",
    profile="weight-scale",
    name="Plain",
    paired_at=datetime(2026, 11, 22, 7, 0, tzinfo=UTC),
    battery_percent=80,
)


def test_a_paired_device_is_known_to_the_next_process(tmp_path: Path) -> None:
    Registry(tmp_path).add(SCALE)
    assert Registry(tmp_path).find(SCALE.address) == replace(SCALE, quiet=True)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_the_file_belongs_to_whom_the_directory_does(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 65534, 65534)
    Registry(tmp_path).add(SCALE)
    assert (tmp_path / FILE).stat().st_uid == tmp_path.stat().st_uid


def test_what_a_session_learned_is_kept(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.add(SCALE)
    learned = replace(
        SCALE, sequence=17, newest_record="9c1d", clock_skew=timedelta(hours=-3), battery_percent=None, bond_failures=1
    )
    registry.note_session(learned)
    assert registry.all() == {SCALE.address: learned}


def test_two_failures_at_the_bond_ask_for_a_person(tmp_path: Path) -> None:
    assert [replace(SCALE, bond_failures=count).bond for count in range(4)] == ["paired", "paired", "lost", "lost"]


def test_pairing_again_mends_the_bond_and_keeps_the_place_in_the_memory(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.add(SCALE)
    registry.note_session(replace(SCALE, bond_failures=2, sequence=17, newest_record="9c1d"))
    again = replace(SCALE, paired_at=SCALE.paired_at + timedelta(days=1))
    registry.add(again)
    assert registry.find(SCALE.address) == replace(again, sequence=17, newest_record="9c1d", quiet=True)


def test_a_session_that_outlived_its_pairing_changes_nothing(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.add(SCALE)
    again = replace(SCALE, paired_at=SCALE.paired_at + timedelta(seconds=1))
    registry.add(again)
    registry.note_session(replace(SCALE, bond_failures=1))
    assert registry.find(SCALE.address) == replace(again, quiet=True)


def test_a_forgotten_device_is_gone_and_a_late_session_does_not_bring_it_back(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.add(SCALE)
    assert registry.forget(SCALE.address)
    assert not registry.forget(SCALE.address)
    registry.note_session(SCALE)
    assert registry.all() == {}


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, and long enough to be taken for one" * 40)
    with pytest.raises(RegistryError, match=r"devices\.sqlite3.* pair the devices again"):
        Registry(tmp_path)


def test_the_status_tells_of_bonds_and_of_devices_never_heard() -> None:
    heard = (
        Device("CF-1042", "blood-pressure", "2026-11-22T07:00:01Z", 80, quarantined=2),
        Device("C2:00:00:00:00:02", "glucose-meter", "2026-11-22T07:00:01Z", None),
    )
    meter = replace(SCALE, address="C2:00:00:00:00:02", profile="glucose-meter", bond_failures=2)
    assert with_bonds(heard, {SCALE.address: SCALE, meter.address: meter}, limit=256) == (
        Device(SCALE.address, "weight-scale", None, 80, "paired"),
        heard[0],
        Device("C2:00:00:00:00:02", "glucose-meter", "2026-11-22T07:00:01Z", None, "lost"),
    )
    assert len(with_bonds(heard, {SCALE.address: SCALE}, limit=2)) == 2
