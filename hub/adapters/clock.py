"""Time and randomness of the real world: the only module of the hub that makes either."""

import secrets
import time
from datetime import UTC, datetime

_READABLE = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
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
        return secrets.choice(_READABLE[8:]) + "".join(secrets.choice(_READABLE) for _ in range(3))

    def gateway_id(self) -> str:
        """``g`` and ten letters or digits."""
        return "g" + "".join(secrets.choice(_TOPIC) for _ in range(10))
