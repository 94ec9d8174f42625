"""The order and the filters of the worklist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from hub.domain.severity import Severity
from hub.services.views.alerts import AlertRow

_FAR = datetime(9999, 1, 1, tzinfo=UTC)

LANES = (("clinical", "Clinical"), ("missing", "Missing data"), ("technical", "Technical"))


def urgency(alert: AlertRow) -> tuple[bool, datetime, int, datetime, int]:
    """Sorts the worklist: unacknowledged reds, then the next deadline, severity, age; the id keeps it stable."""
    untaken_red = alert.state == "open" and alert.severity is Severity.RED
    deadline = min((at for at in (_page_at(alert), alert.lapses_at) if at is not None), default=_FAR)
    return not untaken_red, deadline, -int(alert.severity), alert.opened_at, alert.id


def worst_first(alert: AlertRow) -> tuple[int, bool, datetime, int]:
    """Sorts the open alerts of one patient: severity, then what nobody has, then age."""
    return -int(alert.severity), alert.state != "open", alert.opened_at, alert.id


def _page_at(alert: AlertRow) -> datetime | None:
    return alert.next_page.at if alert.next_page else None


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked to see, as it stands in the address. Empty is everything."""

    who: str = ""  # mine | unassigned
    severity: str = ""  # red | amber | low
    state: str = ""  # open | acknowledged
    programme: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filters":
        """Filters out of an address; a word that is not known filters nothing."""
        return cls(
            who=_known(query.get("who"), ("mine", "unassigned")),
            severity=_known(query.get("severity"), ("red", "amber", "low")),
            state=_known(query.get("state"), ("open", "acknowledged")),
            programme=query.get("programme", "")[:160],
        )

    def query(self, **changes: str) -> str:
        """The address's query with some filters changed, ``""`` where none is left."""
        kept = {name: changes.get(name, getattr(self, name)) for name in self.__slots__}
        return urlencode({name: value for name, value in kept.items() if value})

    def admits(self, alert: AlertRow, actor_id: int | None) -> bool:
        """Whether a row is to be shown."""
        return (
            _fits_who(self.who, alert, actor_id)
            and self.severity in ("", alert.severity.word)
            and self.state in ("", alert.state)
            and (not self.programme or self.programme in alert.programmes)
        )


def _known(word: str | None, words: tuple[str, ...]) -> str:
    return word if word in words else ""


def _fits_who(who: str, alert: AlertRow, actor_id: int | None) -> bool:
    if who == "mine":
        return alert.owner_id is not None and alert.owner_id == actor_id
    return alert.owner_id is None if who == "unassigned" else True


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter to click: how many rows it would show, and whether it is the one chosen."""

    name: str
    value: str
    words: str
    count: int
    chosen: bool
    query: str


def choices(filters: Filters, alerts: Sequence[AlertRow], actor_id: int | None) -> list[list[Choice]]:
    """Groups of filters, each with the count it would give together with the other filters chosen."""
    programmes = sorted({programme for alert in alerts for programme in alert.programmes})
    groups: list[list[tuple[str, str, str]]] = [
        [("who", "", "Everybody's"), ("who", "mine", "Mine"), ("who", "unassigned", "Nobody has it")],
        [("severity", "", "Any priority")]
        + [("severity", s.word, f"{s.mark} {s.priority}") for s in reversed(Severity)],
        [("state", "", "Any state"), ("state", "open", "Not taken"), ("state", "acknowledged", "Taken")],
        [("programme", "", "Any programme"), *(("programme", name, name) for name in programmes)],
    ]
    return [
        [_choice(filters, name, value, words, alerts, actor_id) for name, value, words in group]
        for group in groups
        if len(group) > 1
    ]


def _choice(
    filters: Filters, name: str, value: str, words: str, alerts: Sequence[AlertRow], actor_id: int | None
) -> Choice:
    query = filters.query(**{name: value})
    changed = Filters(**{**{slot: getattr(filters, slot) for slot in Filters.__slots__}, name: value})
    count = sum(changed.admits(alert, actor_id) for alert in alerts)
    return Choice(name, value, words, count, getattr(filters, name) == value, query)


@dataclass(frozen=True, slots=True)
class Held:
    """Rows to print, and those held back so that nothing moves under the pointer."""

    rows: tuple[AlertRow, ...]
    new: tuple[AlertRow, ...]


def keep_still(alerts: Sequence[AlertRow], shown: Sequence[str]) -> Held:
    """Rows the reader already sees stay where they are; new ones wait behind the bar, worst first.

    With nothing on the page nothing can move: then every row is printed.
    """
    ranked = sorted(alerts, key=urgency)
    if not shown:
        return Held(tuple(ranked), ())
    place = {ref: index for index, ref in enumerate(shown)}
    known = sorted((alert for alert in ranked if alert.ref in place), key=lambda alert: place[alert.ref])
    return Held(tuple(known), tuple(alert for alert in ranked if alert.ref not in place))
