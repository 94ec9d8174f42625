"""A protocol document is a closed schema: what is wrong is named with its place."""

from copy import deepcopy
from typing import Any

import pytest

from hub.domain.protocols import REQUIREMENTS, body_hash, canonical, parse_protocol
from hub.domain.rules import KINDS
from hub.errors import BrokenProtocol
from tests.unit.domain.builders import PROTOCOLS, TEMPLATES

LIMIT = {"severity": "red", "when": ">= 180", "clear": 175}
RULE = {
    "id": "systolic-high",
    "kind": "threshold",
    "problem": "blood-pressure-high",
    "metrics": ["systolic_blood_pressure"],
    "unit": "mm[Hg]",
    "limits": [LIMIT, {"severity": "amber", "when": ">= 160", "clear": 155}],
}
OXYGEN = RULE | {"metrics": ["oxygen_saturation"], "unit": "%"}
WEIGHT = {"id": "w", "kind": "weight_change", "problem": "w", "unit": "kg",
          "changes": [{"severity": "amber", "gain": ">= 1.36", "over": "24 h"}]}  # fmt: skip
ARTEFACT = {"id": "a", "kind": "artefact", "problem": "a", "metrics": ["pulse_rate"],
            "repeated_within": "30 min", "valid_within": "15 min"}  # fmt: skip
GOOD = {"id": "test", "title": "Test", "version": 1, "adult": True, "rules": [RULE, WEIGHT, ARTEFACT]}


def limits(*items: dict[str, Any], rule: dict[str, Any] = RULE) -> dict[str, Any]:
    return {"rules": [rule | {"limits": list(items)}]}


def changed(**changes: Any) -> dict[str, Any]:
    return {"rules": [WEIGHT | {"changes": [{"severity": "amber", "gain": ">= 1.36", "over": "24 h"} | changes]}]}


def test_what_is_right_is_parsed() -> None:
    protocol = parse_protocol(GOOD, signed_by="Dr Example")
    assert [rule.kind for rule in protocol.rules] == ["threshold", "weight_change", "artefact"]
    assert (protocol.id, protocol.version, protocol.adult, protocol.signed_by) == ("test", 1, True, "Dr Example")
    assert parse_protocol(GOOD) == parse_protocol(deepcopy(GOOD))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"id": "Heart Failure"}, "id: 'Heart Failure' must be lower-case"),
        ({"title": ""}, "title: must be text"),
        ({"version": "1"}, "version: must be a whole number"),
        ({"version": True}, "version: must be a whole number"),
        ({"version": 0}, "version: must be a whole number"),
        ({"adult": "yes"}, "adult: must be true or false"),
        ({"requires": ["dry_wait"]}, "requires[0]: 'dry_wait' is not known"),
        ({"author": "x"}, "author: is not known"),
        ({"rules": []}, "rules: must be a list with at least one item"),
        ({"rules": {}}, "rules: must be a list"),
        ({"rules": ["x"]}, "rules[0]: must be a mapping"),
        ({"rules": [{1: 2}]}, "rules[0]: the name 1 must be text"),
        ({"rules": [RULE, RULE]}, "rules[1].id: systolic-high stands there twice"),
        ({"rules": [RULE | {"kind": "treshold"}]}, "rules[0].kind: 'treshold' is not known"),
        ({"rules": [RULE | {"problm": "x"}]}, "rules[0].problm: is not known; did you mean problem?"),
        ({"rules": [{**RULE, "unit": "kPa"}]}, "rules[0].unit: systolic_blood_pressure is kept in mm[Hg] (mmHg)"),
        ({"rules": [{k: v for k, v in RULE.items() if k != "unit"}]}, "rules[0].unit: is missing"),
        ({"rules": [RULE | {"metrics": ["sys"]}]}, "rules[0].metrics[0]: 'sys' is not known"),
        ({"rules": [RULE | {"remember": "0 h"}]}, "rules[0].remember: must be a duration"),
        (limits(LIMIT | {"when": "=> 180"}), "rules[0].limits[0].when: must be a comparison"),
        (limits(LIMIT | {"when": 180}), "rules[0].limits[0].when: must be text"),
        (limits(LIMIT | {"severity": "yellow"}), "rules[0].limits[0].severity: 'yellow' is not known"),
        (limits(LIMIT | {"when": ">= 24"}), "rules[0].limits[0].when: 24 mmHg is nothing Systolic can be"),
        (limits(LIMIT | {"clear": "175"}), "rules[0].limits[0].clear: must be a number"),
        (limits(LIMIT | {"clear": float("nan")}), "rules[0].limits[0].clear: must be a finite number"),
        (limits(LIMIT | {"clear": True}), "rules[0].limits[0].clear: must be a number"),
        (limits(LIMIT | {"clear": 185}), "rules[0].limits[0].clear: 185 is on the wrong side of >= 180"),
        (limits(LIMIT | {"clear": 180}), "rules[0].limits[0].clear: 180 is on the wrong side of >= 180"),
        (limits({"severity": "red", "when": "< 91", "clear": 90}), "rules[0].limits[0].clear: 90 is on the wrong side"),
        (
            limits(LIMIT, {"severity": "amber", "when": ">= 190"}),
            "rules[0].limits[0].when: red >= 180 is less extreme than amber >= 190",
        ),
        (limits(LIMIT, {"severity": "amber", "when": "> 180"}), "rules[0].limits[0].when: red >= 180 is less extreme"),
        (
            limits({"severity": "red", "when": "< 95"}, {"severity": "low", "when": "< 91"}),
            "rules[0].limits[0].when: red < 95 is less extreme than low < 91",
        ),
        (
            limits(
                {"severity": "red", "when": "< 95", "only_if": {"oxygen_target": "88-92"}},
                {"severity": "amber", "when": "< 91", "only_if": {"oxygen_target": ["unset", "88-92"]}},
                rule=OXYGEN,
            ),
            "rules[0].limits[0].when: red < 95 is less extreme than amber < 91",
        ),
        (
            limits(LIMIT | {"n_of_m": {"n": 2, "of": 3, "within": "7 d"}}),
            "rules[0].limits[0].n_of_m: red never waits",
        ),
        (
            limits({"severity": "low", "when": "> 90", "n_of_m": {"n": 4, "of": 3, "within": "7 d"}}),
            "rules[0].limits[0].n_of_m: 4 of 3 can never be reached",
        ),
        (
            limits({"severity": "low", "when": "> 90", "clear": 80, "n_of_m": {"n": 2, "of": 3, "within": "7 d"}}),
            "rules[0].limits[0].clear: goes with a single reading",
        ),
        (limits(LIMIT | {"only_if": {}}), "rules[0].limits[0].only_if: names no fact"),
        (limits(LIMIT | {"only_if": {"insulin": True}}), "rules[0].limits[0].only_if.insulin: is not known"),
        (
            limits(LIMIT | {"only_if": {"oxygen_target": "90-94"}}),
            "rules[0].limits[0].only_if.oxygen_target: '90-94' is not known",
        ),
        (limits(LIMIT | {"if_unknown": "low"}), "rules[0].limits[0].if_unknown: needs an only_if"),
        (
            limits(
                {"severity": "low", "when": ">= 97", "only_if": {"oxygen_state": "oxygen"}, "if_unknown": "red"},
                rule=OXYGEN,
            ),
            "rules[0].limits[0].if_unknown: must not be worse",
        ),
        (limits(LIMIT | {"when": ">= floor"}), "rules[0].limits[0].clear: must stand on the floor"),
        (
            limits({"severity": "red", "when": "< floor + 1"}, rule=OXYGEN),
            "rules[0].limits[0].when: floor stands only for SpO2",
        ),
        (changed(gain="1.36"), "rules[0].changes[0].gain: must be a comparison"),
        (changed(gain=">= 0"), "rules[0].changes[0].gain: must be a comparison"),
        (changed(loss=">= 2"), "rules[0].changes[0]: needs either gain or loss"),
        (changed(over="12 h"), "rules[0].changes[0].over: must be at least 24 h"),
        (changed(**{"from": "birth"}), "rules[0].changes[0].from: 'birth' is not known"),
        ({"rules": [WEIGHT | {"unit": "[lb_av]"}]}, "rules[0].unit: weights are kept in kg"),
        (
            {"rules": [ARTEFACT | {"page_implausible": ["body_weight"]}]},
            "rules[0].page_implausible[0]: 'body_weight' is not known; one of pulse_rate",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BrokenProtocol) as raised:
        parse_protocol(GOOD | change)
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize("document", [None, [], "heart-failure", 1])
def test_a_document_is_a_mapping(document: Any) -> None:
    with pytest.raises(BrokenProtocol, match="document: must be a mapping"):
        parse_protocol(document)


