"""A message on which the hub fails is put aside after two tries; a hub that fails on everything holds what comes."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.sql.engine import Unavailable
from hub.adapters.sql.quarantine import SqlQuarantine
from hub.domain.metrics import METRICS
from hub.services.ingest import commit, messages, poison
from hub.services.ingest.commit import JudgedMeanwhile
from hub.services.ingest.messages import Message
from hub.services.ingest.poison import HubFault, Outcome, SafeProcessor
from hub.services.ingest.wire import BatchAck, ErrorAck
from tests.unit.ingest.home import GATEWAY, Home, batch, homes, kg, reading


class Killed(BaseException):
    """The process ends here: nothing may catch it."""


class Faulty:
    """The hub's own ``process``, with a fault for the messages whose spool says so."""

    def __init__(self) -> None:
        self.faults: dict[str, Callable[[], BaseException]] = {"poison": lambda: ZeroDivisionError("a fault of ours")}
        self.seen: list[list[str]] = []

    def __call__(self, hub: Any, messages: Sequence[Message], registry: Any = None, **more: Any) -> Any:
        names = [spool_of(message) for message in messages]
        self.seen.append(names)
        for name in names:
            if name in self.faults:
                raise self.faults[name]()  # noqa: RSE102 - it makes the error
        return commit.process(hub, messages, registry, **more)


def spool_of(message: Message) -> str:
    return message.payload.decode().partition('"spool": "')[2].partition('"')[0]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Faulty:
    made = Faulty()
    monkeypatch.setattr(poison, "process", made)
    return made


def one(home: Home, spool: str, seq: int = 1, **more: Any) -> Message:
    values = kg(78 + seq / 10)
    return home.message(batch(home.now, reading(seq, home.now, values), spool=spool, batch=f"{spool}-{seq}"), **more)


def told(outcome: Outcome) -> dict[str, str]:
    return {
        ack.batch: f"{ack.results[0].status} {ack.results[0].code or ''}".strip()
        for ack in outcome.answers.get(GATEWAY, [])
        if isinstance(ack, BatchAck)
    }


def held(outcome: Outcome) -> list[str]:
    """What the hub failed on and holds."""
    assert isinstance(outcome.why, HubFault)
    return [spool_of(message) for message in outcome.left]


def test_poison_among_good_ones_is_put_aside_and_the_others_are_stored(home: Home, faulty: Faulty) -> None:
    messages = [one(home, "a"), one(home, "poison"), one(home, "b")]
    outcome = SafeProcessor(home.hub).process(messages)
    assert (outcome.left, outcome.why) == ([], None)
    assert told(outcome) == {"a-1": "stored", "poison-1": "rejected unprocessable", "b-1": "stored"}
    assert home.rows("quarantine", "code", "raw") == [("unprocessable", messages[1].payload)]
    assert home.alerts() == ["unprocessable open"]
    assert home.rows("alert", "severity") == [3]
    assert faulty.seen.count(["poison"]) == poison.TRIES
    assert home.count("ingest_attempt") == 0


def test_what_fails_once_and_then_not_is_stored(home: Home, faulty: Faulty) -> None:
    real = faulty.faults.pop("poison")
    failing = iter([real, real])

    def process(hub: Any, messages: Sequence[Message], registry: Any = None, **more: Any) -> Any:
        for fault in failing:
            raise fault()
        return commit.process(hub, messages, registry, **more)

    poison.process = process  # type: ignore[assignment]
    assert told(SafeProcessor(home.hub).process([one(home, "poison")])) == {"poison-1": "stored"}
    assert home.count("quarantine") == 0


@pytest.mark.parametrize("passing", [Unavailable("database is locked"), JudgedMeanwhile("by another")])
def test_what_may_pass_is_no_failure_of_the_message(home: Home, faulty: Faulty, passing: Exception) -> None:
    """A lock that lasts, at a message that was redelivered: it is tried for ever, and nothing is put aside."""
    faulty.faults["waits"] = lambda: passing
    safe, message = SafeProcessor(home.hub), one(home, "waits", redelivered=True)
    for _ in range(5):
        outcome = safe.process([message, one(home, "b", redelivered=True)])
        assert (outcome.why, len(outcome.left)) == (passing, 2)
    del faulty.faults["waits"]
    assert told(safe.process([message, one(home, "b", redelivered=True)])) == {"waits-1": "stored", "b-1": "stored"}
    assert home.count("quarantine") == home.count("ingest_attempt") == 0


