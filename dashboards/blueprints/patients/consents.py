"""Consent and the patient's own number, as they are recorded on the chart."""

from flask import request
from flask.typing import ResponseReturnValue

from dashboards.blueprints.patients.page import act, blueprint
from dashboards.security.asking import actor, hub, now
from dashboards.viewmodels.consent import RECORDED, proposed
from hub.errors import Invalid
from hub.services import consents

_SOURCES = frozenset(source for source, _ in RECORDED)
_FEWEST_WORDS = 3
"""Whoever reads the ledger in a year must see what was agreed to: "ok" says nothing."""


@blueprint.post("/<int:patient_id>/consents")
def consent(patient_id: int) -> ResponseReturnValue:
    """Record what the patient agreed to, in the words that were used."""
    scope, source = request.form.get("scope", ""), request.form.get("source", "")
    wording = request.form.get("wording", "").strip()

    def recorded() -> None:
        if source not in _SOURCES:
            raise Invalid({"source": "Choose how the patient said so."})
        if not scope:
            raise Invalid({"scope": "Choose what the patient agreed to."})
        if wording and len(wording.split()) < _FEWEST_WORDS:
            raise Invalid({"wording": "Write the sentence that the patient agreed to, not a word."})
        if scope != consents.SMS and wording == _about_texts(patient_id):
            raise Invalid({"wording": "These words are about texts. Write what was agreed to."})
        consents.give(hub(), actor(), patient_id, scope, wording, source, request.form.get("seen_phone"))

    return act(patient_id, "consent", recorded, "consent")


@blueprint.post("/<int:patient_id>/consents/end")
def consent_end(patient_id: int) -> ResponseReturnValue:
    """The patient takes a consent back."""
    scope, source = request.form.get("scope", ""), request.form.get("end_source", "")

    def ended() -> None:
        if source not in _SOURCES:
            raise Invalid({f"end-{scope}": "Choose how the patient said so."})
        consents.revoke(hub(), actor(), patient_id, scope, source)

    return act(patient_id, "consent_ended", ended, "consent")


@blueprint.post("/<int:patient_id>/phone")
def phone(patient_id: int) -> ResponseReturnValue:
    """Another number, or none: the consent to texts was given for the old one."""
    number = "".join(request.form.get("phone", "").split()) or None
    return act(patient_id, "phone", lambda: consents.set_phone(hub(), actor(), patient_id, number), "consent")


def _about_texts(patient_id: int) -> str:
    with hub().reads() as reads:
        found = reads.patient(patient_id, now())
    if found is None:
        return ""
    return proposed(consents.SMS, found.patient, hub().site.clinic_name, hub().site.emergency_number)
