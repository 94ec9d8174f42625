"""Who may ask for which route: the whole table. A route that is not in it does not start."""

from flask import Flask, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security import cookies, csrf
from dashboards.security.asking import hub, signed_in
from hub.errors import NotPermitted, NotSignedIn
from hub.services.hub import CLINICAL, OPERATORS
from hub.services.sign_in import keep_alive

STAFF = CLINICAL | OPERATORS
ANYBODY: frozenset[str] = frozenset({"*"})

ACCESS: dict[str, frozenset[str]] = {
    "static": ANYBODY,
    "health.healthz": ANYBODY,
    "health.readyz": ANYBODY,
    "health.metrics": ANYBODY,  # the route itself admits loopback and the allow-list only
    "twilio.status": ANYBODY,  # the route itself admits whom the signature proves
    "twilio.inbound": ANYBODY,  # the same
    "session.sign_in": ANYBODY,
    "session.sign_out": STAFF,
    "session.extend": STAFF,
    "session.left": STAFF,
    "worklist.show": STAFF,  # operators see technical alerts and tasks only
    "worklist.live": STAFF,
    "worklist.text_read": CLINICAL,
    "alerts.show": STAFF,  # another kind than technical is "not found" for an operator
    "alerts.live": STAFF,
    "alerts.acknowledge": STAFF,
    "alerts.pass_on": STAFF,
    "alerts.contact": CLINICAL,
    "alerts.resolve": STAFF,
    "alerts.seen": STAFF,
    "patients.show": CLINICAL,
    "patients.opened": CLINICAL,
    "patients.csv": CLINICAL,
    "patients.care_manager": CLINICAL,
    "patients.goal": CLINICAL,
    "patients.leave_out": CLINICAL,
    "patients.pause": CLINICAL,
    "patients.resume": CLINICAL,
    "patients.end": CLINICAL,
    "patients.consent": CLINICAL,
    "patients.consent_end": CLINICAL,
    "patients.phone": CLINICAL,
    "patients.texts": CLINICAL,
    "patients.texts_live": CLINICAL,
    "tasks.show": STAFF,
    "tasks.claim": STAFF,
    "tasks.complete": STAFF,
    "tasks.add": STAFF,
    "intake.show": STAFF,
    "intake.message": STAFF,  # the route itself shows others than operators a text only: it may be a patient's
    "intake.seen": STAFF,
    "intake.assign": CLINICAL,
    "intake.discard": CLINICAL,
    "intake.accept": STAFF,
    "equipment.show": STAFF,
    "equipment.accept": STAFF,
    "phones.show": STAFF,
    "phones.live": STAFF,
    "phones.reply": STAFF,
}

POLLS = frozenset({"static", "session.left", "worklist.live", "alerts.live", "patients.texts_live", "phones.live"})
"""Asked by the page, not by the person: these do not keep a session alive."""


def check_table(app: Flask) -> None:
    """Raise ``RuntimeError`` if a route is not in the table."""
    unlisted = sorted({rule.endpoint for rule in app.url_map.iter_rules()} - ACCESS.keys())
    if unlisted:
        raise RuntimeError(f"routes without an entry in dashboards.security.access: {', '.join(unlisted)}")


def guard() -> ResponseReturnValue | None:
    """Runs before every request: session, role, then the token of what changes something."""
    if request.endpoint is None:
        return None  # the error page of a path that does not exist
    roles = ACCESS[request.endpoint]
    if roles is ANYBODY:
        return None
    live = signed_in()
    if live is None:
        return _to_sign_in()
    if live.actor.role not in roles:
        raise NotPermitted(f"This page needs one of the roles {', '.join(sorted(roles))}; you are {live.actor.role}.")
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        csrf.check(live.csrf)
    if request.endpoint not in POLLS:
        g.signed_in = keep_alive(hub(), cookies.token(request))
    return None


def _to_sign_in() -> ResponseReturnValue:
    if request.headers.get("HX-Request") or request.method not in ("GET", "HEAD"):
        raise NotSignedIn("You have been signed out. Sign in again; what you sent was not saved.")
    here = request.full_path.rstrip("?")
    return redirect(url_for("session.sign_in", next=here if here != "/" else None))


def local_path(path: str | None) -> str:
    """``path`` if it is one of this site, else the worklist: never somebody else's address."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or any(c in path for c in "\\\r\n\t"):
        return "/"
    return path


def hide(reason: str = "") -> None:
    """The same answer for "absent" and "not yours"."""
    abort(404, description=reason or None)
