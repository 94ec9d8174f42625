"""The reserved space is real, is given up at once, and is made anew only where there is room to spare."""

from pathlib import Path

from hub.adapters.database_file.reserve import MIB, Reserve, reserve_of


def made(folder: Path, size: int = 3 * MIB // 2) -> tuple[Reserve, Path]:
    file = folder / "hub.sqlite3"
    return Reserve(file, size), reserve_of(file)


def test_it_takes_its_size_on_the_disk(tmp_path: Path) -> None:
    reserve, file = made(tmp_path)
    assert (reserve.held, reserve.given_up) == (False, False)
    assert reserve.mend()
    assert (reserve.held, reserve.given_up) == (True, False)
    assert file.stat().st_size == 3 * MIB // 2
    assert file.stat().st_blocks * 512 >= 3 * MIB // 2
    assert file.stat().st_mode & 0o077 == 0
    assert len(set(file.read_bytes()[:4096])) > 200, "zeros may be stored as nothing"


def test_given_up_it_holds_nothing_and_says_so_to_everybody(tmp_path: Path) -> None:
    reserve, file = made(tmp_path)
    reserve.mend()
    Reserve(tmp_path / "hub.sqlite3", 3 * MIB // 2).give_up()
    assert file.stat().st_blocks == 0
    assert (reserve.held, reserve.given_up) == (False, True)
    assert reserve.mend()
    assert (reserve.held, reserve.given_up) == (True, False)


def test_where_there_is_no_room_it_is_not_begun(tmp_path: Path) -> None:
    reserve, file = made(tmp_path, 1 << 60)
    assert not reserve.mend()
    assert (reserve.held, reserve.given_up) == (False, True)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_another_size_is_made_anew_and_is_no_full_disk(tmp_path: Path) -> None:
    made(tmp_path, MIB)[0].mend()
    reserve, file = made(tmp_path, 2 * MIB)
    assert (reserve.held, reserve.given_up) == (False, False)
    assert reserve.mend()
    assert file.stat().st_size == 2 * MIB


def test_a_server_and_a_site_that_wants_none_have_none(tmp_path: Path) -> None:
    for reserve in (Reserve(None, MIB), Reserve(tmp_path / "hub.sqlite3", 0)):
        reserve.give_up()
        assert reserve.mend()
        assert (reserve.held, reserve.given_up) == (True, False)
    assert list(tmp_path.iterdir()) == []
