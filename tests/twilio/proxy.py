"""Prism between a client and the fake: it holds requests and answers to Twilio's own description of its API."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from tests.servers import free_port, wait_for_port
from tests.twilio.description import NPM, write_strict

PRISM = NPM / "@stoplight" / "prism-cli" / "dist" / "index.js"
WRITES_WITHIN_S, POLL_S = 5.0, 0.05


@dataclass(frozen=True)
class Prism:
    """A proxy that runs. What is against the description it refuses with 422, or with 500 where an answer is."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def checked(self, at_least: int = 0) -> int:
        """How many requests it has looked at."""
        return len(self._written(r"Request received", at_least))

    def violations(self, at_least: int = 0) -> list[str]:
        """Its own words for what is against the description, of a request or of an answer."""
        return self._written(r"Violation: .*|prism/errors#\S+.*", at_least)

    def _written(self, words: str, at_least: int) -> list[str]:
        """What it has written so far; it does so a moment after it has answered."""
        found: list[str] = []
        for _ in range(round(WRITES_WITHIN_S / POLL_S)):
            found = re.findall(words, self.log.read_text(errors="replace"))
            if len(found) >= at_least:
                break
            Event().wait(POLL_S)
        return found


@contextmanager
def prism(folder: Path, upstream: str) -> Iterator[Prism]:
    """One that listens until the block ends."""
    node = shutil.which("node")
    assert node, "node is not installed: tests/run installs it"
    assert PRISM.exists(), "Prism is not installed: tests/run installs it"
    proxy = Prism(free_port(), folder / "prism.log")
    description = write_strict(folder / "twilio.json")
    command = [node, str(PRISM), "proxy", "-h", "127.0.0.1", "-p", str(proxy.port), "--errors"]
    with proxy.log.open("wb") as log:
        process = subprocess.Popen([*command, str(description), upstream], stdout=log, stderr=log)
        try:
            wait_for_port(proxy.port, process)
            yield proxy
        finally:
            process.terminate()
            process.wait(10)
