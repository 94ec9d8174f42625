"""The chart as a page: shown by its own route, and again by whatever changes something on it."""

import json
from collections.abc import Callable
from typing import Any, NoReturn

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security.asking import hub, now, zone
from dashboards.security.refusals import Refusal, refusal
from dashboards.viewmodels import adherence, asked, charts, consent, conversation
from dashboards.viewmodels.patient_state import state_of
from dashboards.viewmodels.times import zone_words
from dashboards.viewmodels.triage import worst_first
from hub.domain.patients import EndReason
from hub.errors import NotFound, Refused
from hub.services.views.charts import PatientPage
from hub.services.views.texts import TextsPage

blueprint = Blueprint("patients", __name__, url_prefix="/patients")

NOTICES = {
    "care_manager": "Care manager changed.",
    "goal": "Goal added.",
    "left_out": "The reading is left out. An alert that it raised stays for you to close.",
    "paused": "Monitoring is paused.",
    "resumed": "Monitoring goes on.",
    "ended": "Monitoring has ended.",
    "consent": "Consent recorded.",
    "consent_ended": "Consent ended. What waited to be sent under it is cancelled.",
    "phone": "Number changed. Texts to it need a consent of their own.",
}
_ABOUT_CONSENT = frozenset({NOTICES["consent"], NOTICES["consent_ended"], NOTICES["phone"]})
"""Said where they were done, far down the page."""
NEWEST_TEXTS = 40
"""Texts of which the chart shows the last exchange, and counts what is unread."""
MOST_NEWEST = 4
END_WORDS = {
    EndReason.GRADUATED: "Graduated: no longer needed",
    EndReason.WITHDREW: "Withdrew consent",
    EndReason.MOVED: "Moved away",
    EndReason.DIED: "Died",
}


def act(patient_id: int, done: str, change: Callable[[], object], part: str | None = None) -> ResponseReturnValue:
    """Change something and show the chart again, at ``part``; what was refused stands there with what was typed."""
    find(patient_id)
    try:
        change()
    except Refused as error:
        return page(patient_id, "", refusal(error))
    return redirect(url_for("patients.show", patient_id=patient_id, done=done, _anchor=part), 303)


def find(patient_id: int) -> PatientPage:
    """The patient; raises ``NotFound``."""
    with hub().reads() as reads:
        found = reads.patient(patient_id, now())
    return found or _absent()


def _absent() -> NoReturn:
    raise NotFound("no such patient")


def chosen_range(found: PatientPage) -> str:
    """The stretch of time that the address asks for, or one that shows what there is."""
    chosen = request.args.get("range", "")
    return chosen if chosen in charts.RANGES else charts.default_range(found.first_reading_at, now())


def page(patient_id: int, notice: str, refused: Refusal | None = None) -> ResponseReturnValue:
    """The chart as it stands, with what was just done or refused."""
    found = find(patient_id)
    chosen, theirs = chosen_range(found), found.patient.zone
    since = now() - charts.RANGES[chosen]
    with hub().reads() as reads:
        series = reads.series(patient_id, since, now())
        left_out = reads.left_out(patient_id, since, now())
        came = reads.adherence(patient_id, now())
        talk = reads.texts(patient_id, now(), NEWEST_TEXTS)
    plots = charts.plots(series, since, now(), theirs, charts.RANGE_WORDS[chosen])
    html = render_template(
        "patients/show.html",
        found=found,
        open_alerts=sorted(found.open_alerts, key=worst_first),
        patient=found.patient,
        state=state_of(found.row, now(), zone()),
        plots=plots,
        kinds=charts.kinds(plots),
        plot_data=_json([plot.data for plot in plots]),
        rows=charts.table(series),
        choices=charts.choices(series),
        left_out=[charts.left_out(one, zone(), now()) for one in left_out],
        expected=adherence.expected(came, theirs, now()),
        chosen=chosen,
        ranges=charts.RANGE_WORDS,
        their_zone=zone_words(theirs, now()),
        clinic_zone=zone_words(zone(), now()),
        other_zone=theirs != zone(),
        notice=notice,
        noticed_at="consent" if notice in _ABOUT_CONSENT else None,
        refused=refused,
        form=request.form,
        end_words=END_WORDS,
        **_consent(found),
        **(_newest(talk) if talk else {}),
    )
    return make_response(html, refused.status if refused else 200)


def _consent(found: PatientPage) -> dict[str, Any]:
    patient, ledger, site = found.patient, found.consents, hub().site
    offered = consent.may_be_given(patient, ledger)
    return {
        "ledger": consent.ledger_lines(ledger, zone(), now()),
        "offered": [(scope, consent.SCOPE_MEANS[scope]) for scope in offered],
        "wordings": {s: consent.proposed(s, patient, site.clinic_name, site.emergency_number) for s in offered},
        "blocked": consent.blocked(patient, ledger),
        "sources": consent.RECORDED,
    }


def _newest(talk: TextsPage) -> dict[str, Any]:
    clocks = conversation.Clocks(talk.patient.zone, zone(), now())
    return {**texts_context(talk), "newest": conversation.newest(talk, clocks, MOST_NEWEST)}


def texts_context(talk: TextsPage) -> dict[str, Any]:
    """What the chart and the page of the texts both say: whether texts may be sent, what is asked, what is unread."""
    clocks = conversation.Clocks(talk.patient.zone, zone(), now())
    standing = consent.texts(talk.patient, talk.consents, zone(), now())
    return {
        "talk": talk,
        "texts": standing,
        "checkins": asked.lines(talk, clocks, may=standing.may, demo=hub().site.demo),
        "nothing": asked.nothing_yet(talk, may=standing.may),
        "unread": talk.unread,
    }


def _json(data: object) -> str:
    """For a script block that is data: nothing in it can end the block."""
    return json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
