"""Error pages in plain words. What went wrong inside goes to the log under an id; the page shows the id only."""

import logging

from flask import Flask, Response, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from dashboards.security.asking import hub
from dashboards.security.refusals import Refusal, refusal
from hub.errors import NotSignedIn, Refused, Transient

_log = logging.getLogger(__name__)

_PLAIN = {
    404: "There is no such page, or it is not yours to see.",
    405: "This page cannot be used that way.",
    413: "That is too much text. Shorten it and try again.",
}


def show_errors(app: Flask) -> None:
    """Register a page for every kind of error."""
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Transient, _busy)
    app.register_error_handler(Exception, _unexpected)


def _refused(error: Refused) -> Response:
    answer = refusal(error)
    if answer.status == 404:
        answer = Refusal(404, _PLAIN[404])
    response = _page(answer, "")
    if isinstance(error, NotSignedIn):
        response.headers["X-Signed-Out"] = "1"
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    return _page(Refusal(status, _PLAIN.get(status, "The request could not be understood.")), "")


def _busy(error: Transient) -> Response:
    return _page(Refusal(503, "The hub is busy. Nothing was changed; try again in a moment."), _noted(error))


def _unexpected(error: Exception) -> Response:
    return _page(Refusal(500, "Something went wrong in the hub. Nothing was changed."), _noted(error))


def _noted(error: Exception) -> str:
    """Log under an id. The route's pattern, never its values: no patient, no text anybody typed."""
    reference = hub().ids.token()[:8]
    pattern = request.url_rule.rule if request.url_rule else "?"
    places = []
    step = error.__traceback__
    while step is not None:
        places.append(f"{step.tb_frame.f_code.co_filename}:{step.tb_lineno}")
        step = step.tb_next
    _log.error("error %s: %s on %s at %s", reference, type(error).__name__, pattern, " < ".join(reversed(places[-6:])))
    return reference


def _page(answer: Refusal, reference: str) -> Response:
    g.error_reference = reference
    if request.headers.get("HX-Request"):
        return make_response(answer.sentence, answer.status, {"Content-Type": "text/plain; charset=utf-8"})
    html = render_template("error.html", answer=answer, reference=reference)
    return make_response(html, answer.status)
