"""Every place says what it is for, and no place is for everything."""

import re

from tests.architecture.tree import PACKAGES, ROOT, files, name, sources

VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
SECTIONS = ("Context", "Decision", "Consequences")


def test_no_module_has_a_name_that_says_nothing() -> None:
    words = {name(path): set(re.split(r"[/_.]", name(path))) for path in files(*PACKAGES, "tests", "config")}
    assert {path: found & VAGUE for path, found in words.items() if found & VAGUE} == {}


def test_each_program_states_its_rules_in_under_ten_lines() -> None:
    packages = {path.parent for path in sources() if path.name == "__init__.py"}
    outer = sorted(folder for folder in packages if folder.parent == ROOT)
    assert [name(folder) for folder in outer] == sorted(PACKAGES)
    for folder in outer:
        lines = (folder / "README.md").read_text().splitlines()
        assert 0 < len(lines) < 10, name(folder)


def test_each_part_of_the_hub_states_its_rules_in_under_ten_lines() -> None:
    parts = [ROOT / "hub" / part for part in ("domain", "services", "adapters")]
    missing = [name(part) for part in parts if not (part / "README.md").is_file()]
    assert missing == []
    assert [name(part) for part in parts if len((part / "README.md").read_text().splitlines()) >= 10] == []


def test_decisions_are_numbered_without_a_gap_and_say_why() -> None:
    records = [path for path in files("hub/decisions") if path.name != "README.md"]
    assert [path.name[:5] for path in records] == [f"{number:04}-" for number in range(1, len(records) + 1)]
    for path in records:
        headings = re.findall(r"^#+\s+(.+?)\s*$", path.read_text(), re.MULTILINE)
        assert [heading for heading in headings if heading in SECTIONS] == list(SECTIONS), name(path)
