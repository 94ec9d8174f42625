"""The hazard log is complete, and every control that it calls built is proven by a test that exists."""

import ast
from typing import Any

import pytest
import yaml

from tests.architecture.tree import ROOT

LOG: list[dict[str, Any]] = yaml.safe_load((ROOT / "config" / "safety" / "hazards.yaml").read_text())["hazards"]


def nodes_of(path: str) -> set[str]:
    """Node names below the file: `test_x`, `TestY::test_z`."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):  # a state machine's test case
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
            found |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return found


def test_no_rule_is_without_its_entry() -> None:
    assert [entry["id"] for entry in LOG] == [f"SF{number}" for number in range(1, 23)]


@pytest.mark.parametrize("entry", LOG, ids=lambda entry: entry["id"])
def test_an_entry_says_all(entry: dict[str, Any]) -> None:
    assert set(entry) - {"open"} == {"id", "hazard", "cause", "control", "status", "tests"}
    assert all(isinstance(entry[field], str) and entry[field].strip() for field in ("hazard", "cause", "control"))
    assert entry["status"] in {"built", "part", "planned"}
    assert bool(entry["tests"]) == (entry["status"] != "planned"), "what is claimed names the test that proves it"
    assert bool(entry.get("open")) == (entry["status"] == "part"), "what is built in part says what is open"


@pytest.mark.parametrize("entry", LOG, ids=lambda entry: entry["id"])
def test_every_named_test_exists(entry: dict[str, Any]) -> None:
    for node in entry["tests"]:
        path, _, test = node.partition("::")
        assert (ROOT / path).is_file(), node
        assert test.partition("[")[0] in nodes_of(path), node
