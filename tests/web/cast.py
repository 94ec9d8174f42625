"""Four weeks on the ward: patients in every state a page must show."""

from datetime import date, timedelta
from decimal import Decimal

from hub.services import enrolment, tasks
from hub.services.hub import Actor
from hub.services.ports.alerting import NewTask
from tests.web.talk import Talk, sign_checkins
from tests.web.ward import NOW, Ward, Watched

DAYS = 16
NURSE_TASK = "Call about the new cuff"


def populate(ward: Ward) -> dict[str, Watched]:
    """Everybody, by first name."""
    ward.clock.set(NOW - timedelta(days=DAYS, hours=6))
    people = _enrol(ward)
    for day in range(DAYS):
        ward.clock.set(NOW - timedelta(days=DAYS - day, hours=6))
        _morning(ward, people, day)
        ward.tick()
        ward.clock.set(NOW - timedelta(days=DAYS - day) + timedelta(hours=4))
        _evening(ward, people, day)
        ward.tick()
    ward.clock.set(NOW - timedelta(hours=5, minutes=10))
    _morning(ward, people, DAYS)
    ward.tick()
    _today(ward, people)
    _texts(ward, people)
    return people


def _wobble(day: int, low: int, high: int) -> int:
    """Nothing in a body is the same two days running; here it differs the same way in every run."""
    return low + (day * 7 + 3) % (high - low + 1)


def _enrol(ward: Ward) -> dict[str, Watched]:
    heart = {"dry_weight_kg": Decimal("78.0"), "dry_weight_by": "Dora Invented"}
    bp, oxi, meter, scale = "blood-pressure", "pulse-oximeter", "glucose-meter", "weight-scale"
    people = {
        "ada": ward.patient("Ada Nonesuch", "RV-100411", ("hypertension",), (bp,)),
        "bruno": ward.patient(
            "Bruno Madeup", "RV-100522", ("heart-failure",), (scale, oxi, bp), phone="+15555550112", **heart
        ),
        "cora": ward.patient(
            "Cora Example", "RV-100633", ("diabetes",), (meter,), insulin_or_su=True, phone="+15555550113"
        ),
        "dario": ward.patient(
            "Dario Fictional",
            "RV-100744",
            ("copd",),
            (oxi,),
            oxygen_target="88-92",
            oxygen_state="oxygen",
            phone="+15555550114",
        ),
        "elsa": ward.patient(
            "Elsa Placeholder", "RV-100855", ("hypertension",), (bp,), zone="Europe/Lisbon", phone="+15555550115"
        ),
        "farid": ward.patient("Farid Sample", "RV-100966", (), (), phone=None),
        "gita": ward.patient(
            "Gita <b>Specimen</b>",
            "RV-101077",
            ("general-adult",),
            (oxi, bp, "thermometer"),
            born=date(1951, 6, 1),
            phone="+15555550117",
        ),
    }
    admin = Actor("test", "admin")
    enrolment.set_care_manager(ward.hub, admin, people["ada"].id, ward.actor("ana").staff_id)
    enrolment.add_goal(ward.hub, admin, people["ada"].id, "Walk to the bakery and back without stopping.")
    with ward.hub.unit_of_work() as uow:
        for name, wording in (("ada", "You may text me."), ("elsa", "Text me in the morning.")):
            one = uow.patients.get(people[name].id)
            uow.consents.give(one.id, "sms", wording, "paper", "Ana Example", ward.clock.now(), one.phone)
        uow.commit()
    return people


def _morning(ward: Ward, people: dict[str, Watched], day: int) -> None:
    ward.pressure(people["ada"], 126 + _wobble(day, -4, 5), 78 + _wobble(day, -3, 3))
    ward.weight(people["bruno"], 78.4 + _wobble(day, 0, 3) / 10)
    ward.oxygen(people["bruno"], 96, 70 + _wobble(day, -3, 3))
    ward.pressure(people["bruno"], 118 + _wobble(day, -3, 3), 72)
    ward.glucose(people["cora"], f"{6.1 + _wobble(day, 0, 9) / 10:.1f}")
    ward.oxygen(people["dario"], 90 + _wobble(day, 0, 1), 80)
    if day < DAYS - 3:
        ward.pressure(people["elsa"], 124, 76)
    ward.oxygen(people["gita"], 97)
    ward.pressure(people["gita"], 121, 74)
    thermometer = people["gita"].devices["thermometer"]
    ward.measure(thermometer, "thermometer", {"body_temperature": (36.6, "Cel")})


