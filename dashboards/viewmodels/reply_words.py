"""Answers a text offers, so that a demo phone has a button for each."""

import re

from hub.services.views.equipment import Phone

_OFFER = re.compile(r"\bReply (\d+[a-z]) to take it(?:, (\d+[a-z]) to pass on)?", re.IGNORECASE)


def quick_replies(phone: Phone) -> list[tuple[str, str]]:
    """(what to send, what it does) of the newest text that asks for an answer."""
    for bubble in reversed(phone.bubbles):
        found = None if bubble.inward else _OFFER.search(bubble.body)
        if found:
            take, on = found.groups()
            return [(take, f"{take}: take it"), *([(on, f"{on}: pass on")] if on else [])]
    return []
