"""What a limit may depend on in a patient: a closed list of facts, each with its closed list of answers."""

from collections.abc import Iterable, Mapping
from itertools import product

from hub.domain.patients import OxygenState, OxygenTarget, Patient

FACTS: dict[str, frozenset[str]] = {
    "oxygen_target": frozenset({"unset", *OxygenTarget}),
    "oxygen_state": frozenset(OxygenState),
    "insulin_or_su": frozenset({"yes", "no"}),
}

_WORDS = {
    ("oxygen_target", "unset"): "no target chosen",
    ("oxygen_target", "94-98"): "target 94-98",
    ("oxygen_target", "88-92"): "target 88-92",
    ("oxygen_target", "personal"): "own target",
    ("oxygen_state", "unknown"): "oxygen state unknown",
    ("oxygen_state", "oxygen"): "on oxygen",
    ("oxygen_state", "air"): "on air",
    ("insulin_or_su", "yes"): "on insulin or a sulfonylurea",
    ("insulin_or_su", "no"): "no insulin or sulfonylurea",
}


def facts_of(patient: Patient) -> dict[str, str]:
    """This patient's answer to every fact. A personal target without its floor is no target (SF7)."""
    target = patient.oxygen_target
    if target is None or (target is OxygenTarget.PERSONAL and patient.oxygen_floor is None):
        chosen = "unset"
    else:
        chosen = target.value
    return {
        "oxygen_target": chosen,
        "oxygen_state": patient.oxygen_state.value,
        "insulin_or_su": "yes" if patient.insulin_or_su else "no",
    }


def fact_words(names: Iterable[str], facts: Mapping[str, str]) -> list[str]:
    """The facts as a nurse reads them."""
    return [_WORDS[name, facts[name]] for name in names]


def every_patient() -> list[dict[str, str]]:
    """Every combination of answers: what a limit is checked against before it may be signed."""
    names = sorted(FACTS)
    return [dict(zip(names, answers, strict=True)) for answers in product(*(sorted(FACTS[name]) for name in names))]
