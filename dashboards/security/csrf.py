"""A request that changes something must come from one of our own pages."""

import hmac

from flask import request

from hub.errors import NotPermitted

FIELD = "csrf"
HEADER = "X-CSRF"
_OLD_PAGE = "This page is too old to act on, or the request came from another site. Load it again and try once more."


def check(expected: str | None) -> None:
    """Raise ``NotPermitted`` unless the form (or htmx) carries the session's token and the browser says "same site"."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise NotPermitted(_OLD_PAGE)
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotPermitted(_OLD_PAGE)
