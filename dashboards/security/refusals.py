"""Refusals as answers: the status, and the sentence that a person reads."""

from dataclasses import dataclass, field

from hub.errors import Conflict, Invalid, NotFound, NotPermitted, NotSignedIn, Refused, Unsafe

_STATUS: tuple[tuple[type[Refused], int], ...] = (
    (NotSignedIn, 401),
    (NotPermitted, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Unsafe, 409),
    (Invalid, 422),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the page says about an act that was refused. ``fields`` maps a form's field to its sentence."""

    status: int
    sentence: str
    fields: dict[str, str] = field(default_factory=dict)


def refusal(error: Refused) -> Refusal:
    """The answer to a refused act."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    if isinstance(error, Invalid):
        return Refusal(status, "Please mend what is marked.", error.fields)
    return Refusal(status, sentence(str(error)))


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    if not text:
        return "This cannot be done now."
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?)" else ".")
