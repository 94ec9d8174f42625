"""Answers a text offers, so that a demo phone has a button for each."""

import re

from hub.services.views.equipment import Phone

_OFFER = re.compile(r"\bReply (\d+)a to take it(?:, \d+(e) to pass on)?", re.IGNORECASE)
_REF = re.compile(r"\bref ([0-9A-Z]{4})\b")
MOST = 3


def quick_replies(phone: Phone) -> list[tuple[str, str]]:
    """(what to send, what it does) of the newest texts that ask for an answer and have none yet."""
    answered: set[str] = set()
    offers: list[tuple[str, str]] = []
    for bubble in reversed(phone.bubbles):
        if bubble.inward:
            answered.update(re.findall(r"\d+", bubble.body))
            continue
        found = _OFFER.search(bubble.body)
        if found is None or found[1] in answered or len(offers) >= MOST * 2:
            continue
        digit, ref = found[1], _REF.search(bubble.body)
        about = f" {ref[1]}" if ref else ""
        offers.append((f"{digit}a", f"{digit}a: take{about}"))
        if found[2]:
            offers.append((f"{digit}e", f"{digit}e: pass on{about}"))
        answered.add(digit)
    return offers
