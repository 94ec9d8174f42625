"""How an alert of a kind may end."""

from hub.domain.alerts import OUTCOMES
from hub.services.views.alerts import AlertRow

_TECHNICAL = ("mended", "device", "expected")
_MISSING = ("expected", "device", "technique", "true", "no_contact")
_CLINICAL = ("true", "technique", "device", "expected", "wrong_person", "no_contact")


def outcomes_for(alert: AlertRow) -> list[tuple[str, str]]:
    """(code, words) to choose from, the likeliest first."""
    codes = {"technical": _TECHNICAL, "missing": _MISSING}.get(alert.kind, _CLINICAL)
    return [(code, OUTCOMES[code]) for code in codes if code in OUTCOMES]


def outcome_words(code: str | None) -> str:
    """The words of an outcome."""
    return OUTCOMES.get(code or "", code or "")