def test_a_message_that_ends_the_process_is_put_aside_in_the_end_and_its_neighbours_are_not(
    home: Home, faulty: Faulty
) -> None:
    faulty.faults["killer"] = lambda: Killed()
    with pytest.raises(Killed):
        SafeProcessor(home.hub).process([one(home, "killer"), one(home, "a")])
    lives = 0
    while True:
        lives += 1
        messages = [one(home, "killer", redelivered=True), one(home, "a", redelivered=True)]
        try:
            answers = SafeProcessor(home.hub).process(messages)
        except Killed:
            assert lives < 5
            continue
        break
    assert lives == poison.LIVES + 1
    assert told(answers) == {"killer-1": "rejected unprocessable", "a-1": "stored"}
    assert home.count("ingest_attempt") == 0


def test_redelivery_alone_puts_nothing_aside(home: Home, faulty: Faulty) -> None:
    for _ in range(4):
        answers = SafeProcessor(home.hub).process([one(home, "a", redelivered=True)])
    assert told(answers) == {"a-1": "duplicate"}
    assert faulty.seen == [["a"]] * 4


def test_a_hub_that_fails_on_everything_answers_nothing_and_puts_nothing_more_aside(home: Home, faulty: Faulty) -> None:
    safe = SafeProcessor(home.hub)
    for seq in range(3):
        assert told(safe.process([one(home, "poison", seq)])) == {f"poison-{seq}": "rejected unprocessable"}
    for _ in range(3):
        assert held(safe.process([one(home, "poison", 3)])) == ["poison"]
    assert home.count("quarantine") == poison.POISON_IN_A_ROW


def test_a_group_of_more_than_three_that_all_fail_is_held_whole(home: Home, faulty: Faulty) -> None:
    safe, group = SafeProcessor(home.hub), [one(home, "poison", seq) for seq in range(5)]
    assert len(held(safe.process(group))) == 5
    assert home.count("quarantine") == 0
    # One good message shows that it was not the hub: one gateway's rubbish stops nobody else.
    answers = told(safe.process([one(home, "a"), *group]))
    assert answers.pop("a-1") == "stored"
    assert set(answers.values()) == {"rejected unprocessable"}
    assert home.count("quarantine") == 5


def test_a_mended_hub_stores_what_it_held(home: Home, faulty: Faulty) -> None:
    safe, group = SafeProcessor(home.hub), [one(home, "poison", seq) for seq in range(5)]
    assert len(held(safe.process(group))) == 5
    faulty.faults.clear()
    assert set(told(safe.process(group)).values()) == {"stored"}


def test_poison_without_a_known_sender_or_an_answer_has_none(home: Home, faulty: Faulty) -> None:
    faulty.faults[""] = faulty.faults["poison"]
    messages = [one(home, "poison", gateway="x" * 300), home.message(b"{}", "status"), one(home, "a")]
    assert told(SafeProcessor(home.hub).process(messages)) == {"a-1": "stored"}
    assert home.count("quarantine") == 2


def test_a_fault_in_reading_itself_is_poison_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_payload: bytes) -> Any:
        raise ArithmeticError("a fault in decode")

    monkeypatch.setattr(messages, "decode", broken)
    (ack,) = SafeProcessor(home.hub).process([one(home, "a")]).answers[GATEWAY]
    assert isinstance(ack, ErrorAck)
    assert (ack.batch, ack.error) == (None, "undecodable")


def test_a_value_that_no_rule_was_made_for_is_no_poison(home: Home) -> None:
    for number, metric in enumerate(METRICS.values()):
        for extreme in (1e11, -1e11, 1e-300, 0.0, -0.0):
            values = [{"metric": metric.name, "value": extreme, "unit": metric.unit, "comparator": "<"}]
            one = reading(number * 10 + abs(hash(extreme)) % 1000 * 1000, home.now, values)
            (ack,) = SafeProcessor(home.hub).process([home.message(batch(home.now, one))]).answers[GATEWAY]
            assert isinstance(ack, BatchAck)
            assert ack.results[0].status in {"stored", "rejected"}
    assert not [line for line in home.alerts() if "unprocessable" in line or "judging" in line or "rule" in line]


