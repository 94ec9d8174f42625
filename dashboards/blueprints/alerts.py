"""One alert: what it rests on, what happened, and the one thing to do next."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security.asking import actor, hub, now, zone
from dashboards.security.headers import unchanged_or
from dashboards.security.refusals import Refusal, refusal
from dashboards.viewmodels.evidence import evidence
from dashboards.viewmodels.next_step import advice, standing
from dashboards.viewmodels.outcomes import outcomes_for
from dashboards.viewmodels.timeline import folded, timeline
from hub.errors import Invalid, NotFound, Refused
from hub.services import acknowledge as acknowledging
from hub.services import contact as contacting
from hub.services import resolve as resolving
from hub.services.hub import CLINICAL
from hub.services.views.alerts import AlertPage, AlertRow

blueprint = Blueprint("alerts", __name__, url_prefix="/a")

NOTICES = {
    "acknowledged": "You have it now. Nobody else is paged.",
    "passed": "Passed on. The next person is paged.",
    "contact": "Contact recorded.",
    "resolved": "Resolved.",
    "seen": "Marked as seen.",
}
WAYS = (("phone", "Phone"), ("video", "Video"), ("visit", "Visit"), ("message", "Message"))


@blueprint.get("/<ref>")
def show(ref: str) -> ResponseReturnValue:
    """The page."""
    return _page(ref, NOTICES.get(request.args.get("done", ""), ""))


@blueprint.get("/<ref>/live")
def live(ref: str) -> ResponseReturnValue:
    """Status and timeline as they are now; forms are left alone. Says so if the page's forms are out of date."""
    found = _find(ref)
    return unchanged_or(render_template("alerts/live.html", **_context(found)))


@blueprint.post("/<ref>/acknowledge")
def acknowledge(ref: str) -> ResponseReturnValue:
    """Take it."""
    return _act(ref, "acknowledged", lambda: acknowledging.acknowledge(hub(), actor(), ref.upper(), _seen_version()))


@blueprint.post("/<ref>/pass-on")
def pass_on(ref: str) -> ResponseReturnValue:
    """Have the next person paged."""
    return _act(ref, "passed", lambda: acknowledging.pass_on(hub(), actor(), ref.upper()))


@blueprint.post("/<ref>/contact")
def contact(ref: str) -> ResponseReturnValue:
    """Record that the patient was, or was not, reached."""

    def record() -> None:
        way, reached = request.form.get("way", ""), request.form.get("reached", "")
        wrong = {}
        if way not in dict(WAYS):
            wrong["way"] = "Say how."
        if reached not in ("yes", "no"):
            wrong["reached"] = "Say whether you reached the patient."
        if wrong:
            raise Invalid(wrong)
        note = request.form.get("note", "").strip()
        contacting.record_contact(hub(), actor(), ref.upper(), way, reached == "yes", note, _seen_version())

    return _act(ref, "contact", record)


@blueprint.post("/<ref>/resolve")
def resolve(ref: str) -> ResponseReturnValue:
    """Say how it ended."""

    def record() -> None:
        outcome = request.form.get("outcome", "")
        if not outcome:
            raise Invalid({"outcome": "Choose what it turned out to be."})
        note = request.form.get("note", "").strip()
        resolving.resolve(hub(), actor(), ref.upper(), outcome, note, _follow_up(), _seen_version())

    return _act(ref, "resolved", record)


@blueprint.post("/<ref>/seen")
def seen(ref: str) -> ResponseReturnValue:
    """Somebody looked at an alert that closed by itself."""
    return _act(ref, "seen", lambda: resolving.mark_seen(hub(), actor(), ref.upper()))


def _seen_version() -> int | None:
    """The alert's version on the page that the form came from: nobody answers for what they have not seen."""
    return request.form.get("version", type=int)


def _follow_up() -> resolving.FollowUp | None:
    title = request.form.get("follow_up_title", "").strip()
    due, owner = request.form.get("follow_up_due", ""), request.form.get("follow_up_owner", "")
    if not title:
        if due:
            raise Invalid({"follow_up_title": "Say what is to be done, or clear the date."})
        return None
    try:
        due_at = datetime.fromisoformat(due).replace(tzinfo=ZoneInfo(zone()))
    except ValueError:
        raise Invalid({"follow_up_due": "Give a date and a time."}) from None
    return resolving.FollowUp(title=title, owner_id=int(owner) if owner.isdecimal() else None, due_at=due_at)


def _act(ref: str, done: str, act: Callable[[], object]) -> ResponseReturnValue:
    """Do it, then show the row or the page; a refusal is shown where it happened, with what was typed."""
    _find_row(ref)
    refused: Refusal | None = None
    try:
        act()
    except Refused as error:
        refused = refusal(error)
    if request.headers.get("HX-Request"):
        return _row(ref, NOTICES[done], refused)
    if refused:
        return _page(ref, "", refused)
    if request.form.get("back") == "worklist":
        return redirect(url_for("worklist.show", _anchor=f"row-{ref.upper()}"), 303)
    return redirect(url_for("alerts.show", ref=ref.upper(), done=done), 303)


def _row(ref: str, notice: str, refused: Refusal | None) -> ResponseReturnValue:
    html = render_template("worklist/row.html", alert=_find_row(ref), notice="" if refused else notice, refused=refused)
    return make_response(html, refused.status if refused else 200)


def _find(ref: str) -> AlertPage:
    with hub().reads() as reads:
        found = reads.alert(ref.upper(), now())
    return found if found and _theirs(found.alert) else _absent()


def _find_row(ref: str) -> AlertRow:
    with hub().reads() as reads:
        found = reads.alert_row(ref.upper(), now())
    return found if found and _theirs(found) else _absent()


def _theirs(alert: AlertRow) -> bool:
    return actor().role in CLINICAL or alert.kind == "technical"


def _absent() -> NoReturn:
    raise NotFound("no such alert")


def _page(ref: str, notice: str, refused: Refusal | None = None) -> ResponseReturnValue:
    found = _find(ref)
    with hub().reads() as reads:
        staff = reads.staff()
    html = render_template(
        "alerts/show.html",
        notice=notice,
        refused=refused,
        form=request.form,
        staff=staff,
        ways=WAYS,
        outcomes=outcomes_for(found.alert),
        advice=advice(found.alert, hub().site.emergency_number),
        **_context(found),
    )
    return make_response(html, refused.status if refused else 200)


def _context(found: AlertPage) -> dict[str, Any]:
    stands = standing(found.alert)
    return {
        "found": found,
        "alert": found.alert,
        "story": folded(timeline(found), found.found),
        "evidence": evidence(found),
        "stands": stands,
        "outdated": request.args.get("seen", stands) != stands,
        "poll_seconds": 5 if hub().site.demo else 15,
    }
