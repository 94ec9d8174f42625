"""Every text there is, with the longest fill-ins: one segment, nothing of a patient in it, no foreign link (S11)."""

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType

import pytest

from hub.domain import checkin_texts, patient_texts, texts
from hub.domain.patient_texts import Signature
from hub.domain.text_lint import EXAMPLE, RESERVED, faults, reserved
from hub.domain.texts import LONGEST_CLINIC, Clinic
from tests.scenario.talks import SHIPPED
from tests.unit.alerting.test_texts import LONG as OF_STAFF
from tests.unit.alerting.test_texts import LONGEST as STAFF_CLINIC

NAME, EMERGENCY, PHONE = "W" * LONGEST_CLINIC, "9" * 20, "5" * 20
CLINIC = Clinic(NAME, "UTC", "https://rpm.example.org", "DEMO")
SIGNED = Signature(NAME, EMERGENCY, PHONE, "DEMO")
NUMBERS = (EMERGENCY, PHONE)
TO_PATIENTS: dict[str, Callable[[], str]] = {
    "stopped": lambda: patient_texts.stopped(SIGNED),
    "started": lambda: patient_texts.started(SIGNED),
    "help_text": lambda: patient_texts.help_text(SIGNED),
    "safety": lambda: patient_texts.safety(SIGNED),
    "courtesy": lambda: patient_texts.courtesy(SIGNED),
}
OF_CHECKINS: dict[str, Callable[[], str]] = {
    "question": lambda: checkin_texts.question(CLINIC, EMERGENCY, "{clinic}: 1 or 2? Call {emergency}.", first=True),
    "saved": lambda: checkin_texts.saved(CLINIC),
    "saved_and_looked_at": lambda: checkin_texts.saved_and_looked_at(CLINIC, EMERGENCY),
    "taken_back": lambda: checkin_texts.taken_back(CLINIC),
}
ASKED = {
    f"{name}.{step.id}.{which}": (template, which == "ask" and step is template_file.checkin.steps[0], step.choices)
    for name, template_file in SHIPPED.items()
    for step in template_file.checkin.steps
    for which, template in (("ask", step.ask), ("ask_again", step.ask_again))
}


def public(module: ModuleType) -> set[str]:
    """Functions that write a text, by introspection: a new one without an example fails."""
    return {
        name
        for name, found in inspect.getmembers(module, inspect.isfunction)
        if found.__module__ == module.__name__ and not name.startswith("_") and found.__annotations__["return"] is str
    }


@pytest.mark.parametrize(
    ("module", "examples", "others"),
    [(texts, OF_STAFF, {"age_words"}), (patient_texts, TO_PATIENTS, set()), (checkin_texts, OF_CHECKINS, set())],
)
def test_every_function_has_an_example(
    module: ModuleType, examples: Mapping[str, Callable[[], str]], others: set[str]
) -> None:
    assert public(module) - others == set(examples)


@pytest.mark.parametrize("name", sorted(OF_STAFF))
def test_texts_to_staff(name: str) -> None:
    assert faults(OF_STAFF[name](), own_link=STAFF_CLINIC.public_url, names=(STAFF_CLINIC.short,)) == []


@pytest.mark.parametrize("name", sorted(TO_PATIENTS))
def test_texts_to_patients(name: str) -> None:
    assert faults(TO_PATIENTS[name](), to_patient=True, numbers=NUMBERS, names=(NAME,)) == []


@pytest.mark.parametrize("name", sorted(OF_CHECKINS))
def test_texts_of_check_ins(name: str) -> None:
    assert faults(OF_CHECKINS[name](), to_patient=True, numbers=NUMBERS, names=(NAME,)) == []


@pytest.mark.parametrize("name", sorted(ASKED))
def test_what_shipped_check_ins_ask(name: str) -> None:
    template, first, choices = ASKED[name]
    text = checkin_texts.question(CLINIC, EMERGENCY, template, first=first)
    assert faults(text, to_patient=True, numbers=(*NUMBERS, *(one.digit for one in choices)), names=(NAME,)) == []
    assert text.endswith("STOP to end.") == first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Riverside: your glucose is high", '"glucose" tells'),
        ("Riverside: your Blood  Pressure", '"Blood" tells'),
        ("Take your insulin now", '"insulin" tells'),
        ("Diabetes care", '"Diabetes" tells'),
        ("Heart failure clinic", '"Heart" tells'),
        ("SpO2 please", '"SpO2" tells'),
        ("Weigh yourself: weight?", '"weight" tells'),
        ("Last was 140/90", "140/90 looks like a value"),
        ("Last was 98", "98 looks like a value"),
        ("Last was 7.2", "7.2 looks like a value"),
        ("Last was 5 kg", "5 kg looks like a value"),
        ("Call 5550100", "5550100 looks like a value"),
        ("See https://bit.ly/x", "https://bit.ly/x is a link"),
        ("See www.example.com", "www.example.com is a link"),
        ("See example.com/a", "example.com/a is a link"),
        ("See https://rpm.example.org.evil.net/a", "is a link to somewhere else"),
        ("▲ now", "▲ is no letter"),
        ("x" * 161, "it takes 161 of the 160"),
        ("[" * 81, "it takes 162 of the 160"),
    ],
)
def test_what_is_wrong_is_found(text: str, said: str) -> None:
    assert any(said in fault for fault in faults(text, to_patient=True, own_link="https://rpm.example.org"))


@pytest.mark.parametrize(
    "text",
    [
        f"Reply like {EXAMPLE}, or 9 if you cannot",
        "Rest 5 minutes, then measure again in 15 min",
        "Nobody is watching readings until 08:00. Call 5550100 or 911",
        "Chest pain, hard to breathe or very unwell? Call 911 now",
        "Open https://rpm.example.org/a/K7Q2.",
        "How is your breathing today? Reply 1 as usual, 2 a bit worse, 3 much worse",
    ],
)
def test_what_is_right_is_let_through(text: str) -> None:
    own = "https://rpm.example.org/"
    assert faults(text, to_patient=True, own_link=own, numbers=("5550100", "911")) == []


def test_words_that_mean_something_by_themselves() -> None:
    assert all(reserved(word.upper()) for word in RESERVED)
    assert reserved(" Opt  Out! ")
    assert not any(reserved(word) for word in ("as usual", "stopping", "1", "no", "ended"))
