"""Every expected field of every vector in `tests/vectors/ble.json`.

A vector is a payload out of a public project's tests, named by its source, or `synthetic`. Its fields are what the
record says; its `values` and `flags`, where it has them, what the decoder makes of it.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from device_gateway.decoders import decode, glucose_meter, pulse_oximeter, weight_scale
from device_gateway.errors import UndecodableError
from device_gateway.frames import Rejected
from device_gateway.gatt import Float, Special, float32, sfloat
from tests.unit.gateway.parts import record

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "vectors" / "ble.json").read_text())
KG_PER_LB, M_PER_INCH = Decimal("0.45359237"), Decimal("0.0254")


def told(number: Float | None) -> Any:
    return number.value if isinstance(number, Special) else number


def moment(text: str | None) -> str | None:
    try:
        return None if text is None else datetime.fromisoformat(text).isoformat()
    except ValueError:
        return None


def scale(data: bytes) -> dict[str, Any]:
    said = weight_scale.parse(data)
    kg, metre = (KG_PER_LB, M_PER_INCH) if said.pounds else (1, 1)
    return {
        "unit": "lb" if said.pounds else "kg",
        "weight_kg": None if said.weight is None else said.weight * kg,
        "timestamp": moment(said.clock),
        "user": said.user,
        "bmi": said.bmi,
        "height_m": None if said.height is None else said.height * metre,
    }


def meter(data: bytes) -> dict[str, Any]:
    said = glucose_meter.parse(data)
    number = said.concentration if isinstance(said.concentration, Decimal) else None
    return {
        "seq": said.sequence,
        "base_time": moment(said.base_time),
        "time_offset_min": said.time_offset,
        "timestamp": moment(glucose_meter.shown_clock(said)[0]),
        "concentration": told(said.concentration),
        "concentration_unit": "mol/L" if said.molar else "kg/L",
        "glucose_mmol_l": number * 1000 if number is not None and said.molar else None,
        "glucose_mg_dl": number * 100_000 if number is not None and not said.molar else None,
        "type": said.kind,
        "location": said.location,
        "status": sorted(said.status),
        "context_follows": said.context_follows,
    }


def context(data: bytes) -> dict[str, Any]:
    said = glucose_meter.parse_context(data)
    carb_id, carb = said.carbohydrate or (None, None)
    exercise_s, exercise_pct = said.exercise or (None, None)
    medication_id, medication = said.medication or (None, None)
    return {
        "seq": said.sequence,
        "extended_flags": said.extended,
        "carb_id": carb_id,
        "carb_raw": told(carb),
        "meal": said.meal,
        "tester": said.tester,
        "health": said.health,
        "exercise_s": exercise_s,
        "exercise_pct": exercise_pct,
        "medication_id": medication_id,
        "medication_raw": told(medication),
        "medication_unit": "l" if said.medication_litres else "kg",
        "hba1c_pct": told(said.hba1c),
    }


def oximeter(parse: Callable[[bytes], pulse_oximeter.OximeterRecord]) -> Callable[[bytes], dict[str, Any]]:
    def read(data: bytes) -> dict[str, Any]:
        said = parse(data)
        return {
            "spo2_pct": told(said.normal[0]),
            "pulse_bpm": told(said.normal[1]),
            "fast": said.fast and [told(number) for number in said.fast],
            "slow": said.slow and [told(number) for number in said.slow],
            "timestamp": moment(said.clock) if said.clock_set else None,
            "status": sorted(said.status),
            "sensor": sorted(said.sensor),
            "pulse_amplitude_index_pct": told(said.amplitude),
        }

    return read


READ: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "SFLOAT": lambda data: {"value": told(sfloat(data))},
    "FLOAT": lambda data: {"value": told(float32(data))},
    "2A9D": scale,
    "2A18": meter,
    "2A34": context,
    "2A5E": oximeter(pulse_oximeter.parse_spot_check),
    "2A5F": oximeter(pulse_oximeter.parse_continuous),
}
MADE = ("values", "flags")


def vectors(*kinds: str) -> list[Any]:
    chosen = [each for each in VECTORS if each["characteristic"] in kinds]
    return [pytest.param(each, id=f"{each['characteristic']}-{each['hex']}") for each in chosen]


@pytest.mark.parametrize("vector", vectors(*READ))
def test_the_record_says_what_its_vector_says(vector: dict[str, Any]) -> None:
    read, data = READ[vector["characteristic"]], bytes.fromhex(vector["hex"])
    if vector["expected"] == {"error": "rejected"}:
        with pytest.raises(UndecodableError):
            read(data)
        return
    found = read(data)
    for name, value in vector["expected"].items():
        if name not in MADE:
            assert found[name] == (Decimal(str(value)) if isinstance(value, float) else value), name


@pytest.mark.parametrize("vector", [each for each in vectors(*READ) if "values" in each.values[0]["expected"]])
def test_the_decoder_makes_of_it_what_its_vector_says(vector: dict[str, Any]) -> None:
    made = decode(record((vector["characteristic"], vector["hex"])), UTC)

    if isinstance(vector["expected"]["values"], str):
        assert isinstance(made, Rejected)
        assert made.code == vector["expected"]["values"]
        return
    assert not isinstance(made, Rejected)
    values = {each.metric: f"{each.comparator or ''}{each.value}" for each in made.values}
    assert (values, list(made.flags)) == (vector["expected"]["values"], vector["expected"]["flags"])


def test_there_are_as_many_vectors_as_there_were() -> None:
    counted = Counter(each["characteristic"] for each in VECTORS)
    least = {"2A9D": 20, "2A18": 32, "2A34": 8, "2A5E": 36, "2A5F": 5, "2A52": 8, "SFLOAT": 12, "FLOAT": 8}
    assert counted >= Counter(least)
    assert all(each["source"] for each in VECTORS)
