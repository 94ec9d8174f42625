"""The demo's phones: what staff and patients would have received, and a way to answer."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security.asking import hub
from dashboards.security.headers import unchanged_or
from dashboards.viewmodels.reply_words import quick_replies, silent, with_last_resort
from hub.errors import NotFound
from hub.services.incoming.keeping import keep_text
from hub.services.views.equipment import Phone

blueprint = Blueprint("phones", __name__, url_prefix="/phones")

MOST_TEXTS = 200
LONGEST = 320


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """All phones."""
    return render_template("phones/show.html", poll_seconds=5, **_context())


@blueprint.get("/live")
def live() -> ResponseReturnValue:
    """The texts as they are now."""
    return unchanged_or(render_template("phones/live.html", **_context()))


@blueprint.post("/reply")
def reply() -> ResponseReturnValue:
    """Write a text from one of these phones, as its owner would."""
    number, body = request.form.get("phone", ""), request.form.get("body", "").strip()[:LONGEST]
    if number not in {phone.number for phone in _phones()}:
        raise NotFound("no such phone")
    if body:
        keep_text(hub(), f"demo-{hub().ids.token()}", number, body)
    return redirect(url_for("phones.show", _anchor=f"phone-{number.lstrip('+')}"), 303)


def _phones() -> list[Phone]:
    with hub().reads() as reads:
        return with_last_resort(reads.phones(MOST_TEXTS), hub().site.last_resort_phone)


def _context() -> dict[str, object]:
    phones = [(phone, quick_replies(phone)) for phone in _phones()]
    return {
        "shown": [pair for pair in phones if not silent(pair[0])],
        "silent": [pair for pair in phones if silent(pair[0])],
    }
