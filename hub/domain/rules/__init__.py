"""Rule kinds, one file each. A kind is a parser of its parameters and a pure function of a sample and its history."""

from collections.abc import Callable

from hub.domain.documents import Fields
from hub.domain.rules import artefact, threshold, weight_change
from hub.domain.ruling import Rule

KINDS: dict[str, Callable[[Fields, str, str], Rule]] = {
    artefact.KIND: artefact.parse,
    threshold.KIND: threshold.parse,
    weight_change.KIND: weight_change.parse,
}
"""Every kind: its name in a protocol, and what turns its fields, the rule's id and its problem into a rule."""
