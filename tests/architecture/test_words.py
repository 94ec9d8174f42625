"""The files speak of the product: not of the machine, the registry or the tools they were made with."""

import re

from tests.architecture.tree import PACKAGES, ROOT, VENDOR, files, name

# Written so that this file does not match itself.
FOREIGN = {
    "a path of one machine": r"(?<![\w.])/(?:work|root|home/\w+|opt/(?:pypi|wheels))\b/?",
    "a package registry": r"\b(?:pypi|pythonhosted|npmjs)\.(?:org|com|io)\b",
    "an index of packages": r"(?<!no-emit-)\bindex[-_]url\b|\bfind[-_]links\b",
    "an issue's number": r"(?i)\bissue #\d",
    "a writing tool": r"(?i)\b(?:chat[g]pt|cl[a]ude|copil[o]t|ll[m])\b|\ba[i][- ](?:generated|written)\b",
}
TOP = (".gitignore", "LICENSE", "README.md", "pyproject.toml")


def test_no_file_speaks_of_where_or_how_it_was_made() -> None:
    found = []
    for path in [*files(*PACKAGES, "tests", "config", ".ci"), *(ROOT / top for top in TOP)]:
        if VENDOR in path.parents or path.suffix == ".png":  # the bytes of a picture spell anything
            continue
        text = path.read_bytes().decode(errors="replace")
        for what, pattern in FOREIGN.items():
            found += [f"{name(path)}: {what}: {match.group()!r}" for match in re.finditer(pattern, text)]
    assert found == []
