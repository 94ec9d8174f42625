"""The texts to and from a patient."""

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from dashboards.blueprints.patients.page import blueprint, texts_context
from dashboards.security.asking import hub, now, zone
from dashboards.security.headers import unchanged_or
from dashboards.viewmodels import conversation
from dashboards.viewmodels.times import zone_words
from hub.errors import NotFound
from hub.services.views.texts import TextsPage

MOST = 200
"""Texts on the page, the newest."""


@blueprint.get("/<int:patient_id>/texts")
def texts(patient_id: int) -> ResponseReturnValue:
    """All of them as a conversation."""
    found = _find(patient_id)
    return render_template("patients/texts.html", **texts_context(found), **_context(found))


@blueprint.get("/<int:patient_id>/texts/live")
def texts_live(patient_id: int) -> ResponseReturnValue:
    """The conversation as it is now."""
    found = _find(patient_id)
    return unchanged_or(render_template("patients/texts_live.html", **texts_context(found), **_context(found)))


def _find(patient_id: int) -> TextsPage:
    with hub().reads() as reads:
        found = reads.texts(patient_id, now(), MOST)
    if found is None:
        raise NotFound("no such patient")
    return found


def _context(found: TextsPage) -> dict[str, Any]:
    theirs = found.patient.zone
    clocks = conversation.Clocks(theirs, zone(), now())
    return {
        "patient": found.patient,
        "groups": conversation.groups(found, clocks),
        "unread_here": sum(line.unread for line in found.lines),
        "first_unread": next((line.id for line in found.lines if line.unread), None),
        "their_zone": zone_words(theirs, now()),
        "clinic_zone": zone_words(zone(), now()),
        "other_zone": theirs != zone(),
        "poll_seconds": 5 if hub().site.demo else 15,
    }
