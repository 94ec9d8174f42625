"""The pages over a ward's hub, and people who have signed in to them."""

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache

from dashboards.app import create_app
from hub.services.hub import Hub
from hub.services.sign_in import current, sign_in
from tests.web.people import Person
from tests.web.ward import PASSWORD


class _Compiled(BytecodeCache):
    """Templates are compiled once for all apps of a run."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        kept = self._kept.get(bucket.key)
        if kept is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def site_of(hub: Hub, **further: object) -> Flask:
    """The app, as it is served."""
    app = create_app(hub, **further)  # type: ignore[arg-type]
    app.jinja_env.bytecode_cache = _COMPILED
    return app


def signed_in(app: Flask, hub: Hub, login: str) -> Person:
    """Somebody with a session, as the sign-in page would have given it."""
    token = sign_in(hub, login, PASSWORD)
    live = current(hub, token)
    assert live is not None
    person = Person(app.test_client())
    person.client.set_cookie("rpmhub-session", token)
    person.csrf = live.csrf
    return person
