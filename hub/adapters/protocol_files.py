"""Protocol templates from YAML files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.adapters.yaml_files import files_in, load_document
from hub.domain.protocols import Protocol, parse_protocol


@dataclass(frozen=True, slots=True)
class Template:
    """A protocol file: the document as read, which is what gets signed, and the protocol it describes."""

    path: Path
    document: dict[str, object]
    protocol: Protocol


def load_templates(directories: Sequence[Path]) -> dict[str, Template]:
    """Templates by id; a site's own directory goes first. ``BrokenProtocol`` names the file and the place in it."""
    return {path.stem: load_template(path) for path in files_in(directories)}


def load_template(path: Path) -> Template:
    """One file, checked; its name is the protocol's id."""
    document, protocol = load_document(path, parse_protocol)
    return Template(path, document, protocol)
