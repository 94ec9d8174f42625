"""What Twilio does with keywords by itself: STOP blocks a number for all that this account sends, START lets it in."""

from dataclasses import dataclass, field

WORDS = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"), "STOP"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}
REPLIES = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP "
    "to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


def meaning(body: str) -> str | None:
    """STOP, START or HELP if the text is one such word and nothing else."""
    return WORDS.get(body.strip().upper())


@dataclass
class OptOuts:
    """Who does not want to hear from this account, and what Twilio told them of it."""

    blocked: set[str] = field(default_factory=set)
    replies: list[tuple[str, str]] = field(default_factory=list)

    def hear(self, phone: str, body: str) -> str | None:
        """What the text means to Twilio. It answers what changes something, and HELP."""
        word = meaning(body)
        stops, starts = word == "STOP" and phone not in self.blocked, word == "START" and phone in self.blocked
        if word is not None and (stops or starts or word == "HELP"):
            self.replies.append((phone, REPLIES[word]))
        if stops:
            self.blocked.add(phone)
        elif starts:
            self.blocked.remove(phone)
        return word
