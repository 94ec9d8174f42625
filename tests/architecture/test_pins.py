"""What is installed is pinned by hash, and the pins name no place to fetch from."""

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT, pyproject

EVERYTHING = ROOT / "config" / "constraints.txt"
DEMO = ROOT / "config" / "deploy" / "demo.txt"
NPM = ROOT / "tests" / "npm"


def entries(path: Path) -> list[str]:
    """One string for each pin: the requirement and its hashes, as pip reads them."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip()]


def pins(path: Path) -> list[Requirement]:
    return [Requirement(entry.split("--hash=")[0]) for entry in entries(path)]


def wanted(extra: str) -> list[Requirement]:
    """What an extra asks for, with what the extras it names ask for, the base, and the build backend."""
    project = pyproject()["project"]
    found = [*project["dependencies"], *pyproject()["build-system"]["requires"]]
    found += project["optional-dependencies"][extra]
    requirements = [Requirement(line) for line in found]
    inner = [name for requirement in requirements if requirement.name == "rpmhub" for name in requirement.extras]
    own = [requirement for requirement in requirements if requirement.name != "rpmhub"]
    return own + [requirement for name in inner for requirement in wanted(name)]


@pytest.mark.parametrize("path", [EVERYTHING, DEMO], ids=lambda path: path.name)
def test_each_pin_is_one_version_with_hashes(path: Path) -> None:
    for entry, pin in zip(entries(path), pins(path), strict=True):
        assert [part.operator for part in pin.specifier] == ["=="], entry[:60]
        assert re.findall(r"--hash=(\w+):[0-9a-f]{64}\b", entry), entry[:60]


@pytest.mark.parametrize("path", [EVERYTHING, DEMO], ids=lambda path: path.name)
def test_the_pins_name_no_place(path: Path) -> None:
    options = [line for line in path.read_text().splitlines() if re.match(r"\s*-(?!-hash=)", line)]
    assert options == []
    assert re.findall(r"\w+://|file:|\bvia\b.*/", path.read_text()) == []


@pytest.mark.parametrize(("path", "extra"), [(EVERYTHING, "test"), (DEMO, "demo")], ids=["test", "demo"])
def test_all_that_is_asked_for_is_pinned_at_a_version_that_will_do(path: Path, extra: str) -> None:
    pinned = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins(path)}
    for requirement in wanted(extra):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not pinned: run tests/pin"
        assert requirement.specifier.contains(version), f"{requirement} is pinned at {version}: run tests/pin"


def test_the_demo_runs_on_the_versions_that_are_tested() -> None:
    assert set(map(str, pins(DEMO))) <= set(map(str, pins(EVERYTHING)))


def test_npm_packages_are_pinned_by_content_and_name_no_place() -> None:
    lock = json.loads((NPM / "package-lock.json").read_text())["packages"]
    asked = json.loads((NPM / "package.json").read_text())["dependencies"]
    assert lock.pop("")["dependencies"] == asked, "run tests/npm/pin"
    assert [name for name in asked if lock[f"node_modules/{name}"]["version"] != asked[name]] == []
    assert [name for name, package in lock.items() if "integrity" not in package] == []
    assert [name for name, package in lock.items() if "resolved" in package] == []


def test_of_the_package_that_is_only_read_nothing_else_is_installed() -> None:
    lock = json.loads((NPM / "package-lock.json").read_text())["packages"]
    assert lock["node_modules/@twilio/cli-core"].keys() == {"version", "integrity", "license"}, "run tests/npm/pin"
