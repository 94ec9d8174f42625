"""Read models: what the pages show. See ``hub.services.views`` for the values they return."""

from typing import Protocol


class Reads(Protocol):
    """Read-only questions, answered from one snapshot."""
