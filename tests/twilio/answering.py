"""How the fake answers a request."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.twilio import accepts, resources
from tests.twilio.accepts import BROKEN, MESSAGES, REFUSED, unfit
from tests.twilio.account import ACCOUNT, TOKEN

if TYPE_CHECKING:
    from tests.twilio.fake import FakeTwilio

HOLDS_S = 30.0
"""How long a request hangs at most; closing the fake ends it."""


class Handler(BaseHTTPRequestHandler):
    server: "FakeTwilio"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        twilio = self.server
        fault = self._next_fault()
        if not self._ours():
            self._refuse(401, 20003, "Authenticate")
        elif wrong := unfit(self.path, self.headers["Content-Type"], form):
            twilio.unfit.append(wrong)
            self._refuse(400, 20001, wrong)
        else:
            self._create({name: values[0] for name, values in form.items()}, fault)

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        shown = self._shown(path, dict(parse_qsl(query)))
        fault = self._next_fault()
        if not self._ours():
            self._refuse(401, 20003, "Authenticate")
        elif isinstance(fault, int) and fault in BROKEN:
            self._refuse(fault, *BROKEN[fault])
        elif fault in ("hang", "reset"):
            self._say_nothing(str(fault))
        elif shown is None:
            self._refuse(404, 20404, f"The requested resource {urlsplit(self.path).path} was not found")
        else:
            self._answer(200, json.dumps(shown).encode())

    def _next_fault(self) -> int | str | None:
        twilio = self.server
        with twilio.asked:
            twilio.requests += 1
            twilio.asked.notify_all()
            return twilio.faults.popleft() if twilio.faults else None

    def _ours(self) -> bool:
        credential = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        return bool(self.headers["Authorization"] == f"Basic {credential}")

    def _shown(self, path: str, asked: Mapping[str, str]) -> dict[str, object] | None:
        twilio, base = self.server, resources.BASE
        messages = [*twilio.came_in, *twilio.taken]
        if path == f"{base}.json":
            return twilio.account.shown()
        if path == f"{base}/IncomingPhoneNumbers.json":
            numbers = twilio.account.numbers_like(asked.get("PhoneNumber"))
            return resources.listed("incoming_phone_numbers", path, numbers, asked)
        if path == MESSAGES:
            chosen = [one for one in messages if asked.get("To", one.to) == one.to]
            chosen = [one for one in chosen if asked.get("From", one.sender) == one.sender]
            since = asked.get("DateSent>")
            if since is not None:
                chosen = [one for one in chosen if one.at >= datetime.fromisoformat(since)]
            newest = sorted(chosen, key=lambda one: one.sid[2:], reverse=True)
            return resources.listed("messages", path, [resources.message(one) for one in newest], asked)
        found = (one for one in messages if path == f"{base}/Messages/{one.sid}.json")
        return next((resources.message(one) for one in found), None)

    def _create(self, form: Mapping[str, str], fault: int | str | None) -> None:
        twilio = self.server
        code = accepts.refusal(form) or twilio.refusal(form["To"])
        if isinstance(fault, int) and fault in BROKEN:
            self._refuse(fault, *BROKEN[fault])
        elif code or isinstance(fault, int):
            self._refuse(400, code or int(fault or 0), REFUSED[code or int(fault or 0)])
        elif fault == "page":
            self._answer(502, b"<html>Bad Gateway</html>", "text/html")
        elif fault in ("hang", "reset"):
            self._say_nothing(str(fault))
        else:
            message = twilio.take(form)
            shown = json.dumps(resources.message(message)).encode()
            if fault == "early":
                twilio.tell(message, "sent")
            if fault in ("accept_hang", "accept_reset"):
                self._say_nothing(str(fault))
            elif fault == "garbled":
                self._answer(201, b"<html>Created</html>", "text/html")
            else:
                self._answer(201, shown)

    def _say_nothing(self, fault: str) -> None:
        if fault.endswith("hang"):
            self.server.released.wait(HOLDS_S)
        self.close_connection = True

    def _refuse(self, status: int, code: int, sentence: str) -> None:
        more = f"https://www.twilio.com/docs/errors/{code}"
        said = {"code": code, "message": sentence, "more_info": more, "status": status}
        self._answer(status, json.dumps(said).encode())

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing."""
