"""Documents that get signed, from YAML files: a site's own directory goes before the shipped one."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import yaml

from hub.errors import BrokenProtocol

Parsed = TypeVar("Parsed")


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


def files_in(directories: Sequence[Path]) -> list[Path]:
    """The files to load. A name found in an earlier directory hides the same name in a later one.

    A directory that does not exist is empty.
    """
    found: dict[str, Path] = {}
    for directory in directories:
        for path in sorted(directory.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return list(found.values())


def load_document(path: Path, parse: Callable[[Mapping[str, object]], Parsed]) -> tuple[dict[str, object], Parsed]:
    """The document as read, which is what gets signed, and what it describes; its ``id`` is the file's name.

    ``BrokenProtocol`` names the file and the place in it.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise BrokenProtocol(f"{path}: cannot be read: {error}") from error
    try:
        parsed = parse(document)
    except BrokenProtocol as error:
        raise BrokenProtocol(f"{path}: {error}") from error
    if document["id"] != path.stem:
        raise BrokenProtocol(f"{path}: id: {document['id']} must be the file's name")
    return document, parsed
