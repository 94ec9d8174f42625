"""The data directory: room, owners, and who may read it."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from hub.adapters.probes import directory
from hub.cli.checks.subject import Subject
from hub.services.checkup.finding import Finding, fine, must, should
from hub.settings import CONFIG, PREFIX, SECRETS

MIB = 1024 * 1024
LEAST, ENOUGH = 100 * MIB, 2048 * MIB
GROUP_AND_OTHERS, OTHERS = 0o077, 0o007


def data_dir(subject: Subject) -> Iterator[Finding]:
    """Whether the hub can write where its data are."""
    place = subject.settings.data
    if not place.exists():
        yield must(f"{place} does not exist.", "The hub has no place for its data.", "rpmhub db upgrade")
        return
    trouble = directory.writes(place)
    if trouble is None:
        yield fine(f"{place} can be written to.")
    else:
        why = "No reading can be stored, so none is acknowledged."
        mend = f"As its owner: sudo -E -u {directory.owner(place)} rpmhub doctor, or RPMHUB_DATA_DIR=…"
        yield must(f"{place} cannot be written to: {trouble}.", why, mend)


def room(subject: Subject) -> Iterator[Finding]:
    """Free space under the data directory."""
    place = subject.settings.data
    if not place.is_dir():
        return
    free = directory.free_bytes(place)
    said = f"{free // MIB} MiB are free under {place}"
    why = "A full disk stops the acknowledgements: readings wait in the gateways, judged by nobody."
    mend = f"Make room: du -xh --max-depth=2 {place}"
    if free < LEAST:
        yield must(f"Only {said}.", why, mend)
    elif free < ENOUGH:
        yield should(f"Only {said}.", why, mend)
    else:
        yield fine(f"{said}.")


def owners(subject: Subject) -> Iterator[Finding]:
    """Whether what is in the directory is its owner's, and we are that owner."""
    place = subject.settings.data
    if not place.is_dir():
        return
    theirs = directory.owner(place)
    for path in directory.of_others(place):
        why = f"A hub that runs as {theirs} cannot open it."
        yield must(f"{path} belongs to {directory.owner(path)}, not to {theirs}.", why, f"chown {theirs} {path}")
    if directory.am_root() and theirs != "root":
        why = f"What a command makes as root is not {theirs}'s: the hub cannot open it."
        yield should(f"This runs as root, the data are {theirs}'s.", why, f"runuser -u {theirs} -- rpmhub doctor")


def secrets(subject: Subject) -> Iterator[Finding]:
    """Who may read the secrets, and the data."""
    place = subject.settings.data
    if not place.is_dir():
        return
    kept = [path for path in sorted((place / "secrets").glob("*")) if directory.mode(path) & GROUP_AND_OTHERS]
    for path in kept:
        why = "Others on this machine can speak as the hub."
        yield must(f"{path} can be read by others ({directory.mode(path):04o}).", why, f"chmod 600 {path}")
    if directory.mode(place) & OTHERS:
        why = "Patients' data lie in it."
        yield must(f"{place} is open to everybody ({directory.mode(place):04o}).", why, f"chmod o= {place}")
    for path in _named(subject):
        if path.exists() and directory.mode(path) & GROUP_AND_OTHERS:
            why = "A secret stands in it."
            yield should(f"{path} can be read by others ({directory.mode(path):04o}).", why, f"chmod 600 {path}")
    if not kept:
        yield fine("The hub's own secrets are readable by nobody else.")


def _named(subject: Subject) -> Iterator[Path]:
    """Files of secrets that settings name, and the settings' own file where a secret stands in it."""
    for name in sorted(SECRETS):
        file = subject.environ.get(f"{PREFIX}{name.upper()}_FILE")
        if file:
            yield Path(file)
    config = subject.environ.get(f"{PREFIX}{CONFIG.upper()}")
    if config and SECRETS & tomllib.loads(Path(config).read_text()).keys():
        yield Path(config)


def site_dir(subject: Subject) -> Iterator[Finding]:
    """The site's own protocols and texts."""
    named = subject.settings.site_dir
    if named and not Path(named).is_dir():
        yield must(f"{named} is no directory.", "Your own protocols are not found.", "RPMHUB_SITE_DIR=…")