@pytest.mark.parametrize("place", [0, 50, 63, 99])
def test_one_among_a_thousand_is_found_in_few_tries_of_its_own_group(home: Home, faulty: Faulty, place: int) -> None:
    """Whoever is in another group waits for no more than what it costs to find it, once."""
    groups = [[one(home, f"s-{number}", seq) for seq in range(100)] for number in range(10)]
    groups[4][place] = one(home, "poison")
    safe = SafeProcessor(home.hub)
    answers = [told(safe.process(group)) for group in groups]
    assert [len(answer) for answer in answers] == [100] * 10
    fates = [fate for answer in answers for fate in answer.values()]
    assert (fates.count("stored"), fates.count("rejected unprocessable")) == (999, 1)
    halvings = 7  # of a hundred
    assert len(faulty.seen) <= 10 + 2 * halvings + poison.TRIES
    assert sum(len(names) for names in faulty.seen) <= 10 * 100 + 2 * 100 + poison.TRIES
    assert home.count("journal") == 999


def test_while_poison_is_looked_for_the_others_stay_in_the_order_they_came_in(home: Home, faulty: Faulty) -> None:
    messages = [one(home, "s", seq) for seq in range(9)]
    messages[2], messages[6] = one(home, "poison", 2), one(home, "poison", 6)
    SafeProcessor(home.hub).process(messages)
    assert home.rows("journal", "seq") == [0, 1, 3, 4, 5, 7, 8]
    assert home.count("quarantine") == 2


def test_what_may_pass_while_poison_is_looked_for_is_tried_again_and_the_rest_is_done_with(
    home: Home, faulty: Faulty
) -> None:
    """What was written is not written, counted or answered a second time."""
    rubbish, bad = home.message(b"not json"), home.message(b"{}", "status")
    messages = [rubbish, bad, one(home, "a"), one(home, "poison"), one(home, "b"), one(home, "waits")]
    faulty.faults["waits"] = lambda: Unavailable("database is locked")
    safe, left = SafeProcessor(home.hub), messages
    fates: dict[str, str] = {}
    for _ in range(4):
        outcome = safe.process(left, proven=True)
        assert isinstance(outcome.why, Unavailable)
        fates |= told(outcome)
        left = list(outcome.left)
    assert fates == {"a-1": "stored"}
    del faulty.faults["waits"]
    fates |= told(safe.process(left))
    assert fates == {"a-1": "stored", "poison-1": "rejected unprocessable", "b-1": "stored", "waits-1": "stored"}
    assert home.count("journal") == 3
    assert sorted(home.rows("quarantine", "code", "times")) == [
        ("schema", 1),
        ("undecodable", 1),
        ("unprocessable", 1),
    ]
    assert home.count("ingest_attempt") == 0


@pytest.mark.parametrize(
    "beside", ["status", "broken status", "rubbish", "unknown gateway", "sent again", "stranger's"]
)
def test_what_does_not_go_all_the_way_shows_nothing_of_the_hub(
    home: Home, monkeypatch: pytest.MonkeyPatch, beside: str
) -> None:
    """A release that can write no reading: it holds them, whatever else it can do."""
    safe = SafeProcessor(home.hub)
    safe.process([one(home, "known")])
    others = {
        "status": home.message(b'{"v": 1, "online": true}', "status"),
        "broken status": home.message(b"{}", "status"),
        "rubbish": home.message(b"not json"),
        "unknown gateway": one(home, "x", gateway="nobody"),
        "sent again": one(home, "known"),
        "stranger's": home.message(batch(home.now, reading(9, home.now, kg(78), "AA:BB:CC:99:99:99"), spool="x")),
    }
    with monkeypatch.context() as patch:
        patch.setattr(commit, "evaluate", broken)
        group = [one(home, "s", seq) for seq in range(4)]
        for _ in range(2):
            outcome = safe.process([*group, others[beside]])
            assert held(outcome) == ["s"] * 4
        assert held(safe.process([others[beside], group[0]])) == ["s"]
        assert "unprocessable" not in home.rows("quarantine", "code")
    assert set(told(safe.process(group)).values()) == {"stored"}


