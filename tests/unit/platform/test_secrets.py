"""Secrets made at first start, and the broker's files."""

import stat
from pathlib import Path

from hub.adapters.mosquitto_files import hash_password, write_files
from hub.adapters.secret_files import secret


def test_a_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    made = iter(["first", "second"])
    assert secret(tmp_path, "broker", lambda: next(made)) == "first"
    assert secret(tmp_path, "broker", lambda: next(made)) == "first"
    assert stat.S_IMODE((tmp_path / "secrets" / "broker").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_the_password_is_nowhere_in_its_stored_form() -> None:
    stored = hash_password("correct horse", b"twelve bytes")
    assert stored.startswith("$7$101$")
    assert "correct horse" not in stored
    assert stored != hash_password("correct horse", b"other  bytes")


def test_the_brokers_files_are_replaced_whole(tmp_path: Path) -> None:
    write_files(tmp_path / "broker", "acl 1\n", {"b": "2", "a": "1"})
    write_files(tmp_path / "broker", "acl 2\n", {"a": "1"})
    assert (tmp_path / "broker" / "passwords").read_text() == "a:1\n"
    assert (tmp_path / "broker" / "acl").read_text() == "acl 2\n"
    assert {path.name for path in (tmp_path / "broker").iterdir()} == {"passwords", "acl"}
    assert stat.S_IMODE((tmp_path / "broker" / "passwords").stat().st_mode) == 0o640
