"""The browser's side of a session: a random token that scripts cannot read."""

from flask import Request, Response

from dashboards.security.asking import hub
from hub.services.sign_in import ABSOLUTE

_KNOWN_FOR = 180 * 24 * 3600


def secure() -> bool:
    """Whether browsers reach the pages by https."""
    return hub().site.public_url.lower().startswith("https://")


def _name(base: str) -> str:
    return f"__Host-{base}" if secure() else base


def token(request: Request) -> str | None:
    """The session's token."""
    return request.cookies.get(_name("rpmhub-session"))


def known_browser(request: Request) -> str | None:
    """The token of this browser's session before: it may no longer open anything."""
    return request.cookies.get(_name("rpmhub-known"))


def visitor(request: Request) -> str | None:
    """The token that the sign-in form must carry."""
    return request.cookies.get(_name("rpmhub-visitor"))


def remember(response: Response, session_token: str) -> None:
    """Give the browser a session."""
    _set(response, "rpmhub-session", session_token, int(ABSOLUTE.total_seconds()), "Lax")
    _set(response, "rpmhub-known", session_token, _KNOWN_FOR, "Strict")


def forget(response: Response) -> None:
    """Take the session from the browser; the server has ended it already."""
    response.delete_cookie(_name("rpmhub-session"), path="/", secure=secure(), httponly=True, samesite="Lax")


def welcome(response: Response, visitor_token: str) -> None:
    """Give a visitor the token of the sign-in form."""
    _set(response, "rpmhub-visitor", visitor_token, None, "Strict")


def _set(response: Response, base: str, value: str, seconds: int | None, same_site: str) -> None:
    response.set_cookie(
        _name(base), value, max_age=seconds, path="/", secure=secure(), httponly=True, samesite=same_site
    )
