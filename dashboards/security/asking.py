"""The hub, the time and the person behind the request at hand."""

from datetime import datetime
from typing import cast

from flask import current_app, g

from hub.errors import NotSignedIn
from hub.services.hub import Actor, Hub
from hub.services.sign_in import SignedIn

EXTENSION = "rpmhub"


def hub() -> Hub:
    """The hub this app was made for."""
    return cast("Hub", current_app.extensions[EXTENSION])


def now() -> datetime:
    """The instant of this request: every word on a page is worked out for the same one."""
    if "now" not in g:
        g.now = hub().clock.now()
    return cast("datetime", g.now)


def zone() -> str:
    """The clinic's zone: pages for staff are in it."""
    return hub().site.zone


def signed_in() -> SignedIn | None:
    """The live session of this request, or None."""
    return cast("SignedIn | None", g.get("signed_in"))


def actor() -> Actor:
    """Who asks. Raises ``NotSignedIn``."""
    live = signed_in()
    if live is None:
        raise NotSignedIn("sign in first")
    return live.actor
