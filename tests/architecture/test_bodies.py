"""Every word that leaves as a text is written in the modules of texts, where each is measured and linted."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, name, sources

MODULES = {"texts", "patient_texts", "checkin_texts"}
"""In ``hub.domain``."""
CARRIERS = {"NewMessage", "NewText", "Answer", "_Answer"}
"""What holds the body of a text on its way out, in its field ``body``."""
FIRST = {"_Answer": 0, "NewText": 1}
"""Where ``body`` stands if it is not named."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Place:
    """A piece of code and the function it stands in."""

    module: ast.Module
    function: Function


def callee(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


class Bodies:
    """Where bodies come from, across all modules of the hub."""

    def __init__(self, trees: dict[str, ast.Module]) -> None:
        self.places: list[tuple[str, Place, ast.Call]] = []
        self.functions: dict[str, list[tuple[ast.Module, Function]]] = {}
        for path, module in trees.items():
            for function in ast.walk(module):
                if isinstance(function, Function):
                    self.functions.setdefault(function.name, []).append((module, function))
                    for node in ast.walk(function):
                        if isinstance(node, ast.Call):
                            self.places.append((path, Place(module, function), node))

    def loose(self) -> list[str]:
        """Carriers whose body is not known to come from the modules of texts."""
        found = []
        for path, place, call in self.places:
            if callee(call) in CARRIERS:
                body = argument(call, "body", FIRST.get(callee(call)))
                if body is not None and not self.from_texts(body, place, frozenset()):
                    found.append(f"{path}:{call.lineno}")
        return found

    def from_texts(self, node: ast.expr, place: Place, seen: frozenset[str]) -> bool:
        match node:
            case ast.IfExp():
                return self.from_texts(node.body, place, seen) and self.from_texts(node.orelse, place, seen)
            case ast.Call():
                return self._call(node, place, seen)
            case ast.Attribute(value=ast.Name(id=owner), attr="body"):
                return self._type_of(owner, place) in CARRIERS
            case ast.Attribute(value=ast.Name(id=owner)):
                return owner in MODULES  # the writer itself, for another to call
            case ast.Name():
                return self._name(node.id, place, seen)
        return False

    def _call(self, call: ast.Call, place: Place, seen: frozenset[str]) -> bool:
        if isinstance(call.func, ast.Attribute):
            return isinstance(call.func.value, ast.Name) and call.func.value.id in MODULES
        named = callee(call)
        if imported_from_texts(place.module, named):
            return True
        if parameter(place.function, named) is not None:
            return self._name(named, place, seen)
        theirs = [one for module, one in self.functions.get(named, []) if module is place.module]
        returned = [(one, node.value) for one in theirs for node in ast.walk(one) if isinstance(node, ast.Return)]
        return bool(returned) and all(
            value is not None and self.from_texts(value, Place(place.module, one), seen) for one, value in returned
        )

    def _name(self, named: str, place: Place, seen: frozenset[str]) -> bool:
        assigned = [
            node.value for node in ast.walk(place.function) if isinstance(node, ast.Assign) and targets(node, named)
        ]
        index = parameter(place.function, named)
        if index is None:
            return bool(assigned) and all(self.from_texts(value, place, seen) for value in assigned)
        key = f"{place.function.name}:{named}"
        if key in seen:
            return True
        given = [
            (argument(call, named, index), where)
            for _, where, call in self.places
            if callee(call) == place.function.name
            and (where.module is place.module or not place.function.name.startswith("_"))
        ]
        return bool(given) and all(
            value is not None and self.from_texts(value, where, seen | {key}) for value, where in given
        )

    def _type_of(self, named: str, place: Place) -> str | None:
        for one in (*place.function.args.args, *place.function.args.kwonlyargs):
            if one.arg == named and isinstance(one.annotation, ast.Name):
                return one.annotation.id
        for node in ast.walk(place.function):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and targets(node, named):
                found = self.functions.get(callee(node.value), [])
                returns = {
                    one.returns.id
                    for module, one in found
                    if module is place.module and isinstance(one.returns, ast.Name)
                }
                return returns.pop() if len(returns) == 1 else None
        return None


def targets(node: ast.Assign, named: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == named for target in node.targets)


def argument(call: ast.Call, named: str, index: int | None) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == named:
            return keyword.value
    return call.args[index] if index is not None and index < len(call.args) else None


def parameter(function: Function, named: str) -> int | None:
    names = [one.arg for one in function.args.args]
    return names.index(named) if named in names else None


def imported_from_texts(module: ast.Module, named: str) -> bool:
    return any(
        node.module in {f"hub.domain.{one}" for one in MODULES} and any(alias.name == named for alias in node.names)
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
    )


def trees(paths: list[Path]) -> dict[str, ast.Module]:
    return {name(path): ast.parse(path.read_text()) for path in paths}


def test_every_body_comes_from_the_modules_of_texts() -> None:
    hub = [path for path in sources() if path.is_relative_to(ROOT / "hub")]
    bodies = Bodies(trees(hub))
    assert sum(callee(call) in CARRIERS for _, _, call in bodies.places) >= 10
    assert bodies.loose() == []


LOOSE = {
    "a literal": 'def f(): NewText("checkin", "Your glucose is high", "d", 1, 2)',
    "a format": 'def f(v): NewMessage(dedupe="d", body=f"{v} mg/dL")',
    "a sum": 'def f(v): NewMessage(body=texts.page(v) + " now")',
    "whatever a caller gives": 'def f(b): NewMessage(body=b)\ndef g(): f("hello")',
    "nobody's parameter": "def f(b): NewMessage(body=b)",
    "the patient's own text": "def f(text: InboundText): NewMessage(body=text.body)",
    "one branch of two": 'def f(v):\n    body = texts.page(v)\n    if v: body = "x"\n    Answer(body=body)',
    "what a function returns": 'def f(): Answer(body=g())\ndef g(): return "x"',
}


@pytest.mark.parametrize("source", LOOSE.values(), ids=list(LOOSE))
def test_what_is_written_elsewhere_is_found(source: str) -> None:
    assert len(Bodies({"x.py": ast.parse(source)}).loose()) == 1


@pytest.mark.parametrize(
    "source",
    [
        "def f(v): NewMessage(body=texts.page(v))",
        "from hub.domain.checkin_texts import saved\ndef f(v): Answer(body=saved(v))",
        "def f(b): NewMessage(body=b)\ndef g(v): f(texts.over(v))",
        "def f(words): Answer(body=words(1))\ndef g(): f(patient_texts.stopped)",
        "def f(text: NewText): NewMessage(body=text.body)",
        "def f(v): _Answer(texts.page(v) if v else texts.over(v), None)",
        "def f(): Answer(body=g())\ndef g():\n    return texts.page(1)",
        "def f():\n    found = g()\n    NewMessage(body=found.body)\ndef g() -> _Answer: return _Answer(texts.over(1))",
    ],
)
def test_what_comes_from_there_is_let_through(source: str) -> None:
    assert Bodies({"x.py": ast.parse(source)}).loose() == []
