"""LOINC codes of what is measured, as US Core Vital Signs and HL7's CGM guide name them. Not every metric has one."""

_CODES = {
    "body_weight": "29463-7",
    "body_fat": "41982-0",
    "oxygen_saturation": "59408-5",
    "blood_glucose": "2339-0",
    "systolic_blood_pressure": "8480-6",
    "diastolic_blood_pressure": "8462-4",
    "body_temperature": "8310-5",
    "pulse_rate": "8867-4",
    "heart_rate": "8867-4",
    "respiratory_rate": "9279-1",
}
_BY_DEVICE = {("pulse_rate", "pulse-oximeter"): "8889-8", ("blood_glucose", "cgm"): "99504-3"}


def loinc(metric: str, profile: str) -> str | None:
    """The code of this metric as this kind of device measures it, or None."""
    return _BY_DEVICE.get((metric, profile), _CODES.get(metric))
