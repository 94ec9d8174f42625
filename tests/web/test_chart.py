"""A patient's chart."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update

from hub.adapters.sql.tables.measurements import journal, reading
from hub.services.engine.adherence import Adherence
from hub.services.hub import Actor
from hub.services.replaying import GATEWAY_ID, Recorded, prepare, replay_gateway
from tests.web.people import Person
from tests.web.ward import Ward, Watched


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def _plots(html: str) -> dict[str, dict[str, object]]:
    found = re.search(r'id="plot-data"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert found
    return {plot["id"]: plot for plot in json.loads(found[1])}


def test_who_the_patient_is(ana: Person, people: dict[str, Watched]) -> None:
    ada, bruno = (_text(ana.get(f"/patients/{people[name].id}").text) for name in ("ada", "bruno"))
    for part in ("12 Mar 1948 ( 78 y )", "RV-100411", "Europe/Berlin (UTC+01:00)", "Ana Invented", "Hypertension v1"):
        assert part in ada or part.replace("( ", "(").replace(" )", ")") in ada
    assert "“Walk to the bakery" in ada or "Walk to the bakery and back without stopping." in ada
    assert "state unknown, target not chosen" in ada
    assert "78.0 kg Dora Invented" in bruno
    assert "none: no texts are sent" in bruno


def test_limits_in_force_are_drawn_and_nothing_overlaps(ana: Person, people: dict[str, Watched]) -> None:
    plot = _plots(ana.get(f"/patients/{people['cora'].id}?range=7d").text)["blood_glucose"]
    assert plot["unit"] == "mmol/L"
    reds = [stripe for stripe in plot["stripes"] if stripe["severity"] == "red"]  # type: ignore[attr-defined, index]
    assert {"low": None, "high": 3.89}.items() <= reds[-1].items()
    assert plot["points"][-1][1] == 2.8  # type: ignore[index]


def test_a_summary_stands_beside_every_plot(ana: Person, people: dict[str, Watched]) -> None:
    text = ana.get(f"/patients/{people['cora'].id}?range=7d").text
    assert re.search(r"Glucose, 7 days: 15 readings, mean [\d.]+ mmol/L, from 2.8 to [\d.]+; latest 2.8 mmol/L", text)
    assert re.search(r'role="img" aria-label="Chart. Glucose, 7 days', text)


def test_the_range_is_what_there_is_unless_the_address_says(ana: Person, ward: Ward) -> None:
    new = ward.patient("Kim Invented", "RV-101199", ("hypertension",), ("blood-pressure",))
    address = f"/patients/{new.id}"

    def chosen() -> str:
        found = re.search(r'range=(\w+)#readings" aria-current="true"', ana.get(address).text)
        return found[1] if found else ""

    assert "Range" in ana.get(address).text
    assert chosen() == "30d"
    ward.pressure(new, 122, 74)
    assert chosen() == "24h"
    for age, code in ((timedelta(days=1), "7d"), (timedelta(days=7), "30d")):
        with ward.engine.begin() as connection:
            mine = reading.c.patient_id == new.id
            connection.execute(update(reading).where(mine).values(at=ward.clock.now() - age))
        assert chosen() == code
    assert 'range=90d#readings" aria-current="true"' in ana.get(f"{address}?range=90d").text


def followed(ward: Ward, days: int, silent: int) -> Watched:
    """Somebody who measured every morning, but for the last days; the worker has written it down."""
    kim = ward.patient("Kim Invented", "RV-101200", ("hypertension",), ("blood-pressure",))
    for day in range(days):
        ward.clock.forward(timedelta(days=1))
        if day < days - silent:
            ward.pressure(kim, 124, 78)
    while Adherence().run(ward.hub, ward.clock.now()):
        pass
    return kim


def test_readings_expected_are_counted_and_a_percentage_says_of_what(
    sign_in: Callable[[str], Person], ward: Ward
) -> None:
    kim = followed(ward, days=12, silent=3)
    html = _text(sign_in("ana").get(f"/patients/{kim.id}").text)
    assert re.search(
        r"Readings expected, 30 days: \d+ of \d+ \(\d+ %\) came; Systolic, 18:00 missed \d+ in a row since", html
    )
    assert re.search(r"Systolic, 08:00 7 days \d of \d \(\d+ %\) 30 days \d+ of \d+ \(\d+ %\) 90 days", html)


def test_nothing_is_said_of_whom_nothing_is_expected(ana: Person, ward: Ward) -> None:
    nobody = ward.patient("Lou Invented", "RV-101201", (), ())
    assert "Readings expected" not in ana.get(f"/patients/{nobody.id}").text


def test_a_recording_is_drawn_apart_and_what_was_found_in_it_is_listed(ana: Person, ward: Ward) -> None:
    tess = ward.patient("Tess Invented", "RV-101188", ("diabetes",), ("glucose-meter",))
    admin, now = Actor("test", "admin"), ward.clock.now()
    replay_gateway(ward.hub, admin, "x")
    prepare(ward.hub, admin, tess.id, [Recorded("replay-1/cgm", "cgm", now - timedelta(days=1), now)])
    ward.glucose(tess, "6.0")
    ward.measure("replay-1/cgm", "cgm", {"blood_glucose": (39, "mg/dL")}, gateway=GATEWAY_ID)
    html = ana.get(f"/patients/{tess.id}").text
    plots = _plots(html)
    assert [points[1] for points in plots["blood_glucose"]["points"]] == [6.0]  # type: ignore[attr-defined]
    assert [points[1] for points in plots["blood_glucose-replayed"]["points"]] == [39.0]  # type: ignore[attr-defined]
    assert plots["blood_glucose-replayed"]["title"] == "Glucose, replayed from a recording"
    assert "glucose-low: 1 in 1 episode" in _text(html.split('id="recorded-title"')[1].split("</section>")[0])
    table = _text(html.split("<tbody>")[1].split("</tbody>")[0])
    assert "Glucose, replayed from a recording 39 mg/dL" in table
    assert "Chart. Glucose, replayed from a recording, 24 hours: 1 reading" in html
    assert "cgm, replayed from a recording" in ana.get(f"/patients/{tess.id}/readings.csv").text
    assert 'id="open-title"' not in html
    assert "recorded-title" not in ana.get(f"/patients/{ward.patient('Una Invented', 'RV-2', (), ()).id}").text


def test_open_alerts_stand_worst_first(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    ward.measure(people["gita"].devices["thermometer"], "thermometer", {"body_temperature": (38.6, "Cel")})
    ward.oxygen(people["gita"], 84)
    ward.pressure(people["gita"], 166, 80)
    listed = ana.get(f"/patients/{people['gita'].id}").text.split('id="open-title"')[1].split("</section>")[0]
    marks = re.findall(r'class="mark (\w+)"', listed)
    assert len(marks) > 1
    assert marks == sorted(marks, key=("red", "amber", "low").index)


def test_a_kpa_cuff_is_told_in_kpa_first_everywhere(ana: Person, ward: Ward) -> None:
    new = ward.patient("Kim Invented", "RV-101199", ("hypertension",), ("blood-pressure",))
    for systolic, diastolic in ((16.0, 9.6), (24.9, 16.3)):
        ward.clock.forward(timedelta(minutes=1))
        ward.pressure_kpa(new, systolic, diastolic)
    row = _text(ana.get("/").text.split('id="lane-clinical"')[1].split("</section>")[0])
    assert "BP 24.9/16.3 kPa (187/122 mmHg)" in row
    chart = _text(ana.get(f"/patients/{new.id}").text)
    assert re.search(r"Systolic, 24 hours: 2 readings, mean [\d.]+ kPa, from 16 to 24.9; latest 24.9 kPa \(187", chart)
    ref = re.search(r'href="/a/(\w+)"', ana.get(f"/patients/{new.id}").text)
    assert ref
    alert = _text(ana.get(f"/a/{ref[1]}").text)
    assert "Systolic 24.9 kPa (187 mmHg), red at or above 24.0 kPa (180 mmHg)" in alert
    assert "Latest BP 24.9/16.3 kPa (187/122 mmHg)" in alert


def test_a_gap_is_a_gap(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    plot = _plots(ana.get(f"/patients/{people['ada'].id}").text)["systolic_blood_pressure"]
    assert [point for point in plot["points"] if point[1] is None] == []  # type: ignore[attr-defined]
    day = ward.clock.now() - timedelta(days=5)
    with ward.engine.begin() as connection:
        connection.execute(delete(reading).where(reading.c.at > day, reading.c.at < day + timedelta(days=2)))
    plot = _plots(ana.get(f"/patients/{people['ada'].id}").text)["systolic_blood_pressure"]
    assert len([point for point in plot["points"] if point[1] is None]) == 1  # type: ignore[attr-defined]


def test_a_reading_that_a_nurse_left_out_is_in_no_chart_and_listed_with_the_reason(ana: Person, ward: Ward) -> None:
    new = ward.patient("Kim Invented", "RV-101199", ("hypertension",), ("blood-pressure",))
    ward.pressure(new, 122, 74)
    ward.clock.forward(timedelta(minutes=5))
    ward.pressure(new, 171, 93)
    address = f"/patients/{new.id}"
    assert 'id="left-out"' not in ana.get(address).text
    with ward.engine.connect() as connection:
        newest = connection.execute(select(func.max(journal.c.id))).scalar_one()
    choice = re.search(rf'<option value="{newest}">[^<]*</option>', ana.get(address).text)
    assert choice
    assert _text(choice[0]).endswith("Systolic 171 mmHg, Diastolic 93 mmHg ")
    assert ana.post(f"{address}/left-out", reading="", why="x").status_code == 422
    unsaid = ana.post(f"{address}/left-out", reading=str(newest), why=" ")
    assert unsaid.status_code == 422
    assert f'<option value="{newest}" selected>' in unsaid.text
    other = ward.patient("Lee Invented", "RV-101200", ("hypertension",), ("blood-pressure",))
    assert ana.post(f"/patients/{other.id}/left-out", reading=str(newest), why="x").status_code == 404
    assert ana.post(f"{address}/left-out", reading=str(newest), why="her <husband> sat there").status_code == 303
    assert ana.post(f"{address}/left-out", reading=str(newest), why="again").status_code == 409
    page = ana.get(address).text
    plot = _plots(page)["systolic_blood_pressure"]
    assert [point[1] for point in plot["points"]] == [122]  # type: ignore[attr-defined]
    assert "Show as table (2)" in page
    listed = _text(page.split('id="left-out"')[1].split("</details>")[0])
    assert "Left out by a person (2)" in listed
    assert "Systolic 171 mmHg her &lt;husband&gt; sat there (Ana Invented, " in listed
    assert "171" not in ana.get(f"{address}/readings.csv").text


def test_a_suspect_point_is_apart_with_its_reason(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    device = people["gita"].devices["pulse-oximeter"]
    ward.measure(device, "pulse-oximeter", {"oxygen_saturation": (0, "%")})
    page = ana.get(f"/patients/{people['gita'].id}").text
    plot = _plots(page)["oxygen_saturation"]
    assert [point[1:] for point in plot["suspect"]] == [[0.0, "0: no signal"]]  # type: ignore[attr-defined]
    assert "1 left out as suspect" in page
    assert "0 to 97" not in page


def test_a_bound_is_marked_and_is_no_average(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    payload = json.dumps(
        {
            "v": 1,
            "batch": "hi",
            "spool": "s9",
            "sent_at": ward.clock.now().isoformat(),
            "readings": [
                {
                    "seq": 1,
                    "device": people["cora"].devices["glucose-meter"],
                    "profile": "glucose-meter",
                    "measured_at": ward.clock.now().isoformat(),
                    "received_at": ward.clock.now().isoformat(),
                    "values": [{"metric": "blood_glucose", "value": 600, "unit": "mg/dL", "comparator": ">"}],
                    "flags": [],
                }
            ],
        }
    )
    ward.arrives(payload.encode())
    page = ana.get(f"/patients/{people['cora'].id}?range=24h").text
    assert [point[2] for point in _plots(page)["blood_glucose"]["points"]][-1] == "HI"  # type: ignore[attr-defined]
    assert "HI (above 600 mg/dL" in _text(page)


def test_a_range_without_data_says_when_the_last_was(ana: Person, people: dict[str, Watched]) -> None:
    words = _text(ana.get(f"/patients/{people['elsa'].id}?range=24h").text)
    assert "No data in these 24 hours; last on Wed 18 Nov" in words


def test_the_patients_zone_is_named_where_it_differs(ana: Person, people: dict[str, Watched]) -> None:
    words = _text(ana.get(f"/patients/{people['elsa'].id}").text)
    assert "Europe/Lisbon (UTC+00:00)" in words
    assert "The clinic is in Europe/Berlin" in words


def test_the_table_holds_every_reading(ana: Person, people: dict[str, Watched]) -> None:
    text = ana.get(f"/patients/{people['cora'].id}?range=7d").text
    assert text.count("<tr><td>") == 15
    assert "<td>2.8 mmol/L (50 mg/dL)</td>" in text


def test_the_csv_says_demo_units_and_both_times(ana: Person, people: dict[str, Watched]) -> None:
    answer = ana.get(f"/patients/{people['cora'].id}/readings.csv?range=24h")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="readings-{people["cora"].id}-24h.csv"'
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["DEMO: invented patients, nobody is paged"]
    last = dict(zip(rows[1], rows[-1], strict=True))
    assert last["measured_at_utc"] == "2026-11-22T13:00:05Z"
    assert last["measured_at_local"] == "2026-11-22T14:00:05+01:00"
    assert (last["value"], last["unit"], last["shown_value"], last["shown_unit"]) == ("50.44", "mg/dL", "2.8", "mmol/L")


def test_opening_the_chart_keeps_an_acknowledgement(ana: Person, ref_of: Callable[[str], str], ward: Ward) -> None:
    ref = ref_of("Ada")
    ana.post(f"/a/{ref}/acknowledge")
    address = re.search(r'data-opened="([^"]+)"', ana.get("/patients/1").text)
    assert address
    with ward.hub.reads() as reads:
        assert reads.alert_row(ref, ward.clock.now()).chart_opened_at is None  # type: ignore[union-attr]
    assert ana.client.post(address[1], headers={"X-CSRF": ana.csrf}).status_code == 204
    with ward.hub.reads() as reads:
        assert reads.alert_row(ref, ward.clock.now()).chart_opened_at == ward.clock.now()  # type: ignore[union-attr]


def test_a_care_manager_and_a_goal(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    one = people["cora"].id
    ana.post(f"/patients/{one}/care-manager", staff=str(ward.actor("ben").staff_id))
    ana.post(f"/patients/{one}/goals", words="Sleep <i>through</i> the night.")
    text = ana.get(f"/patients/{one}").text
    assert "Ben Invented" in _text(text)
    assert "Sleep &lt;i&gt;through&lt;/i&gt; the night." in text
    assert ana.post(f"/patients/{one}/goals", words="").status_code == 422


def test_a_pause_has_a_reason_and_an_end(ana: Person, people: dict[str, Watched]) -> None:
    one = people["gita"].id
    refused = ana.post(f"/patients/{one}/pause", reason="In hospital", until="")
    assert refused.status_code == 422
    assert 'value="In hospital"' in refused.text
    assert ana.post(f"/patients/{one}/pause", reason="In hospital", until="2026-11-29T08:00").status_code == 303
    words = _text(ana.get(f"/patients/{one}").text)
    assert "paused until Sun 29 Nov 08:00: In hospital" in words
    assert "paused" in _text(ana.get("/").text.split(f'id="patient-{one}"')[1].split("</li>")[0])
    ana.post(f"/patients/{one}/resume")
    assert "Resume monitoring" not in ana.get(f"/patients/{one}").text


def test_ending_asks_twice(ana: Person, people: dict[str, Watched]) -> None:
    one = people["gita"].id
    assert ana.post(f"/patients/{one}/end", reason="moved").status_code == 422
    assert ana.post(f"/patients/{one}/end", reason="moved", sure="yes").status_code == 303
    assert f'id="patient-{one}"' not in ana.get("/").text


@pytest.mark.parametrize("path", ["/patients/999", "/patients/999/readings.csv"])
def test_an_unknown_patient_is_not_found(ana: Person, path: str) -> None:
    assert ana.get(path).status_code == 404
