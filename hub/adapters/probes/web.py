"""Whether a page answers, asked as a browser would."""

import base64
import contextlib
import http.client
import socket
import ssl
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import urlsplit

LONGEST = 65536


class Page(Enum):
    """How asking ended."""

    ANSWERED = auto()
    UNRESOLVED = auto()
    UNREACHABLE = auto()
    UNTRUSTED = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """How, with the status and the first bytes of an answer, or why there was none."""

    page: Page
    status: int = 0
    body: bytes = b""
    detail: str = ""


def ask(url: str, within_s: float, login: str = "") -> Asked:
    """GET ``url``; no redirect is followed. ``within_s`` bounds each wait; ``login`` is ``user:password``."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        with contextlib.closing(kind(parts.hostname or "", parts.port, timeout=within_s)) as connection:
            headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
            query = f"?{parts.query}" if parts.query else ""
            connection.request("GET", f"{parts.path or '/'}{query}", headers=headers)
            response = connection.getresponse()
            return Asked(Page.ANSWERED, response.status, response.read(LONGEST))
    except ssl.SSLError as error:
        return Asked(Page.UNTRUSTED, detail=error.reason or str(error))
    except socket.gaierror as error:
        return Asked(Page.UNRESOLVED, detail=error.strerror or "")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Asked(Page.UNREACHABLE, detail=getattr(error, "strerror", None) or str(error) or type(error).__name__)
