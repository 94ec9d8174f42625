"""Is the hub well? For machines."""

import ipaddress

from flask import Blueprint, Response, abort, make_response, request
from flask.typing import ResponseReturnValue

from dashboards.security.asking import hub, now
from dashboards.viewmodels.exposition import exposition
from dashboards.viewmodels.readiness import missing


def blueprint_for(allowed: frozenset[str]) -> Blueprint:
    """The technical routes. ``allowed``: addresses beside loopback that may read the metrics."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """The process is alive."""
        return {"alive": True}

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """The hub can do its work; 503 says what is missing."""
        try:
            with hub().reads() as reads:
                absent = missing(reads.running(), now())
        except Exception:  # noqa: BLE001 - whatever the database says, the answer is that it does not answer
            absent = ["the database does not answer"]
        return {"ready": not absent, "missing": absent}, 503 if absent else 200

    @blueprint.get("/metrics")
    def metrics() -> ResponseReturnValue:
        """Counts of all roles, in the Prometheus text format."""
        if not _admitted(allowed):
            abort(404)
        with hub().reads() as reads:
            text = exposition(reads.running(), now())
        response: Response = make_response(text)
        response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
        return response

    return blueprint


def _admitted(allowed: frozenset[str]) -> bool:
    """A request that a proxy passed on is not loopback, whatever its address."""
    address = request.remote_addr or ""
    if address in allowed:
        return True
    forwarded = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP"))
    try:
        return not forwarded and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
