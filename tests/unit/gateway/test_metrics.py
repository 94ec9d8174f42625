import json
from decimal import Decimal
from pathlib import Path

import pytest

from device_gateway.metrics import METRICS, Metric, quantise

TABLE = Path(__file__).parents[3] / "config/wire/metrics.v1.json"


def test_the_table_is_the_contracts() -> None:
    contract = json.loads(TABLE.read_text())["metrics"]

    assert dict(METRICS) == {
        name: Metric(row["unit"], row["low"], row["high"], Decimal(row["resolution"])) for name, row in contract.items()
    }


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("body_weight", "81.404", "81.40"),
        ("systolic_blood_pressure", "120.01", "120.0"),
        ("systolic_blood_pressure", "120.25", "120.2"),
        ("step_count", "7.5", "8"),
    ],
)
def test_quantise_rounds_to_the_metrics_resolution_halves_to_even(metric: str, value: str, expected: str) -> None:
    assert str(quantise(metric, Decimal(value))) == expected


def test_a_difference_of_quantised_values_is_exact() -> None:
    assert quantise("body_weight", Decimal("81.4")) - quantise("body_weight", Decimal("79.0")) == Decimal("2.4")
