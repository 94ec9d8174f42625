"""What may stand in a text: one segment, nothing that tells of a patient, no link but the site's own (S11)."""

import re
from collections.abc import Collection

from hub.domain import keywords
from hub.domain.gsm7 import SEGMENT, gsm7_septets

RESERVED = keywords.RESERVED | {"opt out", "stop all", "0"}
"""What means something by itself, whatever was asked: to the phone company, the provider or here. No option (S7)."""

EXAMPLE = "120/80"
"""How an answer looks: the one value that may be shown, as it is nobody's."""

_PHI = (
    *("diabet", "glucose", "sugar", "insulin", "metformin", "a1c", "ketone"),
    *("blood", "pressure", "systolic", "diastolic", "hypertens", "pulse", "heart", "cardiac", "stroke", "artery"),
    *("oxygen", "saturation", "spo2", "copd", "asthma", "lung", "pulmonary", "inhaler", "nebuli"),
    *("weight", "kilo", "pound", "obes", "bmi", "fluid", "swell", "swollen", "kidney", "renal", "dialysis", "liver"),
    *(
        "temperature",
        "fever",
        "infection",
        "cancer",
        "tumo",
        "pregnan",
        "hiv",
        "hepatit",
        "depress",
        "suicid",
        "dement",
    ),
    *("furosemide", "lasix", "torsemide", "bisoprolol", "carvedilol", "metoprolol", "lisinopril", "ramipril"),
    *("entresto", "spironolactone", "warfarin", "apixaban", "digoxin", "statin", "sulfonylurea", "diuretic"),
    *("diagnos", "prescri", "tablet", "dose", "dosage", "medication", "medicine"),
    *("mmhg", "mg/dl", "mmol", "bpm", "mrn"),
)
_PHI_FOUND = re.compile(rf"\b(?:{'|'.join(map(re.escape, _PHI))})\w*", re.IGNORECASE)
_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:[a-z]{2,})/\S*|"
    r"\b[a-z0-9-]+\.(?:com|org|net|io|co|ly|me|link|app|info|health|us|uk|de|eu)\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\b(?:[01][0-9]|2[0-3]):[0-5][0-9]\b")
_SPAN = re.compile(r"\b[0-9]{1,2} (?:min|minutes|h|hours|days)\b")
_VALUE = re.compile(r"[0-9]+(?:[.,/][0-9]+)+|[0-9]{2,}|[0-9]+ ?(?:%|kg|lb|st)\b")


def reserved(word: str) -> bool:
    """Whether a text of this form means something by itself, or asks for no more texts."""
    return word.strip(" .!,'\"") == "0" or keywords.keyword(word) is not None or keywords.wants_to_stop(word)


def tells(words: str) -> list[str]:
    """Words in it that tell of a patient: a condition, a drug, something that is measured."""
    return _PHI_FOUND.findall(words)


def faults(
    text: str,
    *,
    to_patient: bool = False,
    own_link: str = "",
    numbers: Collection[str] = (),
    names: Collection[str] = (),
) -> list[str]:
    """What is wrong with a text, in sentences; empty if it may be sent.

    ``numbers`` and ``names`` are the settings' own: the clinic's and the emergency number, the clinic's name. Staff
    texts carry references and codes, so only texts to patients are searched for numbers.
    """
    found: list[str] = []
    septets = gsm7_septets(text)
    if septets is None:
        odd = sorted({letter for letter in text if gsm7_septets(letter) is None})
        found.append(f"{' '.join(odd)} is no letter of a plain text message")
    elif septets > SEGMENT:
        found.append(f"it takes {septets} of the {SEGMENT} letters that fit")
    rest = text
    for link in _LINK.findall(text):
        bare = link.rstrip(".,")
        if not own_link or (bare != own_link.rstrip("/") and not bare.startswith(f"{own_link.rstrip('/')}/")):
            found.append(f"{bare} is a link to somewhere else")
        rest = rest.replace(link, " ")
    for name in sorted(names, key=len, reverse=True):
        rest = rest.replace(name, " ")
    found += [f'"{word}" tells of a patient' for word in tells(rest)]
    return found + (_values(rest, numbers) if to_patient else [])


def _values(text: str, numbers: Collection[str]) -> list[str]:
    rest = text.replace(EXAMPLE, " ")
    for number in sorted(numbers, key=len, reverse=True):
        rest = re.sub(rf"(?<![0-9]){re.escape(number)}(?![0-9/])", " ", rest)
    rest = _SPAN.sub(" ", _CLOCK.sub(" ", rest))
    return [f"{value} looks like a value" for value in _VALUE.findall(rest)]
