"""Where the broker is."""

from typing import Protocol


class BrokerAddress(Protocol):
    """Where the broker is, and as whom to speak to it; ``ca_file`` empty: the system's authorities."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def tls(self) -> bool: ...
    @property
    def user(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...
