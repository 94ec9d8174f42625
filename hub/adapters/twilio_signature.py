"""Whether a call came from our Twilio account."""

from collections.abc import Mapping

from twilio.request_validator import RequestValidator


class TwilioSignature:
    """Checks ``X-Twilio-Signature``: it covers the public address and every field, but no time. Replays pass."""

    def __init__(self, account: str, token: str, public_url: str) -> None:
        self._account, self._public_url = account, public_url.rstrip("/")
        self._validator = RequestValidator(token)

    def genuine(self, path: str, fields: Mapping[str, str], signature: str) -> bool:
        """Signed with our token, over ``path`` under the public address, and about our account."""
        signed: bool = self._validator.validate(self._public_url + path, fields, signature)
        return signed and fields.get("AccountSid") == self._account
