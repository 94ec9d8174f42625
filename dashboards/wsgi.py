"""The web role: ``python -P -m dashboards.wsgi``."""

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from gunicorn.app.base import BaseApplication

from dashboards.app import create_app
from hub.bootstrap import admitted, serving
from hub.errors import HubError
from hub.settings import Settings, load

THREADS = 8
GRACE_SECONDS = 2


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with our options and nothing from its command line or environment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._at_work = ExitStack()
        super().__init__()

    def load_config(self) -> None:
        """Set what a small site needs; the access log stays off, since addresses would stand in it."""
        for name, value in options(self._settings).items():
            self.cfg.set(name, value)
        self.cfg.set("worker_exit", lambda _server, _worker: self._at_work.close())

    def load(self) -> Any:
        """The app, made in the worker: no connection is shared across the fork."""
        allow = [address.strip() for address in self._settings.metrics_allow.split(",") if address.strip()]
        return create_app(self._at_work.enter_context(serving(self._settings, "web")), metrics_allow=allow)


def options(settings: Settings) -> Mapping[str, Any]:
    """gunicorn's settings."""
    return {
        "bind": f"{settings.http_host}:{settings.http_port}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": THREADS,
        "graceful_timeout": GRACE_SECONDS,
        "timeout": 60,
        "keepalive": 5,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "proc_name": "rpmhub-web",
        "control_socket_disable": True,
    }


def main() -> int:
    """Serve until told to stop; 1 if a setting is wrong."""
    try:
        settings = load(os.environ)
        admitted(settings)
    except HubError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the only output of a start that failed
        return 1
    Server(settings).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
