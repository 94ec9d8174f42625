"""Sizes are a smoke alarm: a file or function beyond these does more than one thing."""

import ast
from statistics import median, quantiles

from tests.architecture.tree import name, sources

HARD_CAP, MEDIAN, NINTH_DECILE, FUNCTION = 400, 90, 220, 40

# Written once by the migration tool, never edited afterwards.
SOURCES = [path for path in sources() if "versions" not in path.parts]


def lengths() -> dict[str, int]:
    return {name(path): len(path.read_text().splitlines()) for path in SOURCES}


def test_no_file_is_longer_than_the_cap() -> None:
    assert {path: lines for path, lines in lengths().items() if lines > HARD_CAP} == {}


def test_files_are_short_on_the_whole() -> None:
    counted = [lines for lines in lengths().values() if lines >= 3]
    assert median(counted) <= MEDIAN
    assert quantiles(counted, n=10)[-1] <= NINTH_DECILE


def test_no_function_is_longer_than_a_screen() -> None:
    long = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION:
                    long[f"{name(path)}:{node.lineno} {node.name}"] = lines
    assert long == {}
