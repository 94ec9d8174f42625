"""A protocol as signed into force: rules, the slots readings are expected in, and whom it may be given to."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from hub.domain.documents import Fields, broken
from hub.domain.findings import Deadline
from hub.domain.patients import Patient
from hub.domain.rules import KINDS
from hub.domain.ruling import Band, Rule, WatchesAttempts
from hub.domain.samples import Attempt, Attempts
from hub.domain.slots import Slot, parse_slots

__all__ = [
    "Band",
    "Protocol",
    "Rule",
    "Slot",
    "WatchesAttempts",
    "after_attempt",
    "body_hash",
    "canonical",
    "parse_protocol",
]

REQUIREMENTS = ("dry_weight", "oxygen_target")
"""What a patient must have before a protocol may name it: held by ``patients.check_assignable``."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol. ``signed_by`` is None for a template: its alerts say "not signed off"."""

    id: str
    title: str
    version: int
    adult: bool
    requires: frozenset[str]
    rules: tuple[Rule, ...]
    slots: tuple[Slot, ...]
    signed_by: str | None = None


def parse_protocol(document: Mapping[str, object], *, signed_by: str | None = None) -> Protocol:
    """The protocol a document describes; ``BrokenProtocol`` names the place of the first thing that is wrong."""
    fields = Fields(document)
    rules = tuple(_rule(Fields(item, path)) for path, item in fields.items("rules"))
    _once(fields, "rules", (rule.id for rule in rules))
    protocol = Protocol(
        fields.name("id"),
        fields.text("title"),
        fields.integer("version", least=1),
        fields.flag("adult"),
        frozenset(fields.names("requires", REQUIREMENTS)) if fields.has("requires") else frozenset(),
        rules,
        parse_slots(fields.items("slots")) if fields.has("slots") else (),
        signed_by,
    )
    fields.close()
    return protocol


def _rule(fields: Fields) -> Rule:
    kind = fields.one_of("kind", tuple(KINDS))
    rule = KINDS[kind](fields, fields.name("id"), fields.name("problem"))
    fields.close()
    return rule


def _once(fields: Fields, key: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            broken(f"{fields.where(key)}[{index}].id", f"{name} stands there twice")
        seen.add(name)


def after_attempt(
    protocol: Protocol, attempt: Attempt, earlier: Attempts, patient: Patient
) -> Sequence[tuple[Rule, Deadline]]:
    """Duties an attempt sets, with the rule that sets each: for an attempt that gave no value there is no sample."""
    return [
        (rule, deadline)
        for rule in protocol.rules
        if isinstance(rule, WatchesAttempts)
        for deadline in rule.after_attempt(attempt, earlier, patient)
    ]


def canonical(document: Mapping[str, object]) -> bytes:
    """The one form of a document that is hashed and signed: JSON, names sorted, UTF-8.

    What JSON cannot say (a YAML date, an infinity) is ``BrokenProtocol``: a hash must not depend on how it is printed.
    """
    try:
        text = json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        broken("document", f"cannot be signed: {error}")
    return text.encode()


def body_hash(document: Mapping[str, object]) -> str:
    """SHA-256 of the canonical form, in hex: what stands beside the signature."""
    return sha256(canonical(document)).hexdigest()
