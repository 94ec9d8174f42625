"""What a finding rests on, line by line, in words and units people write (SF15)."""

import re
from datetime import datetime

from dashboards.viewmodels import times
from hub.domain.metrics import METRICS, unit_word
from hub.services.views.alerts import FindingLine
from hub.services.views.texts import DANGER

_UNITS = {metric.unit: unit_word(metric.unit) for metric in METRICS.values() if unit_word(metric.unit) != metric.unit}
_UNITS["[lb_av]"] = unit_word("[lb_av]")
_SIGNS = {">=": "≥", "<=": "≤"}
_SAID_ELSEWHERE = {"device", "because", "shown", "flags"}


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")


def by_text(problem: str) -> bool:
    """Whether words raised it: a text, or an answer to a check-in. Nothing was measured then."""
    return problem == DANGER or problem.startswith("checkin-")


def basis(finding: FindingLine, zone: str, now: datetime) -> list[tuple[str, str]]:
    """(name, words) of each input that the values and the sentence do not say already."""
    shown = {sample.metric for sample in finding.samples}
    return [
        (_name(key), _in_zone(_words(text), zone, now))
        for key, text in finding.inputs.items()
        if key not in shown and not (key in _SAID_ELSEWHERE and finding.samples) and not _when(finding, key)
    ]


def _when(finding: FindingLine, key: str) -> bool:
    """It says once more when the text came."""
    return finding.rule == DANGER and key == "received"


def _in_zone(text: str, zone: str, now: datetime) -> str:
    return _INSTANT.sub(lambda found: times.clock(datetime.fromisoformat(found[0]), zone, now), text)


def _name(key: str) -> str:
    return METRICS[key].label if key in METRICS else key.replace("_", " ").capitalize()


def _words(text: str) -> str:
    for ucum, word in _UNITS.items():
        if ucum != "1":
            text = text.replace(ucum, word)
    return re.sub("[<>]=", lambda sign: _SIGNS[sign[0]], text)
