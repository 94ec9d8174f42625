"""A Twilio of our own: it takes what the documented Messages API takes and nothing else, and fails as it is told to."""

import base64
import hmac
import itertools
import json
import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

ACCOUNT, TOKEN = "AC" + "0a" * 16, "the token of the tests"
SENDER, SERVICE = "+15555550100", "MG" + "0b" * 16
HOLDS_S = 30.0
"""How long a request hangs at most; closing the fake ends it."""

# Parameter of "create a message" -> what its value must look like.
TAKES = {
    "To": r"\+[1-9][0-9]{1,14}",
    "From": r"\+[1-9][0-9]{1,14}",
    "MessagingServiceSid": r"MG[0-9a-f]{32}",
    "Body": r"(?s).{1,1600}",
    "StatusCallback": r"https?://[A-Za-z0-9.-]+(:[0-9]+)?/\S*",
    "ValidityPeriod": r"[1-9][0-9]{0,3}|[12][0-9]{4}|3[0-5][0-9]{3}|36000",
}
REFUSED = {
    21211: "The 'To' number is not a valid phone number.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required to send a Message.",
    21604: "'To' phone number is required to send a Message.",
    21606: "The 'From' phone number is not a valid, message-capable Twilio phone number for this account.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
}
BROKEN = {429: (20429, "Too Many Requests"), 500: (20500, "Internal Server Error"), 503: (20503, "Service Unavailable")}


@dataclass
class Taken:
    """A message that Twilio has, and what it said of it last."""

    sid: str
    to: str
    body: str
    callback: str | None
    status: str = "queued"


class FakeTwilio(ThreadingHTTPServer):
    """Faults wait in ``faults``, one a request: a status of ``BROKEN``, a code of ``REFUSED``, or a word:
    ``hang`` and ``reset`` take nothing, ``accept_hang`` and ``accept_reset`` take the message and never say so,
    ``garbled`` takes it and answers no JSON, ``page`` answers 502 with a proxy's page, ``early`` calls back before it
    answers.
    """

    daemon_threads = True
    block_on_close = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.faults: deque[int | str] = deque()
        self.refuses: dict[str, int] = {}
        """Number -> the code it is refused with."""
        self.taken: list[Taken] = []
        self.unfit: list[str] = []
        """Requests that the real one would not have understood."""
        self.asked = threading.Condition()
        self.requests = 0
        self.released = threading.Event()
        self._sids = itertools.count(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, form: Mapping[str, str]) -> Taken:
        """The message is on its way."""
        message = Taken(f"SM{next(self._sids):032x}", form["To"], form["Body"], form.get("StatusCallback"))
        self.taken.append(message)
        return message

    def tell(self, message: Taken, status: str, error: int | None = None) -> int:
        """Call back, signed; the answer's status."""
        message.status = status
        assert message.callback is not None
        return post(message.callback, callback(message, status, error))

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news."""


def callback(message: Taken, status: str, error: int | None = None) -> dict[str, str]:
    """The form of a status callback."""
    sid = message.sid
    form = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "To": message.to}
    form |= {"From": SENDER, "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01"}
    return form if error is None else form | {"ErrorCode": str(error)}


def signature(url: str, form: Mapping[str, str], token: str = TOKEN) -> str:
    """What Twilio's documentation says it is: HMAC-SHA1 over the address and the sorted fields."""
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def post(url: str, form: Mapping[str, str]) -> int:
    """The status of the answer to a signed form."""
    request = Request(url, urlencode(form).encode(), {"X-Twilio-Signature": signature(url, form)})  # noqa: S310
    try:
        with urlopen(request, timeout=15) as answer:  # noqa: S310 - the address is the test's own
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


@contextmanager
def fake_twilio(port: int = 0) -> Iterator[FakeTwilio]:
    """One that listens until the block ends, and was asked for nothing that the real one would not understand."""
    with FakeTwilio(port) as twilio:
        thread = threading.Thread(target=twilio.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield twilio
        finally:
            twilio.released.set()
            twilio.shutdown()
            thread.join()
    assert not twilio.unfit, twilio.unfit


class _Handler(BaseHTTPRequestHandler):
    server: FakeTwilio
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        twilio = self.server
        with twilio.asked:
            twilio.requests += 1
            fault = twilio.faults.popleft() if twilio.faults else None
            twilio.asked.notify_all()
        credential = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {credential}":
            self._refuse(401, 20003, "Authenticate")
        elif wrong := unfit(self.path, self.headers["Content-Type"], form):
            twilio.unfit.append(wrong)
            self._refuse(400, 20001, wrong)
        else:
            self._create({name: values[0] for name, values in form.items()}, fault)

    def _create(self, form: Mapping[str, str], fault: int | str | None) -> None:
        twilio = self.server
        code = _code(form) or twilio.refuses.get(form["To"])
        if isinstance(fault, int) and fault in BROKEN:
            self._refuse(fault, *BROKEN[fault])
        elif code or isinstance(fault, int):
            self._refuse(400, code or int(fault or 0), REFUSED[code or int(fault or 0)])
        elif fault == "page":
            self._answer(502, b"<html>Bad Gateway</html>", "text/html")
        elif fault in ("hang", "reset"):
            self._say_nothing(fault)
        else:
            message = twilio.take(form)
            if fault == "early":
                twilio.tell(message, "sent")
            if fault in ("accept_hang", "accept_reset"):
                self._say_nothing(str(fault))
            elif fault == "garbled":
                self._answer(201, b"<html>Created</html>", "text/html")
            else:
                self._answer(201, json.dumps(_resource(message, form)).encode())

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


def unfit(path: str, kind: str, form: Mapping[str, list[str]]) -> str:
    """What the real one would not understand of a request; empty if nothing."""
    if urlsplit(path) != urlsplit(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"):
        return f"no such resource: {path}"
    if kind != "application/x-www-form-urlencoded":
        return f"not a form: {kind}"
    unknown = sorted(form.keys() - TAKES.keys())
    twice = sorted(name for name, values in form.items() if len(values) != 1)
    wrong = sorted(name for name in form.keys() & TAKES.keys() - {"To"} if not re.fullmatch(TAKES[name], form[name][0]))
    return f"unknown {unknown}, not once {twice}, wrong {wrong}" if unknown or twice or wrong else ""


def _code(form: Mapping[str, str]) -> int | None:
    """The code that the content of a form is refused with."""
    if "To" not in form:
        return 21604
    if "Body" not in form:
        return 21602
    if "From" not in form and "MessagingServiceSid" not in form:
        return 21603
    if form.get("From", SENDER) != SENDER:
        return 21606
    return None if re.fullmatch(TAKES["To"], form["To"]) else 21211


def _resource(message: Taken, form: Mapping[str, str]) -> dict[str, object]:
    """The message as the API shows it."""
    base = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{message.sid}"
    return {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": "Mon, 02 Mar 2026 12:04:00 +0000",
        "date_sent": None,
        "date_updated": "Mon, 02 Mar 2026 12:04:00 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": form.get("From"),
        "messaging_service_sid": form.get("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": "accepted" if "MessagingServiceSid" in form else "queued",
        "subresource_uris": {"media": f"{base}/Media.json"},
        "to": message.to,
        "uri": f"{base}.json",
    }
