"""The Prometheus text format, written from rows. No label carries anything about a patient."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from hub.services.engine.soundness import ROLE as CHECK
from hub.services.engine.soundness import sound_at
from hub.services.views.running import Beat, Lag, Running

# Counter rows by name: what the metric is called, and what its label means.
COUNTERS = {
    "rpmhub_readings_stored_total": ("", "Readings stored."),
    "rpmhub_readings_replayed_total": ("", "Readings of recordings, stored apart."),
    "rpmhub_readings_rejected_total": ("code", "Readings refused, by code."),
    "rpmhub_readings_duplicate_total": ("", "Readings that were known already."),
    "rpmhub_readings_held_total": ("code", "Readings that waited for a person, by code."),
    "rpmhub_alerts_opened_total": ("kind,severity", "Alerts opened."),
    "rpmhub_messages_total": ("channel,status", "Messages by channel and last status."),
}
HISTOGRAMS = {
    "rpmhub_alert_latency_seconds": "From receipt of a reading until its alert is durable.",
    "rpmhub_escalation_lateness_seconds": "How late pages were written.",
}
_ENDLESS = 1e11


def exposition(running: Running, now: datetime) -> str:
    """The page ``/metrics``."""
    lines: list[str] = []
    counted = _counted(running)
    for name, (labels, text) in COUNTERS.items():
        lines += _family(name, "counter", text, _samples(labels, counted.get(name, {})))
    for name, text in HISTOGRAMS.items():
        lines += _histogram(name, text, running.histograms.get(name, []))
    ages = {b.role: (now - b.at).total_seconds() for b in sorted(running.beats, key=lambda b: b.at) if b.role != CHECK}
    lines += _family("rpmhub_tick_age_seconds", "gauge", "Since a role was last heard.", _samples("role", ages))
    for check in (b for b in running.beats if b.role == CHECK):
        lines += _check(check, now)
    queues = [q for b in running.beats if b.role == "ingest" and isinstance(q := b.detail.get("queue"), int | float)]
    lines += _family("rpmhub_ingest_queue", "gauge", "Messages that wait in ingest.", [("", sum(queues))])
    alerts = {f"{kind},{word}": count for (kind, word), count in running.open_alerts.items()}
    lines += _family("rpmhub_alerts_open", "gauge", "Alerts open now.", _samples("kind,severity", alerts))
    lines += _family("rpmhub_readings_held", "gauge", "Readings that wait for a person now.", [("", running.held)])
    lines += _family("rpmhub_quarantine_unseen", "gauge", "Bad messages nobody looked at.", [("", running.quarantined)])
    if running.copy is not None:
        lines += _lag(running.copy, now)
    return "\n".join(lines) + "\n"


def _lag(copy: Lag, now: datetime) -> list[str]:
    age, text = copy.age(now).total_seconds(), "How long the first reading that is not in the copy of the series waits."
    behind = [("", copy.readings)]
    return [
        *_family("rpmhub_series_lag_seconds", "gauge", text, [("", age)]),
        *_family("rpmhub_series_lag_readings", "gauge", "Readings that are not in the copy of the series yet.", behind),
    ]


def _check(beat: Beat, now: datetime) -> list[str]:
    good = sound_at(beat.detail)
    age = [] if good is None else [("", (now - good).total_seconds())]
    sound = float(beat.detail.get("said") is None)
    return [
        *_family("rpmhub_database_check_age_seconds", "gauge", "Since the database was last found sound.", age),
        *_family("rpmhub_database_sound", "gauge", "0: the last check found damage.", [("", sound)]),
    ]


def _counted(running: Running) -> dict[str, dict[str, float]]:
    counted: dict[str, dict[str, float]] = {}
    for (name, label), value in running.counters.items():
        full = name if name.startswith("rpmhub_") else f"rpmhub_{name}_total"
        counted.setdefault(full, {})[label] = value
    messages: dict[str, float] = {f"{channel},{state}": count for (channel, state), count in running.messages.items()}
    return counted | {"rpmhub_messages_total": messages}


def _samples(labels: str, values: Mapping[str, float]) -> list[tuple[str, float]]:
    names = labels.split(",")
    if not labels:
        return [("", sum(values.values()))]
    return [(_labels(names, key), value) for key, value in sorted(values.items())]


def _labels(names: list[str], key: str) -> str:
    parts = key.split(",") if len(names) > 1 else [key]
    return "{" + ",".join(f'{name}="{_escaped(part)}"' for name, part in zip(names, parts, strict=False)) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _family(name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> list[str]:
    return [
        f"# HELP {name} {text}",
        f"# TYPE {name} {kind}",
        *(f"{name}{labels} {value:g}" for labels, value in samples),
    ]


def _histogram(name: str, text: str, buckets: list[tuple[float, int, float]]) -> list[str]:
    lines = [f"# HELP {name} {text}", f"# TYPE {name} histogram"]
    below = 0
    for bound, count, _total in sorted(buckets):
        below += count
        if bound < _ENDLESS:
            lines.append(f'{name}_bucket{{le="{bound:g}"}} {below}')
    lines.append(f'{name}_bucket{{le="+Inf"}} {below}')
    lines.append(f"{name}_sum {sum(total for _, _, total in buckets):g}")
    return [*lines, f"{name}_count {below}"]
