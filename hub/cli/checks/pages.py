"""Whether staff reach the pages that texts point to."""

import json
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from hub.adapters.probes.web import Asked, Page, ask
from hub.cli.checks.subject import Subject
from hub.services.checkup.finding import Finding, fine, must, should

SET = "RPMHUB_PUBLIC_URL=https://…, as config/deploy/nginx.conf serves it"
ALIVE = {"alive": True}


def public_url(subject: Subject) -> Iterator[Finding]:
    """The address in every page's text."""
    url = subject.settings.public_url.rstrip("/")
    parts = urlsplit(url)
    if not url or _is_loopback(parts.hostname or ""):
        yield must("No public address is set.", "The link in a page opens on no phone.", SET)
    elif parts.scheme != "https":
        yield must(f"{url} is not https.", "Passwords and patients' data cross the network in clear.", SET)
    else:
        yield from outside(subject, url)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def outside(subject: Subject, url: str) -> Iterator[Finding]:
    """What answers at a public address, asked from here."""
    asked = ask(f"{url}/healthz", subject.within_s / 2)
    why = "The link in a page may open on no phone."
    detail = f" ({asked.detail})" if asked.detail else ""
    if asked.page is Page.UNRESOLVED:
        yield must(f"The host of {url} is not known{detail}.", "The link in a page opens on no phone.", SET)
    elif asked.page is Page.UNTRUSTED:
        mend = "Renew the certificate of the proxy: certbot renew"
        yield must(f"A browser would not trust {url}{detail}.", "Staff cannot open a page.", mend)
    elif asked.page is Page.UNREACHABLE:
        mend = "nginx -t; systemctl status nginx, then open it on a phone"
        yield should(f"{url} is not reached from this machine{detail}.", why, mend)
    elif _is_ours(asked):
        yield fine(f"{url} answers as this hub's pages do.")
    elif _is_ours(ask(_inside(subject), subject.within_s / 2)):
        yield must(f"{url} answers with something else than this hub's pages.", why, SET)
    else:
        start = "systemctl restart rpmhub, or rpmhub up"
        yield should(f"{url} answers ({asked.status}), and the pages behind it do not.", why, start)


def listening(subject: Subject) -> Iterator[Finding]:
    """Whether the web role answers on its own port."""
    asked = ask(_inside(subject), subject.within_s / 2)
    place = f"{subject.settings.http_host}:{subject.settings.http_port}"
    if _is_ours(asked):
        yield fine(f"The pages answer at {place}.")
    elif asked.page is Page.ANSWERED:
        why = "The pages cannot be started there."
        yield must(f"Another program answers at {place}.", why, "RPMHUB_HTTP_PORT=…, of a port that is free")
    else:
        why = "Nobody sees the worklist while they are not running."
        yield should(f"The pages do not answer at {place}.", why, "systemctl restart rpmhub, or rpmhub up")


def _inside(subject: Subject) -> str:
    host = subject.settings.http_host
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - asked, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{subject.settings.http_port}/healthz"


def _is_ours(asked: Asked) -> bool:
    try:
        return asked.status == 200 and json.loads(asked.body) == ALIVE
    except ValueError:
        return False
