"""What patients read: one segment with the longest fill-ins, the clinic first, nothing of their body in it."""

from collections.abc import Callable

import pytest

from hub.domain import patient_texts
from hub.domain.gsm7 import gsm7_septets
from hub.domain.patient_texts import Signature

TEXTS = [
    patient_texts.stopped,
    patient_texts.started,
    patient_texts.help_text,
    patient_texts.safety,
    patient_texts.courtesy,
]
LONGEST = Signature("Łódź Home Monitoring and Care of the North", "1" * 20, "2" * 20, "DEMO")
RIVERSIDE = Signature("Riverside Home Care", "911", "5550100")
Write = Callable[[Signature], str]


@pytest.mark.parametrize("write", TEXTS)
def test_every_text_is_one_segment_with_the_longest_fill_ins(write: Write) -> None:
    septets = gsm7_septets(write(LONGEST))
    assert septets is not None
    assert septets <= 160


@pytest.mark.parametrize("write", TEXTS)
def test_every_text_begins_with_the_clinics_name(write: Write) -> None:
    assert write(RIVERSIDE).startswith("Riverside Home Care: ")
    assert write(LONGEST).startswith("DEMO ")


@pytest.mark.parametrize("write", [patient_texts.started, patient_texts.help_text, patient_texts.courtesy])
def test_whoever_is_texted_is_told_how_to_end_it(write: Write) -> None:
    assert "STOP to end" in write(RIVERSIDE)


@pytest.mark.parametrize("write", [patient_texts.safety, patient_texts.courtesy, patient_texts.help_text])
def test_the_emergency_number_is_the_sites_own(write: Write) -> None:
    assert "all 112" in write(Signature("Riverside", "112"))


def test_the_words_of_each() -> None:
    assert patient_texts.stopped(RIVERSIDE) == (
        "Riverside Home Care: you get no more texts from us. Your care goes on. "
        "Questions? Call 5550100. Reply START for texts."
    )
    assert patient_texts.safety(RIVERSIDE) == (
        "Riverside Home Care: if this may be an emergency call 911 now, do not wait for us. "
        "Texts are not watched day and night."
    )


def test_without_a_number_of_the_clinic_nobody_is_told_to_call_it() -> None:
    assert "Questions" not in patient_texts.help_text(Signature("Riverside", "911"))
