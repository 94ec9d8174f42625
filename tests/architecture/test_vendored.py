"""Files of other projects are the ones their README names, unchanged, each with its licence."""

import hashlib
import re

from tests.architecture.tree import VENDOR

ROW = re.compile(r"^\| (\S+) \| \S+ \| [\d.]+ \| \S+ \| ([0-9a-f]{64}) \|$", re.MULTILINE)


def test_each_file_is_the_one_that_is_listed() -> None:
    listed = dict(ROW.findall((VENDOR / "README.md").read_text()))
    served = [path for path in VENDOR.iterdir() if path.suffix in {".js", ".css"}]
    assert listed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in served}


def test_each_file_has_its_licence() -> None:
    for path in VENDOR.iterdir():
        if path.suffix in {".js", ".css"}:
            project = re.split(r"[.-]", path.name)[0]
            assert "Permission" in (VENDOR / f"{project}.LICENSE").read_text(), path.name
