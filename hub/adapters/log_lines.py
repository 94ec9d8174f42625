"""How a process of the hub logs: one JSON object a line."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
"""What every record has; all else is what its line was given as ``extra``."""


class JsonLines(logging.Formatter):
    """A record with its ``extra`` as JSON. What JSON has no words for is written as Python would show it."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        said: dict[str, Any] = {"role": self._role, "event": record.getMessage()}
        said |= {"level": record.levelname.lower(), "logger": record.name}
        said |= {name: value for name, value in record.__dict__.items() if name not in _OWN}
        said["timestamp"] = at
        if record.exc_info and record.exc_info[0] is not None:
            said["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            said["stack_info"] = self.formatStack(record.stack_info)
        return json.dumps(said, default=repr)


def start_logging(role: str, file: Path | None = None) -> None:
    """JSON lines on stdout, or in ``file``. What is logged holds no patient data: ids and reasons only.

    A thread that ends by an exception is logged as well: by itself Python tells only stderr.
    """
    handler = logging.StreamHandler(sys.stdout) if file is None else logging.FileHandler(file)
    handler.setFormatter(JsonLines(role))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("apscheduler", "alembic", "werkzeug"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    threading.excepthook = _thread_ended


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    name = ended.thread.name if ended.thread is not None else ""
    error = ended.exc_value or ended.exc_type()
    logging.getLogger(__name__).critical("a thread ended", extra={"thread_name": name}, exc_info=error)
