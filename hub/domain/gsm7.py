"""The alphabet of one SMS segment: 160 septets of GSM 03.38. One letter outside it and a text holds 70."""

import unicodedata

SEGMENT = 160

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("^{}\\[~]|€\f")
_ALPHABET = _BASIC | _ESCAPED


def gsm7_septets(text: str) -> int | None:
    """How many of a segment's 160 septets ``text`` takes; None if it has a letter outside the alphabet."""
    if not _ALPHABET.issuperset(text):
        return None
    return len(text) + sum(map(text.count, _ESCAPED))


def fits(text: str) -> bool:
    """Whether ``text`` leaves as one segment."""
    septets = gsm7_septets(text)
    return septets is not None and septets <= SEGMENT


def plain(text: str, longest: int) -> str:
    """``text`` in letters that take one septet each, on one line, cut to ``longest``: for names and the like."""
    kept = []
    for letter in " ".join(text.split()):
        if letter in _BASIC:
            kept.append(letter)
        else:  # Łódź: what has no letter of its own loses its accent, or goes
            kept += [part for part in unicodedata.normalize("NFKD", letter) if part in _BASIC]
    return "".join(kept)[:longest].strip()
