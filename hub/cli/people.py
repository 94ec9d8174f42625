"""Staff and patients."""

from datetime import datetime
from decimal import Decimal
from functools import reduce

import click

from hub.cli.context import COMMAND_LINE, hub, json_option, print_row
from hub.domain.patients import EndReason, OxygenState, OxygenTarget
from hub.services import consents, enrolment, staffing
from hub.services.ports.care import NewPatient
from hub.services.ports.consents import SCOPES


class E164(click.ParamType[str]):
    """A phone number in E.164, checked."""

    name = "e164"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The number as it is stored; fails with a sentence."""
        import phonenumbers  # every role reads this file, and none of them needs it

        try:
            number = phonenumbers.parse(value, None)
        except phonenumbers.NumberParseException:
            self.fail(f"{value} is no number in international form, such as +15555550100", param, ctx)
        if not phonenumbers.is_possible_number(number):
            self.fail(f"{value} has the wrong number of digits", param, ctx)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Kilograms(click.ParamType[Decimal]):
    """An exact decimal."""

    name = "kg"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The weight; fails with a sentence."""
        try:
            return Decimal(value)
        except ArithmeticError:
            self.fail(f"{value} is no number of kilograms", param, ctx)


@click.group()
def user() -> None:
    """Members of staff."""


@user.command(name="add")
@click.option("--login", required=True)
@click.option("--name", required=True, help="As it stands on the pages and in the audit.")
@click.option("--role", required=True, type=click.Choice(sorted(staffing.ROLES)))
@click.option("--phone", type=E164(), help="Where pages go, in international form.")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@json_option
def add_user(login: str, name: str, role: str, phone: str | None, password: str, as_json: bool) -> None:
    """Add a member of staff; prints the new id."""
    staff_id = staffing.add_staff(hub(), COMMAND_LINE, login, name, role, password, phone)
    print_row({"id": staff_id, "login": login, "name": name, "role": role, "phone": phone}, as_json=as_json)


@click.group()
def patient() -> None:
    """Patients."""


_OPTIONS = (
    click.option("--mrn", required=True, help="The record number."),
    click.option("--name", required=True),
    click.option("--born", type=click.DateTime(["%Y-%m-%d"]), help="Adult protocols refuse an unknown birth date."),
    click.option("--phone", type=E164()),
    click.option("--sms-consent", metavar="WORDING", help="The consent to texts, as it was worded."),
    click.option("--zone", metavar="IANA", help="Default: the clinic's."),
    click.option("--dry-weight", type=Kilograms(), metavar="KG"),
    click.option("--oxygen-target", type=click.Choice([target.value for target in OxygenTarget])),
    click.option("--oxygen-floor", type=click.IntRange(70, 100), help="Beside a personal target."),
    click.option(
        "--oxygen-state", type=click.Choice([s.value for s in OxygenState]), default="unknown", show_default=True
    ),
    click.option("--insulin-or-su", is_flag=True, help="On insulin or a sulfonylurea."),
    click.option("--protocol", "protocols", multiple=True, metavar="P", help="May be given several times."),
    click.option("--by", default="command line", show_default=True, help="The clinician behind the dry weight."),
    click.option("--test", "is_test", is_flag=True, help="A test patient: left out of lists and rates."),
    json_option,
)


@patient.command(name="add")
@(lambda command: reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), command))
def add_patient(**given: object) -> None:
    """Enrol a patient; prints the new id."""
    the_hub = hub()
    as_json, protocols, wording = given["as_json"], given["protocols"], given["sms_consent"]
    born = given["born"]
    new = NewPatient(
        mrn=str(given["mrn"]),
        name=str(given["name"]),
        born=born.date() if isinstance(born, datetime) else None,
        zone=str(given["zone"] or the_hub.site.zone),
        phone=given["phone"],  # type: ignore[arg-type]  # click converted it
        dry_weight_kg=given["dry_weight"],  # type: ignore[arg-type]
        dry_weight_by=str(given["by"]) if given["dry_weight"] is not None else None,
        oxygen_state=str(given["oxygen_state"]),
        oxygen_target=given["oxygen_target"],  # type: ignore[arg-type]
        oxygen_floor=given["oxygen_floor"],  # type: ignore[arg-type]
        insulin_or_su=bool(given["insulin_or_su"]),
        is_test=bool(given["is_test"]),
    )
    consents = (enrolment.Consent("sms", str(wording), "command line"),) if wording else ()
    patient_id = enrolment.add_patient(
        the_hub,
        COMMAND_LINE,
        new,
        consents=consents,
        protocols=tuple(protocols),  # type: ignore[arg-type]
    )
    print_row({"id": patient_id, "mrn": new.mrn, "zone": new.zone, "test": new.is_test}, as_json=bool(as_json))


@patient.command(name="assign")
@click.argument("patient_id", type=int)
@click.argument("protocol")
def assign_protocol(patient_id: int, protocol: str) -> None:
    """Put a patient on a protocol that is in force."""
    enrolment.assign_protocol(hub(), COMMAND_LINE, patient_id, protocol)
    click.echo(f"Patient {patient_id} is on {protocol}.")


@patient.command(name="end")
@click.argument("patient_id", type=int)
@click.option("--reason", required=True, type=click.Choice([reason.value for reason in EndReason]))
def end_patient(patient_id: int, reason: str) -> None:
    """End monitoring: nothing more is sent, alerts close as ended, devices are free again."""
    enrolment.end(hub(), COMMAND_LINE, patient_id, EndReason(reason))
    click.echo(f"Monitoring of patient {patient_id} has ended.")


@patient.command(name="consent")
@click.argument("patient_id", type=int)
@click.option("--give", "wording", metavar="WORDING", help="What was agreed to, in its own words.")
@click.option("--revoke", is_flag=True, help="End the consent that stands.")
@click.option("--source", required=True, type=click.Choice(consents.SOURCES), help="How that was told.")
@click.option("--scope", type=click.Choice(SCOPES), default=consents.SMS, show_default=True)
def consent(patient_id: int, wording: str | None, source: str, scope: str, *, revoke: bool) -> None:
    """Record that a consent was given, or that it ended. One to texts holds for the patient's present number."""
    if (wording is None) is not revoke:
        raise click.UsageError("say either --give WORDING or --revoke")
    if wording is None:
        consents.revoke(hub(), COMMAND_LINE, patient_id, scope, source)
        click.echo(f"Consent of patient {patient_id} to {scope} has ended.")
        return
    consents.give(hub(), COMMAND_LINE, patient_id, scope, wording, source)
    click.echo(f"Patient {patient_id} has consented to {scope}.")


@patient.command(name="phone")
@click.argument("patient_id", type=int)
@click.argument("number", type=E164())
def set_phone(patient_id: int, number: str) -> None:
    """Change the patient's own NUMBER. A consent to texts was for the old one and ends with it."""
    consents.set_phone(hub(), COMMAND_LINE, patient_id, number)
    click.echo(f"The number of patient {patient_id} is changed. Texts to it need a consent of their own.")
