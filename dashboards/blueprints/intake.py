"""What came in and could not be used as it was: bad messages, and readings that wait for a person."""

from collections.abc import Callable

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security.asking import actor, hub, now
from dashboards.security.refusals import Refusal, refusal
from dashboards.viewmodels.raw_bytes import dump, fields
from dashboards.viewmodels.reasons import TEXT, held_words, refused_words
from hub.errors import Invalid, NotFound, Refused
from hub.services import held, quarantine
from hub.services.hub import OPERATORS, require

blueprint = Blueprint("intake", __name__, url_prefix="/quarantine")

NOTICES = {
    "seen": "Marked as seen.",
    "assigned": "Given to the patient.",
    "accepted": "This gateway may bring it.",
    "discarded": "Set aside as nobody's reading here.",
}
MOST = 100


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """Both inboxes."""
    return _page(NOTICES.get(request.args.get("done", ""), ""))


@blueprint.get("/<int:message_id>")
def message(message_id: int) -> ResponseReturnValue:
    """One bad message with its raw bytes."""
    with hub().reads() as reads:
        found = reads.bad_message(message_id)
    if found is None:
        raise NotFound("no such message")
    if found.code != TEXT:
        require(actor(), OPERATORS)
    return render_template(
        "intake/message.html",
        message=found,
        dump=dump(found.raw),
        text=fields(found.raw) if found.code == TEXT else [],
        why=refused_words(found.code),
    )


@blueprint.post("/<int:message_id>/seen")
def seen(message_id: int) -> ResponseReturnValue:
    """Somebody looked, and says what was found."""

    def act() -> None:
        note = request.form.get("note", "").strip()
        if not note:
            raise Invalid({f"note-{message_id}": "Say in a word what it was."})
        quarantine.mark_seen(hub(), actor(), message_id, note)

    return _act("seen", act)


@blueprint.post("/held/<int:journal_id>/assign")
def assign(journal_id: int) -> ResponseReturnValue:
    """Say whose reading it is."""

    def act() -> None:
        chosen = request.form.get("patient", "")
        if not chosen.isdecimal():
            raise Invalid({f"patient-{journal_id}": "Choose a patient."})
        held.assign(hub(), actor(), journal_id, int(chosen))

    return _act("assigned", act)


@blueprint.post("/held/<int:journal_id>/discard")
def discard(journal_id: int) -> ResponseReturnValue:
    """Nobody's reading: a visitor, a test."""
    reason = request.form.get("reason", "").strip()
    return _act("discarded", lambda: held.discard(hub(), actor(), journal_id, reason))


@blueprint.post("/held/accept")
def accept() -> ResponseReturnValue:
    """Let this gateway bring this device's readings from now on."""
    device, gateway = request.form.get("device", ""), request.form.get("gateway", "")
    return _act("accepted", lambda: held.accept_gateway(hub(), actor(), device, gateway))


def _act(done: str, act: Callable[[], object]) -> ResponseReturnValue:
    try:
        act()
    except Refused as error:
        return _page("", refusal(error))
    return redirect(url_for("intake.show", done=done), 303)


def _page(notice: str, refused: Refusal | None = None) -> ResponseReturnValue:
    with hub().reads() as reads:
        inbox = reads.inbox(now(), MOST)
        unseen = reads.bad_messages(seen=False, limit=MOST)
        looked_at = reads.bad_messages(seen=True, limit=20)
    html = render_template(
        "intake/show.html",
        inbox=inbox,
        unseen=unseen,
        looked_at=looked_at,
        held_words=held_words,
        refused_words=refused_words,
        text_code=TEXT,
        notice=notice,
        refused=refused,
        form=request.form,
    )
    return make_response(html, refused.status if refused else 200)
