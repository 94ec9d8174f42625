"""Resources as the documented API shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime
from urllib.parse import urlencode

from tests.twilio.account import ACCOUNT, API, SENDER, SERVICE
from tests.twilio.messages import Taken

MADE = "Mon, 02 Mar 2026 12:04:00 +0000"
BASE = f"/{API}/Accounts/{ACCOUNT}"
PAGE_SIZE = 50


@dataclass
class Account:
    """The account, and its numbers with what happens when a message comes in."""

    status: str = "active"
    type: str = "Full"
    numbers: dict[str, dict[str, str]] = field(default_factory=lambda: {SENDER: {}})

    def shown(self) -> dict[str, object]:
        """As ``/Accounts/{Sid}.json``."""
        return {
            "auth_token": "",
            "date_created": MADE,
            "date_updated": MADE,
            "friendly_name": "Tests",
            "owner_account_sid": ACCOUNT,
            "sid": ACCOUNT,
            "status": self.status,
            "subresource_uris": {"messages": f"{BASE}/Messages.json"},
            "type": self.type,
            "uri": f"{BASE}.json",
        }

    def numbers_like(self, number: str | None) -> list[dict[str, object]]:
        """Those that hold these digits; all without any."""
        found = [own for own in self.numbers if number is None or number.lstrip("+") in own]
        return [_number(own, self.numbers[own]) for own in found]


def message(taken: Taken) -> dict[str, object]:
    """The message as the API shows it."""
    base = f"{BASE}/Messages/{taken.sid}"
    through_service = taken.service and not taken.inward
    return {
        "account_sid": ACCOUNT,
        "api_version": API,
        "body": taken.body,
        "date_created": format_datetime(taken.at),
        "date_sent": None if taken.status in ("accepted", "queued") else format_datetime(taken.at),
        "date_updated": format_datetime(taken.at),
        "direction": "inbound" if taken.inward else "outbound-api",
        "error_code": taken.error,
        "error_message": None,
        "from": None if through_service else taken.sender,
        "messaging_service_sid": SERVICE if taken.service else None,
        "num_media": str(taken.media),
        "num_segments": "0" if through_service else "1",
        "price": None,
        "price_unit": "USD",
        "sid": taken.sid,
        "status": taken.status,
        "subresource_uris": {"media": f"{base}/Media.json"},
        "to": taken.to,
        "uri": f"{base}.json",
    }


def listed(name: str, path: str, rows: Sequence[Mapping[str, object]], asked: Mapping[str, str]) -> dict[str, object]:
    """One page of a list of ``name``; ``asked``: the query's parameters."""
    size, page = int(asked.get("PageSize", PAGE_SIZE)), int(asked.get("Page", 0))
    shown = rows[page * size : (page + 1) * size]

    def uri(number: int) -> str:
        return f"{path}?{urlencode(dict(asked) | {'PageSize': size, 'Page': number})}"

    return {
        name: shown,
        "start": page * size,
        "end": page * size + max(len(shown) - 1, 0),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1) if len(rows) > (page + 1) * size else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": uri(page - 1) if page else None,
        "uri": uri(page),
    }


def _number(number: str, hooks: Mapping[str, str]) -> dict[str, object]:
    sid = f"PN{int(number.lstrip('+')):032x}"
    return {
        "account_sid": ACCOUNT,
        "address_requirements": "none",
        "address_sid": None,
        "api_version": API,
        "beta": False,
        "bundle_sid": None,
        "capabilities": {"voice": False, "sms": True, "mms": True, "fax": False},
        "date_created": MADE,
        "date_updated": MADE,
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "emergency_status": "Inactive",
        "friendly_name": number,
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": number,
        "sid": sid,
        "sms_application_sid": None,
        "sms_fallback_method": "POST",
        "sms_fallback_url": "",
        "sms_method": "POST",
        "sms_url": "",
        "status": "in-use",
        "status_callback": "",
        "status_callback_method": "POST",
        "trunk_sid": None,
        "uri": f"{BASE}/IncomingPhoneNumbers/{sid}.json",
        "voice_application_sid": None,
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_fallback_url": "",
        "voice_method": "POST",
        "voice_receive_mode": "voice",
        "voice_url": "",
        **hooks,
    }
