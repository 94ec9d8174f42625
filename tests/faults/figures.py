"""The figures of a run, as a table for people and as a file."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.checker import alerts_of_episodes
from tests.faults.evidence import Evidence
from tests.faults.killers import Killer


@dataclass(frozen=True, slots=True)
class Figures:
    """``bound``: with no violation in N kills the true rate is below 3/N, at 95 % confidence."""

    kills: dict[str, int]
    longest_recovery_s: dict[str, float]
    readings_measured: int
    readings_acknowledged: int
    journal_rows: int
    readings_lost: int
    readings_doubled: int
    repeats_recognised: int
    longest_way_s: float
    alerts_expected: int
    alerts_found: int
    alerts_doubled: int
    pages_expected: int
    pages_arrived: int
    pages_overtaken: int
    pages_doubled: int
    messages_sent_again: int
    violations: int
    bound: str
    seconds: float

    def save(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=2))

    def table(self) -> str:
        """One figure a line."""
        lines = []
        for name, value in asdict(self).items():
            shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
            lines.append(f"{name.replace('_', ' '):<24}{shown}")
        return "\n".join(lines)


def figures(evidence: Evidence, killers: Sequence[Killer], found: Sequence[str], seconds: float) -> Figures:
    """What a run came to."""
    kept = [spooled.record for spooled in evidence.spooled if spooled.place == "kept"]
    rows = Counter(row.record for row in evidence.journal)
    measured = {one.record: one.at for one in evidence.measured}
    episodes = {one.episode for one in evidence.measured if one.episode is not None}
    attached = alerts_of_episodes(evidence)
    shown = Counter(evidence.phones)
    pages = [message for message in evidence.messages if message.kind == "page"]
    total = sum(killer.kills for killer in killers)
    return Figures(
        kills={killer.name: killer.kills for killer in killers},
        longest_recovery_s={killer.name: round(max(killer.recovered_s, default=0), 2) for killer in killers},
        readings_measured=len(measured),
        readings_acknowledged=len(set(kept)),
        journal_rows=len(evidence.journal),
        readings_lost=len(measured.keys() - rows.keys()),
        readings_doubled=sum(count - 1 for count in rows.values()),
        repeats_recognised=len(kept) - len(set(kept)),
        longest_way_s=round(
            max((row.received_at - measured[row.record]).total_seconds() for row in evidence.journal), 2
        ),
        alerts_expected=len(episodes),
        alerts_found=len({one for episode in episodes for one in attached[episode] if one}),
        alerts_doubled=sum(max(0, len(attached[episode]) - 1) for episode in episodes),
        pages_expected=len(evidence.paged),
        pages_arrived=sum(bool(shown[page.id]) for page in pages),
        pages_overtaken=sum(page.state == "cancelled" and not shown[page.id] for page in pages),
        pages_doubled=sum(max(0, shown[page.id] - 1) for page in pages),
        messages_sent_again=sum(message.attempts > 1 for message in evidence.messages),
        violations=len(found),
        bound=f"below 3/{total} a kill, 3/{total // max(1, len(killers))} for each program" if not found else "none",
        seconds=round(seconds, 1),
    )
