"""What every template may use: time in the clinic's zone, values in words, addresses of static files."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask, request, url_for

from dashboards.security.asking import actor, hub, now, signed_in, zone
from dashboards.security.headers import nonce
from dashboards.viewmodels import sparkline, times, values
from dashboards.viewmodels.basis import basis, by_text
from dashboards.viewmodels.next_step import next_step, subject_words
from dashboards.viewmodels.outcomes import outcome_words
from hub.domain.metrics import unit_word
from hub.services.hub import CLINICAL, OPERATORS


def prepare_templates(app: Flask) -> None:
    """Register filters, globals and what stands on every page."""
    digests = _digests(Path(app.static_folder or "."))

    def file(name: str) -> str:
        return url_for("static", filename=name, v=digests.get(name))

    app.add_template_global(file, "file")
    app.add_template_filter(lambda at: times.clock(at, zone(), now()), "clock")
    app.add_template_filter(lambda at, other: times.clock(at, other, now()), "clock_in")
    app.add_template_filter(lambda found, other: times.stretch(found.first, found.last, other, now()), "stretch_in")
    app.add_template_filter(lambda at: times.to_the_second(at, zone(), now()), "seconds")
    app.add_template_filter(lambda at: times.exact(at, zone()), "exact")
    app.add_template_filter(lambda at: times.relative(at, now()), "relative")
    app.add_template_filter(lambda since: times.span(now() - since), "so_long")
    app.add_template_filter(times.iso, "iso")
    app.add_template_filter(_span, "span")
    app.add_template_filter(values.value_words, "value")
    app.add_template_filter(values.latest_words, "latest")
    app.add_template_filter(values.label, "metric")
    app.add_template_filter(values.doubts, "doubts")
    app.add_template_filter(values.origin_words, "origin")
    app.add_template_filter(lambda born: _age(born, now()), "age")
    app.add_template_filter(lambda alert: sparkline.of_alert(alert, now()), "spark")
    app.add_template_filter(lambda alert: next_step(alert, actor().staff_id, zone(), now()), "step")
    app.add_template_filter(outcome_words, "outcome")
    app.add_template_filter(by_text, "by_text")
    app.add_template_filter(lambda finding: basis(finding, zone(), now()), "basis")
    app.add_template_filter(subject_words, "subject")
    app.add_template_filter(unit_word, "unit")
    app.context_processor(_everywhere)


def _digests(folder: Path) -> dict[str, str]:
    """So that a browser keeps a file for as long as it is the same."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in files}


def _span(length: timedelta) -> str:
    return times.span(length)


def _age(born: Any, at: datetime) -> str:
    if born is None:
        return "age unknown"
    today = at.date()
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return f"{years} y"


def _everywhere() -> dict[str, Any]:
    live = signed_in()
    role = live.actor.role if live else ""
    scale = hub().site.escalation_scale
    return {
        "site": hub().site,
        "me": live.actor if live else None,
        "csrf": live.csrf if live else "",
        "expires_at": live.expires_at if live else None,
        "clinical": role in CLINICAL,
        "operator": role in OPERATORS,
        "nonce": nonce(),
        "now": now(),
        "zone": zone(),
        "here": request.endpoint or "",
        "faster": f"{1 / scale:g}" if 0 < scale < 1 else "",
    }
