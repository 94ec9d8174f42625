"""A limit of a protocol: when it is met, when it is cleared, and for whom it stands.

``when: ">= 180"`` meets at 180 and above; ``clear: 175`` lets go at 175 and below; between them the past decides.
``only_if`` names the patients it stands for; ``floor`` in a number is the patient's own SpO2 floor.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum, auto
from operator import ge, gt, le, lt

from hub.domain.documents import Fields, broken, decimal_of
from hub.domain.facts import FACTS, every_patient
from hub.domain.metrics import METRICS, plausible, unit_word
from hub.domain.patients import OxygenTarget
from hub.domain.samples import Sample
from hub.domain.severity import Severity

_WHEN = re.compile(r"^(<=|<|>=|>) (floor|floor \+ [0-9]+|-?[0-9]+(?:\.[0-9]+)?)$")
_FLOOR = re.compile(r"^floor(?: \+ ([0-9]+))?$")
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


class Level(Enum):
    """Where a value stands to one limit."""

    MET = auto()
    GAP = auto()
    CLEAR = auto()


@dataclass(frozen=True, slots=True)
class Count:
    """``n`` of the last ``of`` readings within ``within`` must meet the limit."""

    n: int
    of: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the protocol; ``on_floor`` adds the patient's own floor."""

    value: Decimal
    on_floor: bool = False

    def of(self, floor: int | None) -> Decimal:
        return self.value + (floor or 0) if self.on_floor else self.value


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as written, for every patient its conditions name."""

    path: str
    severity: Severity
    op: str
    number: Number
    clear: Number | None = None
    only_if: Mapping[str, frozenset[str]] | None = None
    if_unknown: Severity | None = None
    """Severity while the answer it depends on is unknown: unknown is never taken for the harmless answer (SF7)."""
    count: Count | None = None

    @property
    def side(self) -> str:
        return "above" if self.op in {">", ">="} else "below"

    def severity_for(self, facts: Mapping[str, str]) -> Severity | None:
        """How severe it is for a patient with these facts; None if it does not stand."""
        severity = self.severity
        for name, answers in (self.only_if or {}).items():
            if facts[name] in answers:
                continue
            if facts[name] != "unknown" or self.if_unknown is None:
                return None
            severity = self.if_unknown
        return severity

    def level(self, sample: Sample, floor: int | None) -> Level:
        """A bound lies beyond every limit on its side and clear of every limit on the other (SF3: HI and LO)."""
        if sample.comparator:
            return Level.MET if (sample.comparator == ">") == (self.side == "above") else Level.CLEAR
        if _COMPARE[self.op](sample.value, self.number.of(floor)):
            return Level.MET
        if self.clear is None:
            return Level.CLEAR
        clear = self.clear.of(floor)
        cleared = sample.value <= clear if self.side == "above" else sample.value >= clear
        return Level.CLEAR if cleared else Level.GAP


def parse_limits(items: Sequence[tuple[str, object]], metric: str, *, floor_only: Sequence[str]) -> tuple[Limit, ...]:
    """The limits of one rule, checked against each other for every kind of patient."""
    limits = tuple(_parse(Fields(item, path), metric) for path, item in items)
    for limit in limits:
        uses_floor = limit.number.on_floor or (limit.clear is not None and limit.clear.on_floor)
        personal = (limit.only_if or {}).get("oxygen_target") == frozenset({OxygenTarget.PERSONAL.value})
        if uses_floor and not (personal and metric in floor_only):
            broken(f"{limit.path}.when", "floor stands only for SpO2 with only_if oxygen_target: personal")
    for facts in every_patient():
        _check_order(limits, facts)
    return limits


def _parse(fields: Fields, metric: str) -> Limit:
    severity = fields.severity("severity")
    found = _WHEN.match(fields.text("when"))
    if not found:
        broken(fields.where("when"), 'must be a comparison such as ">= 180", "< 54" or "< floor + 1"')
    written = found[2] if found[2].startswith("floor") else Decimal(found[2])
    number = _number(written, fields.where("when"), metric)
    limit = Limit(
        fields.path,
        severity,
        found[1],
        number,
        clear=_number(fields.get("clear"), fields.where("clear"), metric) if fields.has("clear") else None,
        only_if=_only_if(fields.fields("only_if")) if fields.has("only_if") else None,
        if_unknown=fields.severity("if_unknown") if fields.has("if_unknown") else None,
        count=_count(fields.fields("n_of_m"), severity) if fields.has("n_of_m") else None,
    )
    fields.close()
    _check_clear(limit)
    _check_unknown(limit)
    return limit


def _number(value: object, path: str, metric: str) -> Number:
    found = _FLOOR.match(value) if isinstance(value, str) else None
    if found:
        return Number(Decimal(found[1] or 0), on_floor=True)
    number = value if isinstance(value, Decimal) else decimal_of(value, path)
    if not plausible(metric, number):
        known = METRICS[metric]
        broken(path, f"{number} {unit_word(known.unit)} is nothing {known.label} can be; is it another unit?")
    return Number(number)


def _only_if(fields: Fields) -> dict[str, frozenset[str]]:
    """``insulin_or_su: true``, ``oxygen_target: personal`` or ``oxygen_target: [unset, 94-98]``."""
    found: dict[str, frozenset[str]] = {}
    for name in FACTS:
        if not fields.has(name):
            continue
        value = fields.get(name)
        if isinstance(value, bool) and FACTS[name] == {"yes", "no"}:
            answers = frozenset({"yes" if value else "no"})
        elif isinstance(value, list | tuple):
            answers = frozenset(fields.names(name, sorted(FACTS[name])))
        else:
            answers = frozenset({fields.one_of(name, sorted(FACTS[name]))})
        found[name] = answers
    fields.close()
    if not found:
        broken(fields.path, f"names no fact; one of {', '.join(sorted(FACTS))}")
    return found


def _count(fields: Fields, severity: Severity) -> Count:
    if severity is Severity.RED:
        broken(fields.path, "red never waits for a second reading to be counted (SF3)")
    count = Count(fields.integer("n", least=2), fields.integer("of", least=2), fields.duration("within"))
    fields.close()
    if count.n > count.of:
        broken(fields.path, f"{count.n} of {count.of} can never be reached")
    return count


def _check_clear(limit: Limit) -> None:
    if limit.clear is None:
        return
    path = f"{limit.path}.clear"
    if limit.count:
        broken(path, "goes with a single reading, not with n_of_m")
    if limit.clear.on_floor != limit.number.on_floor:
        broken(path, "must stand on the floor if and only if the limit does")
    ahead = limit.clear.value - limit.number.value
    wrong = ahead > 0 if limit.side == "above" else ahead < 0
    if wrong or (ahead == 0 and "=" in limit.op):
        broken(path, f"{limit.clear.value} is on the wrong side of {limit.op} {limit.number.value}")


def _check_unknown(limit: Limit) -> None:
    if limit.if_unknown is None:
        return
    path = f"{limit.path}.if_unknown"
    if not any(
        "unknown" in FACTS[name] and "unknown" not in answers for name, answers in (limit.only_if or {}).items()
    ):
        broken(path, "needs an only_if whose answer can be unknown")
    if limit.if_unknown > limit.severity:
        broken(path, "must not be worse than the severity itself")


def _extreme(limit: Limit) -> tuple[Decimal, bool]:
    """Sorts limits of one side from mild to extreme: of two equal numbers the strict one is met by less."""
    away = limit.number.value if limit.side == "above" else -limit.number.value
    return away, "=" not in limit.op


def _check_order(limits: Sequence[Limit], facts: Mapping[str, str]) -> None:
    """Whatever meets a worse limit must meet a milder one: red less extreme than amber is a slip of the pen."""
    groups: dict[tuple[str, bool], dict[Severity, list[Limit]]] = {}
    for limit in limits:
        severity = limit.severity_for(facts)
        if severity is not None:
            group = groups.setdefault((limit.side, limit.number.on_floor), {})
            group.setdefault(severity, []).append(limit)
    for group in groups.values():
        for worse in group:
            for milder in (severity for severity in group if severity < worse):
                first, other = min(group[worse], key=_extreme), min(group[milder], key=_extreme)
                if _extreme(first) < _extreme(other):
                    here, there = f"{first.op} {first.number.value}", f"{other.op} {other.number.value}"
                    broken(f"{first.path}.when", f"{worse.word} {here} is less extreme than {milder.word} {there}")
