"""Codes of what was refused or held, in words."""

TEXT = "inbound_text"
"""The code of a text that cannot be read as one."""

_REFUSED = {
    "undecodable": "It is not readable as a message.",
    "too_large": "It is larger than a message may be.",
    "schema": "It does not have the form of a reading batch.",
    "unknown_metric": "It measures something this hub does not know.",
    "unknown_profile": "It comes from a kind of device this hub does not know.",
    "unknown_unit": "Its unit does not belong to what it measures.",
    "unknown_gateway": "The gateway is not known here.",
    "key_conflict": "The same number came before with other content.",
    "not_a_number": "A value is not a number.",
    "not_for_replay": "A recording may be replayed on a test patient only.",
    "withdrawn": "The patient had withdrawn when it was measured.",
    TEXT: "A text that came in cannot be read as one. It may be a patient's.",
    "crashed": "Reading it stopped the program twice.",
}

_HELD = {
    "unassigned": "Nobody has this device. Whose reading is it?",
    "unknown_device": "This device is not known. Whose is it?",
    "ambiguous": "More than one patient has this device, and it does not say who stood on it.",
    "foreign_gateway": "It came through a gateway this device was not accepted on.",
    "someone_else": "The value does not fit this patient: someone else?",
}


def refused_words(code: str) -> str:
    """Why a message was put in quarantine."""
    return _REFUSED.get(code, code.replace("_", " ").capitalize() + ".")


def held_words(code: str) -> str:
    """Why a reading waits for a person."""
    return _HELD.get(code, code.replace("_", " ").capitalize() + ".")
