"""A patient's chart."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security.asking import actor, hub, now, zone
from dashboards.security.refusals import Refusal, refusal
from dashboards.viewmodels import charts
from dashboards.viewmodels.patient_state import state_of
from dashboards.viewmodels.spreadsheet import readings_csv
from dashboards.viewmodels.times import zone_words
from dashboards.viewmodels.triage import worst_first
from hub.domain.patients import EndReason
from hub.errors import Invalid, NotFound, Refused
from hub.services import enrolment
from hub.services.contact import chart_opened
from hub.services.views.charts import PatientPage

blueprint = Blueprint("patients", __name__, url_prefix="/patients")

NOTICES = {
    "care_manager": "Care manager changed.",
    "goal": "Goal added.",
    "paused": "Monitoring is paused.",
    "resumed": "Monitoring goes on.",
    "ended": "Monitoring has ended.",
}
END_WORDS = {
    EndReason.GRADUATED: "Graduated: no longer needed",
    EndReason.WITHDREW: "Withdrew consent",
    EndReason.MOVED: "Moved away",
    EndReason.DIED: "Died",
}
DEMO_NOTE = "DEMO: invented patients, nobody is paged"


@blueprint.get("/<int:patient_id>")
def show(patient_id: int) -> ResponseReturnValue:
    """The chart."""
    return _page(patient_id, NOTICES.get(request.args.get("done", ""), ""))


@blueprint.post("/<int:patient_id>/opened")
def opened(patient_id: int) -> ResponseReturnValue:
    """Sent by the page once it is shown: whoever took this patient's alert has looked (SF13)."""
    chart_opened(hub(), actor(), patient_id)
    return "", 204


@blueprint.get("/<int:patient_id>/readings.csv")
def csv(patient_id: int) -> ResponseReturnValue:
    """The readings of the range as CSV. The file's name says nothing about the patient."""
    found = _find(patient_id)
    chosen = _range(found)
    with hub().reads() as reads:
        series = reads.series(patient_id, now() - charts.RANGES[chosen], now())
    text = readings_csv(series, found.patient.zone, DEMO_NOTE if hub().site.demo else "")
    response = make_response(text)
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="readings-{patient_id}-{chosen}.csv"'
    return response


@blueprint.post("/<int:patient_id>/care-manager")
def care_manager(patient_id: int) -> ResponseReturnValue:
    """Say who leads this patient's team."""
    chosen = request.form.get("staff", "")
    staff_id = int(chosen) if chosen.isdecimal() else None
    return _act(patient_id, "care_manager", lambda: enrolment.set_care_manager(hub(), actor(), patient_id, staff_id))


@blueprint.post("/<int:patient_id>/goals")
def goal(patient_id: int) -> ResponseReturnValue:
    """Add a goal in the patient's own words."""
    words = request.form.get("words", "").strip()
    return _act(patient_id, "goal", lambda: enrolment.add_goal(hub(), actor(), patient_id, words))


@blueprint.post("/<int:patient_id>/pause")
def pause(patient_id: int) -> ResponseReturnValue:
    """Stop watching for a while, with a reason and an end."""

    def act() -> None:
        try:
            until = datetime.fromisoformat(request.form.get("until", "")).replace(tzinfo=ZoneInfo(zone()))
        except ValueError:
            raise Invalid({"until": "Give a date and a time: a pause never ends silently."}) from None
        enrolment.pause(hub(), actor(), patient_id, request.form.get("reason", "").strip(), until)

    return _act(patient_id, "paused", act)


@blueprint.post("/<int:patient_id>/resume")
def resume(patient_id: int) -> ResponseReturnValue:
    """Watch again."""
    return _act(patient_id, "resumed", lambda: enrolment.resume(hub(), actor(), patient_id))


@blueprint.post("/<int:patient_id>/end")
def end(patient_id: int) -> ResponseReturnValue:
    """End monitoring."""

    def act() -> None:
        reason = request.form.get("reason", "")
        if reason not in set(EndReason) or request.form.get("sure") != "yes":
            raise Invalid({"end_reason": "Choose a reason and tick that you are sure."})
        enrolment.end(hub(), actor(), patient_id, EndReason(reason))

    return _act(patient_id, "ended", act)


def _act(patient_id: int, done: str, act: Callable[[], object]) -> ResponseReturnValue:
    _find(patient_id)
    try:
        act()
    except Refused as error:
        return _page(patient_id, "", refusal(error))
    return redirect(url_for("patients.show", patient_id=patient_id, done=done), 303)


def _find(patient_id: int) -> PatientPage:
    with hub().reads() as reads:
        found = reads.patient(patient_id, now())
    return found or _absent()


def _absent() -> NoReturn:
    raise NotFound("no such patient")


def _range(found: PatientPage) -> str:
    chosen = request.args.get("range", "")
    return chosen if chosen in charts.RANGES else charts.default_range(found.first_reading_at, now())


def _page(patient_id: int, notice: str, refused: Refusal | None = None) -> ResponseReturnValue:
    found = _find(patient_id)
    chosen, theirs = _range(found), found.patient.zone
    since = now() - charts.RANGES[chosen]
    with hub().reads() as reads:
        series = reads.series(patient_id, since, now())
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
        chosen=chosen,
        ranges=charts.RANGE_WORDS,
        their_zone=zone_words(theirs, now()),
        clinic_zone=zone_words(zone(), now()),
        other_zone=theirs != zone(),
        notice=notice,
        refused=refused,
        form=request.form,
        end_words=END_WORDS,
    )
    return make_response(html, refused.status if refused else 200)


def _json(data: object) -> str:
    """For a script block that is data: nothing in it can end the block."""
    return json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