def _evening(ward: Ward, people: dict[str, Watched], day: int) -> None:
    ward.pressure(people["ada"], 124 + _wobble(day, -4, 4), 77)
    ward.glucose(people["cora"], f"{7.0 + _wobble(day, 0, 9) / 10:.1f}")
    ward.oxygen(people["dario"], 90, 82)
    ward.oxygen(people["gita"], 97)
    if day < DAYS - 3:
        ward.pressure(people["elsa"], 122, 75)


def _today(ward: Ward, people: dict[str, Watched]) -> None:
    ward.clock.set(NOW - timedelta(minutes=42))
    ward.pressure(people["bruno"], 166, 92)
    ward.tick()
    ward.clock.set(NOW - timedelta(minutes=20))
    ward.measure("DE:AD:BE:EF:00:01", "weight-scale", {"body_weight": (71.2, "kg")})
    ward.pressure(people["ada"], 128, 79, gateway="g-home-2")
    ward.arrives(b'{"v": 1, "broken')
    nurse = ward.actor("ana")
    due = NOW + timedelta(hours=2)
    tasks.add(ward.hub, nurse, NewTask("follow_up", NURSE_TASK, due, people["ada"].id, None, nurse.staff_id))
    late = NOW - timedelta(hours=1)
    tasks.add(
        ward.hub,
        nurse,
        NewTask("review", "Look at the week of Dario Fictional", late, people["dario"].id, role="nurse"),
    )
    status = b'{"v": 1, "online": true, "spool_depth": 0}'
    ward.arrives(status, lane="status")
    ward.clock.set(NOW - timedelta(minutes=4))
    ward.glucose(people["cora"], "2.8")
    ward.pressure(people["ada"], 186, 104)
    ward.forward(timedelta(seconds=20))
    ward.clock.set(NOW)


def _texts(ward: Ward, people: dict[str, Watched]) -> None:
    """Ada answers what she is asked; Elsa, in Lisbon, does not."""
    ada, elsa = Talk(ward, people["ada"].id), Talk(ward, people["elsa"].id)
    ward.clock.set(NOW - timedelta(days=2))
    version = sign_checkins(ward)["missed-pressure"]
    asks = "Riverside: nothing has come from your home device today. Please measure and reply like 120/80."
    talk = ada.opens(version)
    ada.sends(f"{asks} STOP to end.", talk=talk)
    ward.clock.forward(timedelta(minutes=9))
    values = '{"systolic_blood_pressure": "131", "diastolic_blood_pressure": "82"}'
    ada.hears("131 over 82", "answer", answer=(talk, "pressure", values))
    ada.ends(talk, "answered")
    ada.sends("Riverside: saved, thank you. Wrong? Reply 0.", "answer")
    ward.clock.forward(timedelta(hours=3))
    ada.reads(ada.hears("My son is <b>coming</b> on Sunday, can I measure later then?"))
    ada.sends(
        "Riverside: a nurse will read this. We do not watch texts day and night. Emergency? Call 112.", "courtesy"
    )
    ward.clock.set(NOW - timedelta(hours=8))
    due = (NOW - timedelta(hours=10)).replace(minute=0, second=0)
    talk = elsa.opens(version, key=f"missing:{people['elsa'].id}:1:morning:{due.isoformat()}")
    elsa.sends(f"{asks} STOP to end.", talk=talk)
    ward.clock.forward(timedelta(hours=2))
    elsa.sends(asks, talk=talk)
    ward.clock.forward(timedelta(hours=4))
    elsa.ends(talk, "expired")
    ward.clock.set(NOW)
