"""Instants and spans as people read them: never relative alone, always in a named zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

DASH = "–"


def clock(at: datetime, zone: str, now: datetime) -> str:
    """``07:04`` today, ``Sat 21 Nov 07:04`` on another day, with the year where it is another year."""
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    if local.date() == today.date():
        return f"{local:%H:%M}"
    day = f"{local:%a} {local.day} {local:%b}"
    return f"{day} {local:%H:%M}" if local.year == today.year else f"{day} {local:%Y %H:%M}"


def stretch(first: datetime, last: datetime, zone: str, now: datetime) -> str:
    """``Sat 21 Nov 19:05 to today 07:04``: an end without its day would be taken for the day it began."""
    same = first.astimezone(ZoneInfo(zone)).date() == last.astimezone(ZoneInfo(zone)).date()
    end = clock(last, zone, now)
    return f"{clock(first, zone, now)} to {end if same or len(end) > len('07:04') else f'today {end}'}"


def to_the_second(at: datetime, zone: str, now: datetime) -> str:
    """As ``clock``, with seconds: ``07:04:30``."""
    return f"{clock(at, zone, now)}:{at.astimezone(ZoneInfo(zone)):%S}"


def exact(at: datetime, zone: str) -> str:
    """``2026-11-22 07:04:05 CET``: to the second, with the zone's own name."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S %Z}"


def iso(at: datetime) -> str:
    """For ``<time datetime>`` and for scripts."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def span(length: timedelta) -> str:
    """``45 s``, ``12 min``, ``3 h``, ``2 days``."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} days"


def relative(at: datetime, now: datetime) -> str:
    """``12 min ago`` or ``in 12 min``; ``now`` within a minute either way."""
    gone = now - at
    if abs(gone) < timedelta(minutes=1):
        return "just now" if gone >= timedelta(0) else "in under a minute"
    return f"{span(gone)} ago" if gone > timedelta(0) else f"in {span(-gone)}"


def zone_words(zone: str, at: datetime) -> str:
    """``Europe/Berlin (UTC+01:00)``."""
    offset = at.astimezone(ZoneInfo(zone)).strftime("%z")
    return f"{zone} (UTC{offset[:3]}:{offset[3:5]})"
