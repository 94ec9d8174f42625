"""A small picture of 14 days: the values, and the limits they must not cross."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.viewmodels.limits import Stripe, stripes
from hub.domain.ruling import Band
from hub.services.views.alerts import AlertRow, Extremes

WIDTH, HEIGHT, MARGIN = 132, 34, 3
SPAN = timedelta(days=14)
GAP = timedelta(days=2)
"""Points further apart than this are not joined: a gap is shown as a gap."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A stretch beyond a limit, to be shaded."""

    tone: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Ready to print: coordinates in a box of WIDTH x HEIGHT."""

    path: str
    dots: tuple[tuple[float, float], ...]
    """Points that have no neighbour to be joined to, and the last one."""
    zones: tuple[Zone, ...]
    words: str


def of_alert(alert: AlertRow, now: datetime) -> Sparkline | None:
    """The picture of an alert's leading metric."""
    return sparkline(alert.trend, alert.bands, alert.latest[0].metric, now) if alert.latest else None


def sparkline(trend: Sequence[Extremes], bands: Sequence[Band], metric: str, now: datetime) -> Sparkline | None:
    """The picture, or None without points."""
    if not trend:
        return None
    limits = [band for band in bands if band.metric == metric]
    low, high = _bounds(trend, limits)
    points = [
        (_x(e.at, now), [_y(v, low, high) for v in ([e.low] if e.low == e.high else [e.low, e.high])]) for e in trend
    ]
    strokes, lone = _strokes(trend, points)
    zones = tuple(_zone(stripe, low, high) for stripe in stripes(limits))
    last = (points[-1][0], points[-1][1][-1])
    words = f"14 days, from {min(e.low for e in trend):g} to {max(e.high for e in trend):g}"
    return Sparkline(" ".join(strokes), (*lone, last), zones, words)


def _bounds(trend: Sequence[Extremes], limits: Sequence[Band]) -> tuple[float, float]:
    """The values, and the limits nearest to them, so that a limit about to be crossed is in the picture."""
    low, high = min(e.low for e in trend), max(e.high for e in trend)
    below = [float(band.limit) for band in limits if band.side == "below"]
    above = [float(band.limit) for band in limits if band.side == "above"]
    low, high = min(low, max(below, default=low)), max(high, min(above, default=high))
    pad = (high - low) * 0.08 or 1.0
    return low - pad, high + pad


def _x(at: datetime, now: datetime) -> float:
    part = 1 - (now - at) / SPAN
    return round(MARGIN + min(max(part, 0.0), 1.0) * (WIDTH - 2 * MARGIN), 1)


def _y(value: float, low: float, high: float) -> float:
    part = (value - low) / (high - low)
    return round(HEIGHT - MARGIN - min(max(part, 0.0), 1.0) * (HEIGHT - 2 * MARGIN), 1)


def _strokes(
    trend: Sequence[Extremes], points: Sequence[tuple[float, list[float]]]
) -> tuple[list[str], list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = []
    for place, (x, ys) in enumerate(points):
        if place == 0 or trend[place].at - trend[place - 1].at > GAP:
            runs.append([])
        runs[-1] += [(x, y) for y in ys]
    strokes = ["M" + "L".join(f"{x:g} {y:g}" for x, y in run) for run in runs if len(run) > 1]
    return strokes, [run[0] for run in runs if len(run) == 1]


def _zone(stripe: Stripe, low: float, high: float) -> Zone:
    top = 0.0 if stripe.high is None else _y(float(stripe.high), low, high)
    bottom = float(HEIGHT) if stripe.low is None else _y(float(stripe.low), low, high)
    return Zone(stripe.severity.word, top, round(max(bottom - top, 0.0), 1))
