"""A worker that takes Twilio for a channel on which a second message shows once, and so sends again blindly."""

from hub import cli
from hub.adapters.channels.twilio_sms import TwilioSms

if __name__ == "__main__":
    TwilioSms.idempotent = True
    cli.main()
