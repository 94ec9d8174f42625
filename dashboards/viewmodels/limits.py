"""Limits as stripes to shade: each height of a plot belongs to the worst limit that holds there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from hub.domain.ruling import Band
from hub.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class Stripe:
    """From ``low`` to ``high``; None is without end."""

    severity: Severity
    low: Decimal | None
    high: Decimal | None


def stripes(bands: Sequence[Band]) -> list[Stripe]:
    """Stripes that do not overlap, those above first."""
    above = _worst_at(band for band in bands if band.side == "above")
    below = [(-edge, severity) for edge, severity in _worst_at(_mirrored(bands))]
    found = [Stripe(severity, edge, following) for (edge, severity), following in _with_next(above)]
    return found + [Stripe(severity, following, edge) for (edge, severity), following in _with_next(below)]


def _mirrored(bands: Sequence[Band]) -> Iterable[Band]:
    return (Band(band.metric, band.severity, "above", -band.limit) for band in bands if band.side == "below")


def _worst_at(bands: Iterable[Band]) -> list[tuple[Decimal, Severity]]:
    """Edges from the mildest outwards, each where it becomes worse than before."""
    edges: list[tuple[Decimal, Severity]] = []
    for band in sorted(bands, key=lambda band: (band.limit, -band.severity)):
        if not edges or band.severity > edges[-1][1]:
            edges.append((band.limit, band.severity))
    return edges


def _with_next(
    edges: Sequence[tuple[Decimal, Severity]],
) -> list[tuple[tuple[Decimal, Severity], Decimal | None]]:
    followed = [(edge, following[0]) for edge, following in pairwise(edges)]
    return [*followed, (edges[-1], None)] if edges else []