@pytest.mark.parametrize("name", ["id", "title", "version", "adult", "rules"])
def test_every_needed_name_is_asked_for(name: str) -> None:
    with pytest.raises(BrokenProtocol, match=f"{name}: is missing"):
        parse_protocol({key: value for key, value in GOOD.items() if key != name})


def test_limits_of_different_patients_are_not_held_against_each_other() -> None:
    parse_protocol(GOOD | limits(
        {"severity": "red", "when": "< 93", "only_if": {"oxygen_target": "94-98"}},
        {"severity": "amber", "when": "< 88", "only_if": {"oxygen_target": "88-92"}},
        rule=OXYGEN,
    ))  # fmt: skip


def test_the_hash_is_of_the_meaning_not_of_the_order() -> None:
    assert body_hash({"b": 1, "a": [1.36, "°"]}) == body_hash({"a": [1.36, "°"], "b": 1})
    assert body_hash({"a": [1, 2]}) != body_hash({"a": [2, 1]})
    assert canonical({"b": 1, "a": "°"}) == '{"a":"°","b":1}'.encode()


@pytest.mark.parametrize("value", [float("inf"), {1, 2}])
def test_what_json_cannot_say_cannot_be_signed(value: Any) -> None:
    with pytest.raises(BrokenProtocol, match="document: cannot be signed"):
        canonical({"a": value})


def test_what_the_shipped_protocols_ask_for() -> None:
    assert PROTOCOLS["heart-failure"].requires == {"dry_weight"}
    assert PROTOCOLS["copd"].requires == {"oxygen_target"}
    for name, protocol in PROTOCOLS.items():
        assert protocol.adult
        assert protocol.signed_by is None
        assert protocol.slots
        assert protocol.requires <= set(REQUIREMENTS)
        assert {rule.kind for rule in protocol.rules} <= set(KINDS)
        assert len(body_hash(TEMPLATES[name].document)) == 64
