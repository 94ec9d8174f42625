"""The pages as one Flask app."""

from collections.abc import Iterable

from flask import Flask, g, request

from dashboards.app.errors import show_errors
from dashboards.app.rendering import prepare_templates
from dashboards.blueprints import alerts, equipment, health, intake, patients, phones, session, tasks, twilio, worklist
from dashboards.security import access, asking, cookies
from dashboards.security.headers import harden
from hub.services.hub import Hub
from hub.services.sign_in import current

MOST_BYTES = 64 * 1024
"""Of one form."""


def create_app(hub: Hub, *, metrics_allow: Iterable[str] = ()) -> Flask:
    """The pages of ``hub``. ``metrics_allow``: addresses beside loopback that may read ``/metrics``."""
    app = Flask("dashboards", static_folder="static", template_folder="templates")
    app.config.update(MAX_CONTENT_LENGTH=MOST_BYTES, SEND_FILE_MAX_AGE_DEFAULT=31536000)
    app.extensions[asking.EXTENSION] = hub
    app.before_request(_find_session)
    app.before_request(access.guard)
    app.after_request(harden)
    prepare_templates(app)
    show_errors(app)
    for page in (session, worklist, alerts, patients, tasks, intake, equipment):
        app.register_blueprint(page.blueprint)
    app.register_blueprint(health.blueprint_for(frozenset(metrics_allow)))
    if hub.site.demo:
        app.register_blueprint(phones.blueprint)
    if hub.twilio is not None:
        app.register_blueprint(twilio.blueprint_for(hub.twilio))
    access.check_table(app)
    return app


def _find_session() -> None:
    if request.endpoint != "static":
        g.signed_in = current(asking.hub(), cookies.token(request))