def broken(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a fault of ours")


def test_a_broken_hub_shows_each_fault_once_a_group(
    home: Home, faulty: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    """Five hundred tracebacks every few seconds would fill a disk before anybody came."""
    faulty.faults["other"] = lambda: KeyError("another")
    safe = SafeProcessor(home.hub)
    group = [one(home, "poison", seq) for seq in range(20)] + [one(home, "other", seq) for seq in range(20)]
    assert len(held(safe.process(group))) == 40
    assert [type(record.exc_info[1]) for record in caplog.records if record.exc_info] == [ZeroDivisionError, KeyError]
    assert len(caplog.records) == 2


def test_a_lock_at_putting_aside_makes_no_hold_of_one_poison(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: Any) -> None:
        raise Unavailable("database is locked")

    monkeypatch.setattr(poison, "process", broken)
    safe = SafeProcessor(home.hub)
    with monkeypatch.context() as patch:
        patch.setattr(SqlQuarantine, "add", locked)
        for _ in range(5):
            assert isinstance(safe.process([one(home, "poison")]).why, Unavailable)
    assert told(safe.process([one(home, "poison")])) == {"poison-1": "rejected unprocessable"}


def test_an_attempt_that_was_noted_is_done_when_its_message_is_whichever_way(home: Home, faulty: Faulty) -> None:
    real = faulty.faults.pop("poison")
    faults = iter([real(), Unavailable("database is locked")])

    def process(hub: Any, messages: Sequence[Message], registry: Any = None, **more: Any) -> Any:
        for fault in faults:
            raise fault
        return commit.process(hub, messages, registry, **more)

    poison.process = process  # type: ignore[assignment]
    safe = SafeProcessor(home.hub)
    assert isinstance(safe.process([one(home, "a")]).why, Unavailable)
    assert home.count("ingest_attempt") == 1
    assert told(safe.process([one(home, "a")])) == {"a-1": "stored"}
    assert home.count("ingest_attempt") == 0


def test_a_life_that_was_told_to_end_ended_for_no_messages_sake(home: Home, faulty: Faulty) -> None:
    """An operator restarts a hub that waits for a lock, again and again: the message it waits with is a good one."""
    faulty.faults["waits"] = lambda: Unavailable("database is locked")
    for _ in range(poison.LIVES + 2):
        safe = SafeProcessor(home.hub)
        safe.process([one(home, "waits", redelivered=True), one(home, "b", redelivered=True)])
        safe.leave()
    del faulty.faults["waits"]
    group = [one(home, "waits", redelivered=True), one(home, "b", redelivered=True)]
    assert told(SafeProcessor(home.hub).process(group)) == {"waits-1": "stored", "b-1": "stored"}


def test_a_commit_that_fails_after_a_message_is_written_blames_it_for_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is noted of it stays so: that is this life's, and no earlier one ended in it."""
    finished = SqlQuarantine.finished

    def and_the_commit_fails(quarantine: SqlQuarantine, digests: Sequence[bytes]) -> None:
        finished(quarantine, digests)
        raise Unavailable("the disk does not write")

    safe, message = SafeProcessor(home.hub), one(home, "a", redelivered=True)
    with monkeypatch.context() as patch:
        patch.setattr(SqlQuarantine, "finished", and_the_commit_fails)
        for _ in range(poison.LIVES + 2):
            outcome = safe.process([message])
            assert (list(outcome.left), outcome.proven) in [([], True), ([], False)]
            assert set(told(outcome).values()) <= {"stored", "duplicate"}
    assert home.rows("ingest_attempt", "started") == [1]
    assert told(safe.process([message])) == {"a-1": "duplicate"}
    assert home.count("ingest_attempt") == home.count("quarantine") == 0


def test_what_is_noted_while_it_is_told_to_stop_is_taken_back(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts, safe = SqlQuarantine.attempts, SafeProcessor(home.hub)

    def told_to_stop(quarantine: SqlQuarantine, *of: Any) -> int:
        safe.leave()
        return attempts(quarantine, *of)

    monkeypatch.setattr(SqlQuarantine, "attempts", told_to_stop)
    monkeypatch.setattr(poison, "process", broken)
    safe.process([one(home, "a", redelivered=True)], proven=False)
    assert home.count("ingest_attempt") == 0


def test_a_proof_is_kept_when_something_passes_before_the_rest_is_tried(home: Home, faulty: Faulty) -> None:
    faulty.faults["waits"] = lambda: Unavailable("database is locked")
    bad = [one(home, "poison", seq) for seq in range(5)]
    outcome = SafeProcessor(home.hub).process([one(home, "a"), *bad, one(home, "waits")])
    assert isinstance(outcome.why, Unavailable)
    assert outcome.proven
    assert len(outcome.left) == 6
