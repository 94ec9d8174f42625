"""What a person typed on a phone, brought to plain words, and lists of phrases to be found in it.

A list has one phrase a line. In it ``<name>`` stands for a list of words, ``..`` for up to three words of any kind; the
rest is a regular expression over plain words.
"""

import re
import unicodedata
from collections.abc import Mapping

_APOSTROPHES = str.maketrans("", "", "'\u2019\u2018\u201b`\u00b4\u02bc\u2032\uff07")
_BETWEEN = re.compile(r"[^a-z0-9]+")
_UNSEEN = frozenset({"Mn", "Mc", "Me", "Cf"})
"""Accents, and what a phone puts between letters without showing it."""
_SOS = str.maketrans({"\U0001f198": " sos ", "\U0001f691": " ambulance "})
"""Pictures that mean a word; all others are gaps between words."""


def plain_words(body: str) -> str:
    """Small letters and digits, one space between words: ``Can't  BREATHE!!`` gives ``cant breathe``."""
    apart = unicodedata.normalize("NFKD", body.translate(_APOSTROPHES).translate(_SOS)).casefold()
    letters = "".join(letter for letter in apart if unicodedata.category(letter) not in _UNSEEN)
    return _BETWEEN.sub(" ", letters).strip()


def phrases(lines: str, words: Mapping[str, str]) -> re.Pattern[str]:
    """What finds any of the phrases, as whole words, in ``plain_words``. ``^`` and ``$`` are the ends of the text."""
    found = []
    for line in filter(None, (line.strip() for line in lines.splitlines())):
        phrase = line.replace(" .. ", r"(?: \w+){0,3} ")
        for name, listed in words.items():
            phrase = phrase.replace(f"<{name}>", f"(?:{listed})")
        found.append(phrase)
    return re.compile(rf"\b(?:{'|'.join(found)})(?![a-z0-9])")
