"""The demo's phones: what staff and patients would have received, and a way to answer."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security.asking import hub
from dashboards.security.headers import unchanged_or
from dashboards.viewmodels.reply_words import quick_replies
from hub.errors import NotFound
from hub.services.replies import receive_text

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
    with hub().reads() as reads:
        known = any(phone.number == number for phone in reads.phones(MOST_TEXTS))
    if not known:
        raise NotFound("no such phone")
    if body:
        receive_text(hub(), f"demo-{hub().ids.token()}", number, body)
    return redirect(url_for("phones.show", _anchor=f"phone-{number.lstrip('+')}"), 303)


def _context() -> dict[str, object]:
    with hub().reads() as reads:
        found = reads.phones(MOST_TEXTS)
    return {"phones": [(phone, quick_replies(phone)) for phone in found]}
