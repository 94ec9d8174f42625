"""What is believed of the form that Twilio posts for a text: every text is read, and nothing else is."""

from urllib.parse import parse_qsl

import pytest

from hub.domain.twilio_inbound import LONGEST, Heard, read_inbound
from hub.errors import Invalid

SID, MMS, ACCOUNT = f"SM{7:032x}", f"MM{7:032x}", "AC" + "0a" * 16
# As Twilio sends it, letter for letter but for the ids, the numbers and the places.
TEXT = (
    f"ToCountry=US&ToState=NY&SmsMessageSid={SID}&NumMedia=0&ToCity=SOUTH+NOWHERE&FromZip=00000&SmsSid={SID}"
    f"&FromState=NY&SmsStatus=received&FromCity=SOUTH+NOWHERE&Body=120%2F80&FromCountry=US&To=%2B15555550100&ToZip="
    f"&NumSegments=1&MessageSid={SID}&AccountSid={ACCOUNT}&From=%2B15555550111&ApiVersion=2010-04-01"
)
MEDIA = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/{MMS}/Media/ME{7:032x}"


def form(**other: str) -> dict[str, str]:
    return dict(parse_qsl(TEXT, keep_blank_values=True)) | other


def test_a_text_as_twilio_sends_it() -> None:
    assert read_inbound(form(), "") == Heard(SID, "+15555550111", "+15555550100", "120/80", 0, None)


def test_a_picture_to_a_group_by_a_messaging_service() -> None:
    ids = {"MessageSid": MMS, "SmsSid": MMS, "SmsMessageSid": MMS, "MessagingServiceSid": "MG" + "0b" * 16}
    media = {"NumMedia": "2", "MediaUrl0": MEDIA, "MediaContentType0": "image/jpeg"}
    media |= {"MediaUrl1": MEDIA, "MediaContentType1": "text/x-vcard; charset=utf-8"}
    heard = read_inbound(form(Body="", OtherRecipients0="+15555550112", **ids, **media), "")
    assert (heard.provider_id, heard.body, heard.media) == (MMS, "", 2)


@pytest.mark.parametrize("word", ["STOP", "START", "HELP"])
def test_a_keyword_that_twilio_dealt_with(word: str) -> None:
    assert read_inbound(form(Body=word.lower(), OptOutType=word), "").opt_out == word


@pytest.mark.parametrize("sender", ["+4915555550111", "22395", "RIVERSIDE", "Dr. O'Hara & Co", "+266696687"])
def test_whoever_sends_it(sender: str) -> None:
    assert read_inbound(form(From=sender), "").sender == sender


@pytest.mark.parametrize(
    "body", ["", " ", "Ça va mal\nbeaucoup 😟", "é" * LONGEST, "😟" * LONGEST, "=+&%\x1b{}", "Body"]
)
def test_whatever_is_said(body: str) -> None:
    assert read_inbound(form(Body=body), "").body == body


@pytest.mark.parametrize(
    "name", ["FromCity", "FromState", "FromZip", "ToCountry", "SmsStatus", "NumMedia", "ApiVersion"]
)
def test_what_only_describes_it_may_be_absent(name: str) -> None:
    assert read_inbound({key: value for key, value in form().items() if key != name}, "").body == "120/80"


@pytest.mark.parametrize("place", ["", "ST. JOHN'S", "Île-des-Sœurs", "SW1A 1AA", "N/A (mobile)"])
def test_wherever_it_comes_from(place: str) -> None:
    assert read_inbound(form(FromCity=place, FromZip=place), "").body == "120/80"


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"Colour": "mauve"}, "a field of another name"),
        ({"MessageSid": "SM7"}, "MessageSid"),
        ({"MessageSid": SID.lower()}, "MessageSid"),
        ({"SmsStatus": "delivered"}, "SmsStatus"),
        ({"OptOutType": "stop"}, "OptOutType"),
        ({"Body": "x" * (LONGEST + 1)}, "Body"),
        ({"Body": "a\x00b"}, "Body"),
        ({"From": ""}, "From"),
        ({"From": "+" + "1" * 20}, "From"),
        ({"From": "+1555\n"}, "From"),
        ({"NumMedia": "many"}, "NumMedia"),
        ({"FromCity": "From+15555550111"}, "FromCity"),
        ({"MediaUrl": MEDIA}, "a field of another name"),
        ({"MediaUrl0": "file:///etc/passwd"}, "a field of another name"),
    ],
)
def test_what_cannot_be_read_is_named_without_its_value(other: dict[str, str], named: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_inbound(form(**other), "")
    assert list(refused.value.fields) == [named]
    assert "mauve" not in str(refused.value)


@pytest.mark.parametrize("name", ["MessageSid", "AccountSid", "From", "To", "Body"])
def test_what_must_be_there(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_inbound({key: value for key, value in form().items() if key != name}, "")
    assert list(refused.value.fields) == [name]


def test_a_letter_moved_from_a_value_to_a_name_is_not_read() -> None:
    said = form()
    del said["Body"]
    for moved in ({"Body1": "20/80"}, {"Bod": "y120/80"}, {"ApiVersion": "2010-04-01Body120/80"}):
        with pytest.raises(Invalid):
            read_inbound(said | moved, "")


def test_the_address_carries_nothing() -> None:
    with pytest.raises(Invalid) as refused:
        read_inbound(form(), "From=%2B15555550112")
    assert list(refused.value.fields) == ["the address"]
