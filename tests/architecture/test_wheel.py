"""The wheel carries both programs, their pages and their data, and runs without the checkout."""

import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, ROOT, files, name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        yield archive


def test_what_it_is_to_carry_is_the_packages() -> None:
    """What is named there and is none is left out without a word."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(PACKAGES)


def test_it_carries_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    assert {name(path) for path in files(*PACKAGES)} - set(wheel.namelist()) == set()


def test_it_carries_the_configuration_of_both_programs(wheel: zipfile.ZipFile) -> None:
    hub = {f"hub/{name(path)}" for path in files("config")}
    gateway = {f"device_gateway/{name(path)}" for path in files("config/wire")}
    assert (hub | gateway) - set(wheel.namelist()) == set()


def test_it_carries_nothing_else(wheel: zipfile.ZipFile) -> None:
    assert {entry.split("/")[0].split("-")[0] for entry in wheel.namelist()} == {*PACKAGES, "rpmhub"}


def test_both_programs_start_from_it_alone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import hub.cli, device_gateway.cli; print(hub.__file__); print(device_gateway.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-P", "-c", code]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert [Path(line).parent.parent for line in ran.stdout.splitlines()] == [tmp_path, tmp_path]
