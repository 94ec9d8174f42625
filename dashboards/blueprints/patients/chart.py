"""A patient's chart, and what is changed on it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import make_response, request
from flask.typing import ResponseReturnValue

from dashboards.blueprints.patients.page import NOTICES, act, blueprint, chosen_range, find, page
from dashboards.security.asking import actor, hub, now, zone
from dashboards.viewmodels import charts
from dashboards.viewmodels.spreadsheet import readings_csv
from hub.domain.patients import EndReason
from hub.errors import Invalid
from hub.services import enrolment
from hub.services.amending import void_reading
from hub.services.contact import chart_opened

DEMO_NOTE = "DEMO: invented patients, nobody is paged"


@blueprint.get("/<int:patient_id>")
def show(patient_id: int) -> ResponseReturnValue:
    """The chart."""
    return page(patient_id, NOTICES.get(request.args.get("done", ""), ""))


@blueprint.post("/<int:patient_id>/opened")
def opened(patient_id: int) -> ResponseReturnValue:
    """Sent by the page once it is shown: whoever took this patient's alert has looked (SF13)."""
    chart_opened(hub(), actor(), patient_id)
    return "", 204


@blueprint.get("/<int:patient_id>/readings.csv")
def csv(patient_id: int) -> ResponseReturnValue:
    """The readings of the range as CSV. The file's name says nothing about the patient."""
    found = find(patient_id)
    chosen = chosen_range(found)
    with hub().reads() as reads:
        series = reads.series(patient_id, now() - charts.RANGES[chosen], now())
    text = readings_csv(series, found.patient.zone, DEMO_NOTE if hub().site.demo else "")
    response = make_response(text)
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="readings-{patient_id}-{chosen}.csv"'
    return response


@blueprint.post("/<int:patient_id>/left-out")
def leave_out(patient_id: int) -> ResponseReturnValue:
    """Leave a reading out: somebody else's, or no measurement."""

    def left_out() -> None:
        chosen = request.form.get("reading", "")
        if not chosen.isdecimal():
            raise Invalid({"reading": "Choose a reading."})
        try:
            void_reading(hub(), actor(), int(chosen), request.form.get("why", ""), of=patient_id)
        except Invalid as wrong:
            raise Invalid({"why": wrong.fields["reason"]}) from None

    return act(patient_id, "left_out", left_out, "readings")


@blueprint.post("/<int:patient_id>/care-manager")
def care_manager(patient_id: int) -> ResponseReturnValue:
    """Say who leads this patient's team."""
    chosen = request.form.get("staff", "")
    staff_id = int(chosen) if chosen.isdecimal() else None
    return act(patient_id, "care_manager", lambda: enrolment.set_care_manager(hub(), actor(), patient_id, staff_id))


@blueprint.post("/<int:patient_id>/goals")
def goal(patient_id: int) -> ResponseReturnValue:
    """Add a goal in the patient's own words."""
    words = request.form.get("words", "").strip()
    return act(patient_id, "goal", lambda: enrolment.add_goal(hub(), actor(), patient_id, words))


@blueprint.post("/<int:patient_id>/pause")
def pause(patient_id: int) -> ResponseReturnValue:
    """Stop watching for a while, with a reason and an end."""

    def paused() -> None:
        try:
            until = datetime.fromisoformat(request.form.get("until", "")).replace(tzinfo=ZoneInfo(zone()))
        except ValueError:
            raise Invalid({"until": "Give a date and a time: a pause never ends silently."}) from None
        enrolment.pause(hub(), actor(), patient_id, request.form.get("reason", "").strip(), until)

    return act(patient_id, "paused", paused)


@blueprint.post("/<int:patient_id>/resume")
def resume(patient_id: int) -> ResponseReturnValue:
    """Watch again."""
    return act(patient_id, "resumed", lambda: enrolment.resume(hub(), actor(), patient_id))


@blueprint.post("/<int:patient_id>/end")
def end(patient_id: int) -> ResponseReturnValue:
    """End monitoring."""

    def ended() -> None:
        reason = request.form.get("reason", "")
        if reason not in set(EndReason) or request.form.get("sure") != "yes":
            raise Invalid({"end_reason": "Choose a reason and tick that you are sure."})
        enrolment.end(hub(), actor(), patient_id, EndReason(reason))

    return act(patient_id, "ended", ended)
