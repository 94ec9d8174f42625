"""The order of the worklist, its filters, and how it keeps still."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from dashboards.viewmodels.triage import Filters, choices, keep_still, urgency
from hub.domain.severity import Severity
from hub.services.views.alerts import AlertRow, NextPage
from tests.unit.dashboards.shown import NOW, ago, alert


def _page(minutes: float) -> NextPage:
    return NextPage(NOW + timedelta(minutes=minutes), ("Ben",))


ALERTS = st.lists(
    st.builds(
        alert,
        ref=st.text("ABCDEFGHKLMN", min_size=4, max_size=4),
        severity=st.sampled_from(Severity),
        state=st.sampled_from(["open", "acknowledged"]),
        next_page=st.none() | st.builds(_page, st.integers(-10, 100)),
        opened_at=st.builds(lambda minutes: ago(minutes=minutes), st.integers(0, 1000)),
    ),
    max_size=12,
    unique_by=lambda one: one.ref,
)


def _refs(rows: tuple[AlertRow, ...] | list[AlertRow]) -> list[str]:
    return [row.ref for row in rows]


def test_order() -> None:
    taken_red = alert("AAAA", state="acknowledged", lapses_at=NOW + timedelta(minutes=2))
    red_later, red_soon = alert("BBBB", next_page=_page(9)), alert("CCCC", next_page=_page(3))
    amber_due = alert("DDDD", severity=Severity.AMBER, next_page=_page(1))
    low_old = alert("EEEE", severity=Severity.LOW, opened_at=ago(days=3))
    low_new = alert("FFFF", severity=Severity.LOW)
    rows = [low_new, amber_due, red_later, taken_red, low_old, red_soon]
    assert _refs(sorted(rows, key=urgency)) == ["CCCC", "BBBB", "DDDD", "AAAA", "EEEE", "FFFF"]


@given(ALERTS)
def test_an_untaken_red_is_never_below_another_row(rows: list[AlertRow]) -> None:
    urgent = [row.state == "open" and row.severity is Severity.RED for row in sorted(rows, key=urgency)]
    assert urgent == sorted(urgent, reverse=True)


@given(rows=ALERTS, new=ALERTS)
def test_rows_that_are_shown_keep_their_places(rows: list[AlertRow], new: list[AlertRow]) -> None:
    known = {row.ref for row in rows}
    arriving = [row for row in new if row.ref not in known]
    shown = _refs(keep_still(rows, []).rows)
    held = keep_still([*arriving, *rows], shown)
    if shown:
        assert _refs(held.rows) == shown
        assert set(_refs(held.new)) == {row.ref for row in arriving}
    else:
        assert held.new == ()


@given(rows=ALERTS, gone=st.integers(0, 11))
def test_a_row_that_left_moves_no_other(rows: list[AlertRow], gone: int) -> None:
    shown = _refs(keep_still(rows, []).rows)
    left = [row for row in rows if gone >= len(shown) or row.ref != shown[gone]]
    assert _refs(keep_still(left, shown).rows) == [ref for ref in shown if ref in _refs(left)]


@given(rows=ALERTS, who=st.sampled_from(["", "mine", "unassigned"]), severity=st.sampled_from(["", "red", "low"]))
def test_a_count_is_what_the_filter_then_shows(rows: list[AlertRow], who: str, severity: str) -> None:
    filters = Filters(who=who, severity=severity)
    for group in choices(filters, rows, 7):
        for choice in group:
            changed = Filters.of({"who": who, "severity": severity, choice.name: choice.value})
            assert choice.count == sum(changed.admits(row, 7) for row in rows)


def test_mine_and_nobodys() -> None:
    mine, theirs, nobodys = alert("AAAA", owner_id=7), alert("BBBB", owner_id=8), alert("CCCC")
    rows = [mine, theirs, nobodys]
    assert [row for row in rows if Filters(who="mine").admits(row, 7)] == [mine]
    assert [row for row in rows if Filters(who="unassigned").admits(row, 7)] == [nobodys]
    assert [row for row in rows if Filters(who="mine").admits(row, None)] == []


def test_an_address_holds_the_filters_and_nothing_strange() -> None:
    assert Filters.of({"severity": "red", "who": "<script>"}) == Filters(severity="red")
    assert Filters(severity="red", programme="Heart failure").query() == "severity=red&programme=Heart+failure"
    assert Filters().query() == ""
