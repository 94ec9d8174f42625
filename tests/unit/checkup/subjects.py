"""What checks are given, and how their findings are read."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import make_engine
from hub.bootstrap import PRODUCTION, open_database
from hub.cli.checks.subject import Subject
from hub.services.checkup.finding import Finding, Need
from hub.services.ports.base import Clock
from hub.settings import Settings

NOW = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)


def subject(
    folder: Path,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    within_s: int = 2,
    **given: Any,
) -> Subject:
    """A hub whose data are in the folder."""
    settings = Settings(**({"data_dir": str(folder)} | given))
    return Subject(settings, environ or {}, clock or SystemClock(), token="a-token-of-tests", within_s=within_s)


def made(folder: Path, mode: str = PRODUCTION) -> Path:
    """A new database, as ``rpmhub db upgrade`` makes it; its file."""
    open_database(Settings(data_dir=str(folder)), mode)
    file = folder / "hub.sqlite3"
    make_engine(f"sqlite:///{file}", checkpoints=True).dispose()
    return file


def wrong(findings: Iterable[Finding]) -> list[tuple[Need, str]]:
    """What is to be mended; each says why, and how."""
    found = [one for one in findings if one.need is not Need.FINE]
    assert all(one.why and one.mend for one in found)
    return [(one.need, one.what) for one in found]


def only(findings: Iterable[Finding]) -> Finding:
    """The one finding that is not fine."""
    (one,) = [one for one in findings if one.need is not Need.FINE]
    assert one.why
    return one
