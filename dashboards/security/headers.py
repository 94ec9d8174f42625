"""What a browser may do with our pages: load our own files, and keep nothing."""

import hashlib

from flask import Response, g, make_response, request

from dashboards.security import cookies
from dashboards.security.asking import hub, now

_CACHED = frozenset({"static"})


def nonce() -> str:
    """This page's script nonce."""
    if "nonce" not in g:
        g.nonce = hub().ids.token()
    return str(g.nonce)


def policy() -> str:
    """The content security policy: no inline code, no other origin, never in a frame."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce()}'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def harden(response: Response) -> Response:
    """Set on every answer."""
    response.headers.setdefault("Content-Security-Policy", policy())
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    response.headers["X-Hub-Now"] = now().isoformat(timespec="milliseconds")
    if cookies.secure():
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if request.endpoint not in _CACHED:
        response.headers["Cache-Control"] = "no-store"
    return response


def unchanged_or(body: str) -> Response:
    """``body`` with its ETag, or 304 if the page has it already.

    Nothing is kept in the browser's store: the page itself holds the tag and sends it back with its next poll.
    """
    tag = hashlib.sha256(body.encode()).hexdigest()[:32]
    response = make_response("", 304) if request.if_none_match.contains(tag) else make_response(body)
    response.set_etag(tag)
    return response
