"""What became of a patient's text that may be an answer."""

from enum import Enum


class Heard(Enum):
    """What ``answer`` did with a text."""

    NOTHING = "nothing"
    """Nobody waits for an answer: the text is somebody else's to handle."""
    UNDERSTOOD = "understood"
    """It is kept as an answer."""
    TAKEN_BACK = "taken_back"
    """It withdrew an answer that is not asked for anew: nobody knows what it should have been until a person asks."""
    ASKED_AGAIN = "asked_again"
    """It is no answer, and the question was put once more."""
    GAVE_UP = "gave_up"
    """It is no answer, and the question is not put again: the text waits for a person."""
