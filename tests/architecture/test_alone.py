"""Each program starts with its own libraries only, and the hub's domain with none."""

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import files, name, pyproject

WITHOUT = """
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"{{name}} is not installed", name=name)

sys.meta_path.insert(0, Absent())
importlib.import_module({module!r}).main
"""


def libraries(*extras: str) -> set[str]:
    project = pyproject()["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def modules(distributions: set[str]) -> set[str]:
    providers = packages_distributions().items()
    return {module for module, names in providers if {canonicalize_name(each) for each in names} & distributions}


@pytest.mark.parametrize(
    ("module", "own", "foreign"),
    [
        ("device_gateway.cli", "gateway", {"hub", "dashboards"}),
        ("hub.cli", "hub", {"device_gateway", "dashboards"}),
    ],
)
def test_a_program_starts_without_the_other(module: str, own: str, foreign: set[str]) -> None:
    others = libraries("hub", "gateway", "demo", "export", "influx", "postgres") - libraries(own) - {"rpmhub"}
    absent = sorted(modules(others) | foreign)
    assert {"flask", "bleak"} & set(absent)
    code = WITHOUT.format(absent=absent, module=module)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_domain_needs_no_library() -> None:
    foreign = []
    for path in files("hub/domain"):
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
                ours = ("hub.domain", "hub.errors")
                foreign += [
                    f"{name(path)}: {module}"
                    for module in names
                    if module.split(".")[0] not in sys.stdlib_module_names and not module.startswith(ours)
                ]
    assert foreign == []
