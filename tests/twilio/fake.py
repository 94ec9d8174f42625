"""A Twilio of our own: it takes what the documented API takes and nothing else, and fails as it is told to."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.server import ThreadingHTTPServer

from tests.twilio import messages
from tests.twilio.accepts import OPTED_OUT, unfit
from tests.twilio.account import ACCOUNT, SENDER, SERVICE, TOKEN, post, signature
from tests.twilio.answering import Handler
from tests.twilio.keywords import OptOuts
from tests.twilio.messages import Taken, callback
from tests.twilio.resources import Account

__all__ = [
    "ACCOUNT",
    "SENDER",
    "SERVICE",
    "TOKEN",
    "FakeTwilio",
    "Taken",
    "callback",
    "fake_twilio",
    "post",
    "signature",
    "unfit",
]


class FakeTwilio(ThreadingHTTPServer):
    """Faults wait in ``faults``, one a request: a status of ``BROKEN``, a code of ``REFUSED``, or a word:
    ``hang`` and ``reset`` take nothing, ``accept_hang`` and ``accept_reset`` take the message and never say so,
    ``garbled`` takes it and answers no JSON, ``page`` answers 502 with a proxy's page, ``early`` calls back before it
    answers.
    """

    daemon_threads = True
    block_on_close = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.faults: deque[int | str] = deque()
        self.refuses: dict[str, int] = {}
        """Number -> the code it is refused with."""
        self.taken: list[Taken] = []
        self.came_in: list[Taken] = []
        self.opt_outs = OptOuts()
        self.advanced_opt_out = False
        """Whether its messaging service says what a keyword meant to it."""
        self.account = Account()
        self.unfit: list[str] = []
        """Requests that the real one would not have understood."""
        self.asked = threading.Condition()
        self.requests = 0
        self.released = threading.Event()
        self.now: Callable[[], datetime] = lambda: messages.MADE
        """The fake's clock."""
        self._sids = itertools.count(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def own_replies(self) -> list[tuple[str, str]]:
        """What it answered to keywords by itself: to whom, and the words."""
        return self.opt_outs.replies

    def refusal(self, phone: str) -> int | None:
        """The code with which a message to this phone is refused."""
        return self.refuses.get(phone) or (OPTED_OUT if phone in self.opt_outs.blocked else None)

    def take(self, form: Mapping[str, str]) -> Taken:
        """The message is on its way."""
        message = Taken(self._sid("SM"), form["To"], form["Body"], form.get("StatusCallback"), at=self.now())
        if "MessagingServiceSid" in form:
            message.service, message.status = True, "accepted"
        self.taken.append(message)
        return message

    def tell(self, message: Taken, status: str, error: int | None = None) -> int:
        """Call back, signed; the answer's status."""
        message.status, message.error = status, error
        assert message.callback is not None
        return post(message.callback, callback(message, status, error))

    def fares(self, message: Taken, *words: str, calls: str = "in order", error: int | None = None) -> list[int]:
        """What becomes of the message, word by word; ``error`` belongs to the last. ``calls``: whether the hub hears it
        ``in order``, ``twice``, ``backwards``, or not at all (``lost``). The answers' status."""
        assert message.callback is not None
        told = [(word, error if word == words[-1] else None) for word in words]
        message.status, message.error = told[-1]
        heard = {"in order": told, "twice": [each for each in told for _ in range(2)], "backwards": told[::-1]}
        return [post(message.callback, callback(message, *each)) for each in heard.get(calls, [])]

    def inbound(
        self,
        url: str | None,
        from_: str,
        body: str,
        *,
        to: str = SENDER,
        media: int = 0,
        sid: str | None = None,
        **more: str,
    ) -> int:
        """Somebody writes: keywords are dealt with as Twilio does, and the text is posted all the same; the answer's
        status. ``url`` None: nobody can be reached, and it is only listed (0). ``sid``: the same text is told of again.
        ``more``: further fields."""
        again = sid is not None
        message = Taken(sid or self._sid("MM" if media else "SM"), to, body, None, "received", from_)
        message.inward, message.media, message.service, message.at = True, media, self.advanced_opt_out, self.now()
        word = None if again else self.opt_outs.hear(from_, body)
        if not again:
            self.came_in.append(message)
        return post(url, messages.inbound(message, word if self.advanced_opt_out else None) | more) if url else 0

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news."""

    def _sid(self, kind: str) -> str:
        return f"{kind}{next(self._sids):032x}"


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
