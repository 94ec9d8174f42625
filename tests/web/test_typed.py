"""A blood pressure that a patient typed, from the text to every page that shows it, and taken back again."""

import csv
import io
import json
import re

from hub.services.incoming.keeping import keep_text
from tests.web.people import Person
from tests.web.talk import Talk
from tests.web.ward import Ward, Watched

GITA = "+15555550117"


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("( ", "(").replace(" )", ")")


def _types(ward: Ward, people: dict[str, Watched], body: str) -> None:
    gita = Talk(ward, people["gita"].id)
    with ward.hub.unit_of_work() as uow:
        if not uow.consents.stands(people["gita"].id, "sms", GITA):
            uow.consents.give(people["gita"].id, "sms", "Yes.", "paper", "Ana Invented", ward.clock.now(), GITA)
        version = next(one.version_id for one in uow.checkins.all_current() if one.checkin.id == "missed-pressure")
        uow.commit()
    talk = gita.opens(version)
    gita.sends("Riverside: please measure and reply like 120/80.", talk=talk)
    keep_text(ward.hub, f"p-{body}", GITA, body)
    ward.tick()


def _plot(person: Person, patient_id: int) -> dict[str, list[list[object]]]:
    html = person.get(f"/patients/{patient_id}?range=24h").text
    found = re.search(r'id="plot-data"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert found
    return next(plot for plot in json.loads(found[1]) if plot["id"] == "systolic_blood_pressure")


def _latest(person: Person, patient_id: int) -> str:
    return _text(person.get("/").text.split(f'id="patient-{patient_id}"')[1].split("</li>")[0])


def test_what_was_typed_says_so_on_every_page(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    one = people["gita"].id
    _types(ward, people, "128 over 77")
    assert "BP 128/77 mmHg (by text)" in _latest(ana, one)
    plot = _plot(ana, one)
    assert [point[1:] for point in plot["typed"]] == [[128.0, "typed by the patient"]]
    assert 128.0 not in [point[1] for point in plot["points"]]
    chart = _text(ana.get(f"/patients/{one}?range=24h").text)
    assert "typed by the patient, left out of means" in chart
    assert "1 typed by the patient, left out, the newest 128 mmHg" in chart
    assert "128 mmHg the patient, by text" in chart
    rows = list(csv.reader(io.StringIO(ana.get(f"/patients/{one}/readings.csv?range=24h").text)))[1:]
    last = dict(zip(rows[0], rows[-1], strict=True))
    assert (last["source"], last["device"], last["doubts"]) == ("patient_reported", "the patient, by text", "")
    assert "understood as “128/77”" in _text(ana.get(f"/patients/{one}/texts").text)


def test_an_alert_on_a_typed_value_says_that_no_device_measured_it(
    ana: Person, ward: Ward, people: dict[str, Watched]
) -> None:
    _types(ward, people, "190/124")
    text = ana.get("/").text
    ref = next(
        ref
        for ref, name in re.findall(r'id="row-(\w+)".*?<a href="/patients/\d+">(\w+)', text, re.DOTALL)
        if name == "Gita"
    )
    assert "BP 190/124 mmHg (by text)" in _text(text.split(f'id="row-{ref}"')[1].split("</li>")[0])
    words = _text(ana.get(f"/a/{ref}").text)
    assert "Source typed by the patient in a text, not measured by a device" in words
    assert "The newest value was typed by the patient: ask what the device shows" in words


def test_what_was_taken_back_is_struck_through_everywhere(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    one = people["gita"].id
    _types(ward, people, "128 over 77")
    keep_text(ward.hub, "p-0", GITA, "0")
    ward.tick()
    assert "BP 128/77 mmHg (by text, withdrawn)" in _latest(ana, one)
    plot = _plot(ana, one)
    assert (plot["typed"], plot["suspect"]) == ([], [])
    assert [point[1] for point in plot["withdrawn"]] == [128.0]
    html = ana.get(f"/patients/{one}?range=24h").text
    assert "<s>128 mmHg</s>" in html
    assert "withdrawn by the patient: mistyped" in html
    assert "withdrawn by the patient 14:04" in _text(ana.get(f"/patients/{one}/texts").text)
