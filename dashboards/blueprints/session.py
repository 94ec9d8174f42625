"""Signing in, staying, signing out."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security import cookies, csrf
from dashboards.security.access import local_path
from dashboards.security.asking import hub, signed_in
from hub.errors import NotSignedIn
from hub.services.sign_in import sign_in as start_session
from hub.services.sign_in import sign_out as end_session

blueprint = Blueprint("session", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """The form, and what it sends."""
    target = local_path(request.values.get("next"))
    if request.method == "GET":
        return redirect(target) if signed_in() else _form(target)
    csrf.check(cookies.visitor(request))
    old, login = cookies.token(request), request.form.get("login", "")
    try:
        fresh = start_session(hub(), login, request.form.get("password", ""), cookies.known_browser(request))
    except NotSignedIn as refused:
        return _form(target, login=login, sentence=str(refused), status=401)
    if old:
        end_session(hub(), old)  # a browser has one session; the one before ends where a new one begins
    response = make_response(redirect(target, 303))
    cookies.remember(response, fresh)
    return response


def _form(target: str, *, login: str = "", sentence: str = "", status: int = 200) -> ResponseReturnValue:
    visitor = cookies.visitor(request) or hub().ids.token()
    html = render_template("session/sign_in.html", next=target, login=login, sentence=sentence, visitor=visitor)
    response = make_response(html, status)
    cookies.welcome(response, visitor)
    return response


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session on the server and in the browser."""
    end_session(hub(), cookies.token(request) or "")
    response = make_response(redirect(url_for("session.sign_in"), 303))
    cookies.forget(response)
    return response


@blueprint.post("/session/extend")
def extend() -> ResponseReturnValue:
    """The person is still there; the guard has kept the session alive. Says until when it lives now."""
    return left()


@blueprint.get("/session/left")
def left() -> ResponseReturnValue:
    """Until when the session lives. Asking does not keep it alive."""
    live = signed_in()
    return {"expires_at": live.expires_at.isoformat()} if live else ("", 401)
