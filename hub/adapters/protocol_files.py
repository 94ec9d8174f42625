"""Protocol templates from YAML files: a site's own directory goes before the shipped one."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from hub.domain.protocols import Protocol, parse_protocol
from hub.errors import BrokenProtocol


@dataclass(frozen=True, slots=True)
class Template:
    """A protocol file: the document as read, which is what gets signed, and the protocol it describes."""

    path: Path
    document: dict[str, object]
    protocol: Protocol


class _Loader(yaml.SafeLoader):
    """Safe, and a name that stands twice in one mapping is an error: YAML would silently keep the last limit."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:  # noqa: FBT001, FBT002
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands there twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def load_templates(directories: Sequence[Path]) -> dict[str, Template]:
    """Templates by id. An id found in an earlier directory hides the same id in a later one.

    ``BrokenProtocol`` names the file and the place in it. A directory that does not exist is empty.
    """
    found: dict[str, Template] = {}
    for directory in directories:
        for path in sorted(directory.glob("*.yaml")):
            if path.stem not in found:
                found[path.stem] = load_template(path)
    return found


def load_template(path: Path) -> Template:
    """One file, checked; its name is the protocol's id."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise BrokenProtocol(f"{path}: cannot be read: {error}") from error
    try:
        protocol = parse_protocol(document)
    except BrokenProtocol as error:
        raise BrokenProtocol(f"{path}: {error}") from error
    if protocol.id != path.stem:
        raise BrokenProtocol(f"{path}: id: {protocol.id} must be the file's name")
    return Template(path, document, protocol)
