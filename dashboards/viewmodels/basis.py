"""What a finding rests on, line by line, in words and units people write (SF15)."""

import re

from hub.domain.metrics import METRICS, unit_word
from hub.services.views.alerts import FindingLine

_UNITS = {metric.unit: unit_word(metric.unit) for metric in METRICS.values() if unit_word(metric.unit) != metric.unit}
_UNITS["[lb_av]"] = unit_word("[lb_av]")
_SIGNS = {">=": "≥", "<=": "≤"}
_SAID_ELSEWHERE = {"device", "because"}


def basis(finding: FindingLine) -> list[tuple[str, str]]:
    """(name, words) of each input that the values and the sentence do not say already."""
    shown = {sample.metric for sample in finding.samples}
    return [
        (_name(key), _words(text))
        for key, text in finding.inputs.items()
        if key not in shown and not (key in _SAID_ELSEWHERE and finding.samples)
    ]


def _name(key: str) -> str:
    return METRICS[key].label if key in METRICS else key.replace("_", " ").capitalize()


def _words(text: str) -> str:
    for ucum, word in _UNITS.items():
        if ucum != "1":
            text = text.replace(ucum, word)
    return re.sub("[<>]=", lambda sign: _SIGNS[sign[0]], text)
