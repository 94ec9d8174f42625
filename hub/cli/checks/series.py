"""The copy of the series, where there is one: whether it can be asked, and how far behind it is."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

from hub.bootstrap import series_copy
from hub.cli.checks.subject import Subject
from hub.errors import Transient, WrongSetting
from hub.services.checkup.finding import Finding, fine, must, should

SLOWER = "Charts are drawn from the hub's own series until then, and look the same."


def copied(subject: Subject) -> Iterator[Finding]:
    """A question that needs the token and the bucket. Nothing is written."""
    place = subject.settings.series
    if place is None:
        return
    where = urlsplit(place.url)
    if where.scheme == "http" and where.hostname not in {"127.0.0.1", "::1", "localhost"}:
        why = "Readings and the token cross the network in clear."
        mend = "RPMHUB_SERIES_URL=influxdb+https://…"
        yield must(f"InfluxDB at {where.hostname} is spoken to without TLS.", why, mend)
    try:
        copy = series_copy(subject.settings, subject.within_s)
    except WrongSetting as error:
        yield must(str(error), "The worker does not start.", "pip install 'rpmhub[hub,influx]'")
        return
    if copy is None:
        return
    with closing(copy):
        try:
            mark = copy.mark()
        except Transient as error:
            yield should(
                f"The copy of the series at {place.url} cannot be asked: {error}.", SLOWER, "RPMHUB_SERIES_URL=…"
            )
            return
    if mark is None:
        yield fine(f"InfluxDB at {place.url} answers; nothing is copied into it yet.")
    else:
        yield fine(f"InfluxDB at {place.url} holds a copy of the series.")
