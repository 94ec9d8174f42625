"""The judge: a pure function from evidence to what is wrong with it. Nothing wrong is an empty list."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from hub.services.ingest.samples import VALUES_PER_READING
from tests.faults.cuffs import Record
from tests.faults.evidence import Alerted, Evidence, Sent

OPEN = frozenset({"open", "acknowledged"})


def violations(evidence: Evidence) -> list[str]:
    """What was lost, doubled, invented or left lying, one sentence each."""
    checks = (_findings, _alerts, _pages, _phones)
    return [*of_readings(evidence), *(sentence for check in checks for sentence in check(evidence))]


def of_readings(evidence: Evidence) -> list[str]:
    """The same of readings alone."""
    checks = (_journal, _readings, _refusals, _conservation)
    return [sentence for check in checks for sentence in check(evidence)]


def _journal(e: Evidence) -> Iterator[str]:
    """Acknowledged is a part of journalled; what a cuff gave away is journalled exactly once; nothing else is."""
    rows = Counter(row.record for row in e.journal)
    for record in sorted({spooled.record for spooled in e.spooled if spooled.place == "kept"} - rows.keys()):
        yield f"acknowledged and not in the journal: {_name(record)}"
    for one in e.measured:
        if not one.accepted:
            yield f"never taken from the cuff: {_name(one.record)}"
        elif not rows[one.record]:
            yield f"measured and lost: {_name(one.record)}"
    yield from (f"{count} journal rows for {_name(record)}" for record, count in rows.items() if count > 1)
    yield from (f"nobody measured {_name(r)}" for r in sorted(rows.keys() - {one.record for one in e.measured}))
    numbers = Counter(row.seq for row in e.journal)
    yield from (f"{count} journal rows for the spool's number {seq}" for seq, count in numbers.items() if count > 1)


def _readings(e: Evidence) -> Iterator[str]:
    """Every value of a journal row is a reading, once."""
    stored = Counter(e.readings)
    wanted = {row.id * VALUES_PER_READING + place for row in e.journal for place in range(row.values)}
    yield from (f"journalled and no reading: {one}" for one in sorted(wanted - stored.keys()))
    yield from (f"a reading without a journal row: {one}" for one in sorted(stored.keys() - wanted))
    yield from (f"reading {one} is there {count} times" for one, count in stored.items() if count > 1)


def _refusals(e: Evidence) -> Iterator[str]:
    """Every device is known and every record sound: nothing may be held, refused or set aside."""
    yield from (f"{_name(row.record)} is {row.status}" for row in e.journal if row.status != "stored")
    yield from (f"the hub put a message aside: {code}" for code in e.refused)
    if e.undecodable:
        yield f"the gateway put {e.undecodable} messages aside"


def _conservation(e: Evidence) -> Iterator[str]:
    """Every number the spool gave out: delivered, waiting, refused, or declared as dropped."""
    seqs = [spooled.seq for spooled in e.spooled]
    if len(seqs) + e.dropped != e.given or len(set(seqs)) != len(seqs):
        yield f"the spool gave out {e.given} numbers, has {len(seqs)} and says it dropped {e.dropped}"
    for spooled in e.spooled:
        if spooled.place != "kept":
            yield f"{_name(spooled.record)} still stands in the spool's {spooled.place}"
    yield from (f"number {s} was never given out" for s in sorted({row.seq for row in e.journal} - set(seqs)))


def _findings(e: Evidence) -> Iterator[str]:
    """Every rule that must speak of a reading did so once, and no other."""
    spoke: dict[int, Counter[str]] = defaultdict(Counter)
    for found in e.findings:
        spoke[found.journal_id][found.rule] += 1
    rows = {row.record: row.id for row in e.journal}
    for one in e.measured:
        if one.record in rows and (said := spoke[rows[one.record]]) != Counter(one.rules):
            yield f"of {_name(one.record)} must speak {sorted(one.rules)}, spoke {sorted(said.elements())}"


def _alerts(e: Evidence) -> Iterator[str]:
    """One alert an episode and one episode an alert; at most one open for a patient and problem."""
    of_episode = alerts_of_episodes(e)
    problems = {one.episode: one.problem for one in e.measured if one.episode is not None}
    named = {alert.id: alert.problem for alert in e.alerts}
    for episode, problem in problems.items():
        found = of_episode[episode]
        if [named.get(alert_id or 0) for alert_id in found] != [problem]:
            yield f"episode {episode} ({problem}) has the alerts {sorted(map(str, found))}"
    owners = Counter(alert_id for episode in problems for alert_id in of_episode[episode])
    yield from (f"alert {i} stands for {count} episodes" for i, count in owners.items() if i and count > 1)
    yield from (f"alert {a.id} ({a.problem}) is nobody's episode" for a in e.alerts if a.id not in owners)
    yield from _open_twice(e.alerts)


def _open_twice(alerts: tuple[Alerted, ...]) -> Iterator[str]:
    standing = Counter((alert.subject, alert.problem) for alert in alerts if alert.state in OPEN)
    yield from (f"{count} open alerts of {problem} for {s}" for (s, problem), count in standing.items() if count > 1)


def _pages(e: Evidence) -> Iterator[str]:
    """Every page that an alert's history tells of is one message, the first one the first step; each has arrived."""
    pages: dict[int | None, list[Sent]] = defaultdict(list)
    for message in e.messages:
        if message.kind == "page":
            pages[message.alert_id].append(message)
    told = Counter(e.paged)
    shown = set(e.phones)
    for alert in e.alerts:
        places = [message.place for message in pages[alert.id]]
        if len(places) != told[alert.id] or len(set(places)) != len(places):
            yield f"alert {alert.id} paged {told[alert.id]} times, with {len(places)} messages for {places}"
        elif sorted(places) != [(1, step) for step in range(len(places))]:
            yield f"alert {alert.id} paged out of turn: {places}"
        if not any(message.id in shown for message in pages[alert.id]):
            yield f"no page of alert {alert.id} ever arrived"


def _phones(e: Evidence) -> Iterator[str]:
    """A message is on its phone once if it was delivered, and perhaps once if it was cancelled on its way."""
    shown = Counter(e.phones)
    for message in e.messages:
        count = shown.pop(message.id, 0)
        if message.state not in {"delivered", "cancelled"}:
            yield f"{message.kind} {message.id} ended as {message.state}"
        if count > 1 or (message.state == "delivered" and not count):
            yield f"{message.kind} {message.id} ({message.state}) is on its phone {count} times"
    yield from (f"a phone shows message {unknown}, which nobody wrote" for unknown in shown)


def alerts_of_episodes(e: Evidence) -> dict[int | None, set[int | None]]:
    """The alerts that an episode's readings are attached to; None for a reading that is attached to none."""
    episodes = {one.record: one.episode for one in e.measured}
    rows = {row.id: row.record for row in e.journal}
    attached: dict[int | None, set[int | None]] = defaultdict(set)
    for found in e.findings:
        if found.journal_id in rows:
            attached[episodes.get(rows[found.journal_id])].add(found.alert_id)
    return attached


def _name(record: Record) -> str:
    return f"{record[0]} {record[1]}"
