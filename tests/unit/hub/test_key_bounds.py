"""What the bounds call new is new, whatever names devices give their records: held against a plain set of them."""

from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.sql.key_bounds import SPOOLS, KeyBounds

CLOCK = st.builds(
    "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}".format,
    st.integers(1999, 2031),
    *[st.integers(0, 12)] * 5,
    st.sampled_from(["", "/9f86d081", "+01:00/x", "/", "/17"]),
)
NAME = st.one_of(
    CLOCK,
    st.builds("{}/{}".format, st.integers(0, 120), CLOCK),
    st.text(alphabet="0129-T:/٣x", max_size=21),
    st.sampled_from(["", "2026-01-01T00:00:0٣", "+026-01-01T00:00:00", "2026-01-01T00:00:00", "2026-01-01t00:00:00"]),
)
DEVICE = 7


def last(names: set[str]) -> str | None:
    """As SQLite orders text."""
    return max(names, key=str.encode, default=None)


@given(st.sets(NAME, max_size=6))
def test_no_record_is_called_new_that_is_there(there: set[str]) -> None:
    bounds = KeyBounds()
    assert not any(bounds.is_new_record(DEVICE, name) for name in there)
    bounds.learn_device(DEVICE, last(there))
    assert not any(bounds.is_new_record(DEVICE, name) for name in there)


def test_a_later_clock_is_new_and_nothing_else_is() -> None:
    bounds = KeyBounds()
    bounds.learn_device(DEVICE, "2026-03-02T12:00:00/b")
    later = ["2026-03-02T12:00:01/a", "2027-01-01T00:00:00"]
    assert all(bounds.is_new_record(DEVICE, name) for name in later)
    unsure = ["2026-03-02T12:00:00/c", "2026-03-02T11:59:59/a", "99/2026-03-02T13:00:00", "r", ""]
    assert not any(bounds.is_new_record(DEVICE, name) for name in unsure)
    assert not bounds.is_new_record(DEVICE + 1, later[0])
    assert not bounds.is_new_record(None, later[0])
    bounds.learn_device(DEVICE + 1, None)
    assert bounds.is_new_record(DEVICE + 1, later[0])
    bounds.learn_device(DEVICE, "r")
    assert not bounds.is_new_record(DEVICE, later[0])


def test_a_device_with_a_key_by_name_is_asked_about_again() -> None:
    bounds = KeyBounds()
    bounds.learn_device(DEVICE, None)
    assert bounds.knows_device(DEVICE)
    assert not bounds.knows_device(DEVICE - 1)
    bounds.forget_device(DEVICE)
    bounds.forget_device(DEVICE + 900)
    assert not bounds.knows_device(DEVICE)
    assert not bounds.is_new_record(DEVICE, "2026-03-02T12:00:01")


def test_of_a_gateway_one_spool_is_known() -> None:
    bounds = KeyBounds()
    bounds.learn_spool("g", "s", 41)
    assert [bounds.is_new("g", "s", seq) for seq in (40, 41, 42)] == [False, False, True]
    assert not bounds.is_new("g", "t", 42)
    assert not bounds.is_new("h", "s", 42)
    bounds.learn_spool("g", "t", None)
    assert bounds.is_new("g", "t", 0)
    assert not bounds.knows_spool("g", "s")
    bounds.forget_spool("g")
    assert not bounds.is_new("g", "t", 0)


def test_at_another_version_nothing_is_known() -> None:
    bounds = KeyBounds()
    bounds.refresh(3)
    bounds.learn_spool("g", "s", 41)
    bounds.learn_device(DEVICE, None)
    bounds.refresh(3)
    assert bounds.knows_spool("g", "s")
    assert bounds.knows_device(DEVICE)
    bounds.refresh(4)
    assert not bounds.knows_spool("g", "s")
    assert not bounds.knows_device(DEVICE)


def test_spools_are_kept_up_to_a_number() -> None:
    bounds = KeyBounds()
    for number in range(SPOOLS + 1):
        bounds.learn_spool(f"g-{number}", "s", None)
    assert bounds.knows_spool(f"g-{SPOOLS}", "s")
    assert not bounds.knows_spool("g-0", "s")
