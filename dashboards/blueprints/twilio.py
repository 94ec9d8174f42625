"""What Twilio tells us. Its signature stands for a session; who is refused is told no reason."""

import logging

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from dashboards.security.asking import hub
from hub.domain.twilio_words import read_callback
from hub.errors import Invalid
from hub.services.delivery import receive_status, status_not_understood
from hub.services.ports.base import WebhookVerifier

log = logging.getLogger(__name__)

STATUS = "/webhooks/twilio/status"


def blueprint_for(verifier: WebhookVerifier) -> Blueprint:
    """The routes that Twilio calls."""
    blueprint = Blueprint("twilio", __name__)

    @blueprint.post(STATUS)
    def status() -> ResponseReturnValue:
        """How a message fared; what is late or doubled changes nothing and is answered all the same."""
        fields = {name: values[0] for name, values in request.form.lists() if len(values) == 1}
        if len(fields) != len(request.form):
            return "", 400
        query = request.query_string.decode("latin-1")
        path = f"{STATUS}?{query}" if query else STATUS
        if not verifier.genuine(path, fields, request.headers.get("X-Twilio-Signature", "")):
            return "", 403
        try:
            told = read_callback(fields, query)
        except Invalid as error:
            log.warning("a status callback of Twilio's is not understood", extra={"fields": len(error.fields)})
            status_not_understood(hub())
            return "", 400
        receive_status(hub(), told.provider_id, told.state, told.error, message_id=told.message_id, to=told.to)
        return "", 204

    return blueprint
