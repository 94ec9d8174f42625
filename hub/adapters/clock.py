"""Time and randomness of the real world: the only module of the hub that makes either."""

import secrets
import time
from datetime import UTC, datetime

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_READABLE = f"23456789{_LETTERS}"
"""No 0/O, 1/I: a reference is read out over a phone."""

_TOPIC = "23456789abcdefghijkmnpqrstuvwxyz"


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The aware UTC instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never step back."""
        return time.monotonic()


class SystemIds:
    """The machine's randomness."""

    def token(self) -> str:
        """256 random bits, URL-safe."""
        return secrets.token_urlsafe(32)

    def ref(self) -> str:
        """Four readable characters; a letter first, so that it is never taken for a reply's digit."""
        number, readable = secrets.randbelow(len(_LETTERS) * len(_READABLE) ** 3), ""
        for _ in range(3):
            number, place = divmod(number, len(_READABLE))
            readable += _READABLE[place]
        return _LETTERS[number] + readable

    def gateway_id(self) -> str:
        """``g`` and ten letters or digits."""
        return "g" + "".join(secrets.choice(_TOPIC) for _ in range(10))
