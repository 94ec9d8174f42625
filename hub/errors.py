"""Every error the hub raises on purpose.

The class says who must act and whether trying again can help::

    HubError
    ├── Refused              the caller must change something; a page shows the sentence
    │   ├── NotSignedIn      no valid session
    │   ├── NotPermitted     the role does not allow it
    │   ├── NotFound         no such thing (also: not yours)
    │   ├── Conflict         somebody else was first; says who and when
    │   ├── Invalid          fields are wrong; ``fields`` maps each to its sentence
    │   └── Unsafe           a safety rule forbids it; ``rule`` is its id ("SF6")
    ├── Transient            the same call may succeed later
    └── Permanent            the same call will always fail
        ├── WrongSetting     a setting is missing or wrong; the sentence names it and its mend
        ├── WrongMode        the database belongs to another mode
        ├── NoDatabase       there is none where one was: nothing begins anew unasked
        ├── DamagedDatabase  its file is not whole, and is not served
        └── BrokenProtocol   a protocol or check-in file does not say what it must
"""

from collections.abc import Mapping


class HubError(Exception):
    """Base of all errors raised on purpose."""


class Refused(HubError):
    """The caller must change something."""


class NotSignedIn(Refused):
    """No valid session."""


class NotPermitted(Refused):
    """The actor's role does not allow this."""


class NotFound(Refused):
    """No such thing, or not the actor's to see."""


class Conflict(Refused):
    """The state changed since the actor read it."""


class Invalid(Refused):
    """Fields are wrong: ``fields`` maps each field's name to a sentence."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{name}: {why}" for name, why in self.fields.items()))


class Unsafe(Refused):
    """A safety rule forbids this: ``rule`` is its id in ``config/safety/hazards.yaml``."""

    def __init__(self, rule: str, sentence: str) -> None:
        self.rule = rule
        super().__init__(f"{sentence} ({rule})")


class Transient(HubError):
    """The same call may succeed later."""


class Permanent(HubError):
    """The same call will always fail."""


class WrongSetting(Permanent):
    """A setting is missing or wrong; the sentence names it and says how to mend it."""


class WrongMode(Permanent):
    """The database belongs to another mode for ever."""


class NoDatabase(Permanent):
    """There is no database where one should be; the sentence says what may be wrong."""


class DamagedDatabase(Permanent):
    """The database's file is damaged and is not served; the sentence says what to do with it."""


class BrokenProtocol(Permanent):
    """A file that gets signed, a protocol or a check-in, does not say what it must."""
