"""What Twilio tells us. Its signature stands for a session; who is refused is told no reason."""

import logging

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from dashboards.security.asking import hub
from hub.domain.twilio_inbound import Heard, read_inbound
from hub.domain.twilio_words import read_callback
from hub.errors import Invalid
from hub.services.delivery import receive_status, status_not_understood
from hub.services.incoming.keeping import keep_text, keep_unreadable
from hub.services.ports.base import WebhookVerifier

log = logging.getLogger(__name__)

STATUS, INBOUND = "/webhooks/twilio/status", "/webhooks/twilio/inbound"
NOTHING_TO_SAY = "<Response/>"
"""Answers leave by the outbox, never in the answer to this call."""


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

    @blueprint.post(INBOUND)
    def inbound() -> ResponseReturnValue:
        """A text that came in: kept, answered, and acted on by the worker."""
        raw, query = request.get_data(), request.query_string.decode("latin-1")
        path = f"{INBOUND}?{query}" if query else INBOUND
        if not verifier.genuine(path, request.form, request.headers.get("X-Twilio-Signature", "")):
            return "", 403
        return _take(raw, query)

    return blueprint


def _take(raw: bytes, query: str) -> ResponseReturnValue:
    """Keep a text that is genuine, in quarantine if it cannot be read."""
    try:
        heard = _heard(query)
    except Invalid as error:
        log.warning("a text that came in is not understood", extra={"fields": len(error.fields)})
        detail = f"Not what a text that comes in carries: {', '.join(error.fields)}."
        keep_unreadable(hub(), "twilio", INBOUND, detail, raw + b"\n" + request.query_string if query else raw)
        return "", 400
    keep_text(hub(), heard.provider_id, heard.sender, heard.body, heard.to, heard.media, heard.opt_out)
    return Response(NOTHING_TO_SAY, mimetype="text/xml")


def _heard(query: str) -> Heard:
    """The text of this request; raises ``Invalid``."""
    if any(len(values) != 1 for _, values in request.form.lists()):
        raise Invalid({"a field that comes twice": "not what a text that comes in carries"})
    return read_inbound(request.form, query)
