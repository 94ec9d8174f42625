"""What staff text back, numbers that are not reused, chains, and states of a message."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.escalation import NOBODY, Chain, Person, build
from hub.domain.messages import DEAD, Sending, moves, try_again
from hub.domain.replies import Reply, Verb, next_digit, parse
from hub.domain.severity import Severity
from hub.domain.worsening import values_of


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ("1a", Reply(Verb.TAKE, 1)),
        ("1 a", Reply(Verb.TAKE, 1)),
        ("1A.", Reply(Verb.TAKE, 1)),
        (" 12a! ", Reply(Verb.TAKE, 12)),
        ("ack 3", Reply(Verb.TAKE, 3)),
        ("a3", Reply(Verb.TAKE, 3)),
        ("1e", Reply(Verb.PASS, 1)),
        ("2 E", Reply(Verb.PASS, 2)),
        ("1 close", Reply(Verb.CLOSE, 1)),
        ("ack", Reply(Verb.TAKE)),
        ("A", Reply(Verb.TAKE)),
        ('"1a"', Reply(Verb.TAKE, 1)),
        ("1", None),
        ("yes", None),
        ("1a and 2a", None),
        ("a nurse is coming", None),
        ("I cannot take it", None),
        ("123456a", None),
        ("", None),
    ],
)
def test_parse(body: str, reply: Reply | None) -> None:
    assert parse(body) == reply


@given(st.sets(st.integers(1, 30)))
def test_the_next_number_is_the_lowest_that_is_free(taken: set[int]) -> None:
    digit = next_digit(taken)
    assert digit not in taken
    assert set(range(1, digit)) <= taken


def test_numbers_grow_beyond_nine() -> None:
    assert next_digit(range(1, 10)) == 10


ANA, BEN, LAST = Person("Ana", "+1", 1), Person("Ben", "+2", 2), Person("the last resort", "+3")


def delays(chain: Chain) -> list[float]:
    return [step.delay_s / 60 for step in chain.steps]


def test_a_red_chain() -> None:
    chain = build("clinical", Severity.RED, [ANA, BEN], LAST, 1.0)
    assert (delays(chain), chain.repeat_s) == ([0, 5, 5], 600)
    assert chain.at(99).name == "the last resort"
    assert chain.wait_before(99) == timedelta(minutes=10)
    assert Chain.from_json(chain.to_json()) == chain


def test_an_amber_chain_waits_two_hours() -> None:
    assert delays(build("clinical", Severity.AMBER, [ANA, BEN], LAST, 1.0)) == [120, 15, 15]


def test_the_demo_scales_every_delay() -> None:
    chain = build("clinical", Severity.RED, [ANA, BEN], LAST, 0.1)
    assert (delays(chain), chain.repeat_s) == ([0, 0.5, 0.5], 60)


def test_with_nobody_the_last_resort_is_paged_at_once() -> None:
    assert delays(build("clinical", Severity.RED, [], LAST, 1.0)) == [0]


def test_low_and_technical_amber_page_nobody() -> None:
    assert build("clinical", Severity.LOW, [ANA], LAST, 1.0) == NOBODY
    assert build("missing", Severity.LOW, [ANA], LAST, 1.0) == NOBODY
    assert build("technical", Severity.AMBER, [ANA], LAST, 1.0) == NOBODY


@given(st.sampled_from(Sending), st.sampled_from(Sending), st.sampled_from(Sending))
def test_statuses_are_an_order(one: Sending, two: Sending, three: Sending) -> None:
    assert not moves(one, one)
    assert not (moves(one, two) and moves(two, one))
    if moves(one, two) and moves(two, three):
        assert moves(one, three)


@pytest.mark.parametrize("end", [*sorted(DEAD), Sending.DELIVERED, Sending.CANCELLED, Sending.STALE])
def test_an_end_is_an_end(end: Sending) -> None:
    assert [told for told in Sending if moves(end, told)] == []


def test_what_surely_did_not_leave_is_tried_three_times() -> None:
    waits = [try_again(attempts, permanent=False) for attempts in (1, 2, 3)]
    assert waits == [timedelta(seconds=15), timedelta(seconds=30), None]
    assert try_again(1, permanent=True) is None


def test_measured_values_among_a_findings_inputs() -> None:
    inputs = {
        "oxygen_saturation": "88 % at 07:04",
        "blood_glucose": "<20 mg/dL at 07:04",
        "device": "meter 3",
        "limit": "92",
    }
    assert {metric: str(value) for metric, value in values_of(inputs).items()} == {
        "oxygen_saturation": "88",
        "blood_glucose": "20",
    }
