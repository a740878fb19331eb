"""What came of one try to deliver, as the outbox keeps it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.message.refusal import NOBODY, says_full, says_nobody


class Outcome(StrEnum):
    """Delivered for good, to be tried again, or given up."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"


class Kind(StrEnum):
    """Why: each asks something else of an operator.

    `doubt` is a connection lost between the end of the message and the reply to it: it may have
    arrived, and is sent again with the same Message-ID. `returned` was not tried at all and used
    up nothing. `expired` was given up for its age.
    """

    DELIVERED = "delivered"
    PERMANENT = "permanent"
    TEMPORARY = "temporary"
    NETWORK = "network"
    TIMEOUT = "timeout"
    TLS = "tls"
    AUTH = "auth"
    PROTOCOL = "protocol"
    DOUBT = "doubt"
    RETURNED = "returned"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try, or the lack of one.

    `code` is the SMTP reply code or HTTP status, 0 where there was none; `enhanced` the RFC 3463 code;
    `text` printable ASCII, at most 200 characters, and may repeat the recipient's address: for the
    store, never for a log. `phase` is how far it came: route, connect, mail, rcpt, data, final, http.
    `next_at` is when to try again (unix seconds, 0 unless deferred), `seconds` how long it took.
    """

    outcome: Outcome
    kind: Kind
    relay: str
    phase: str = ""
    code: int = 0
    enhanced: str = ""
    text: str = ""
    next_at: float = 0.0
    seconds: float = 0.0

    @property
    def counted(self) -> bool:
        """Whether it was a try: what was only returned keeps its number of attempts."""
        return self.kind is not Kind.RETURNED

    @property
    def hard_bounce(self) -> bool:
        """Whether the answer means, beyond doubt, that nobody is at this address: by its RFC 3463 code, or
        where it gives none that tells, by its words at RCPT. What is said at MAIL is about the sender."""
        if self.outcome is not Outcome.FAILED or self.kind is not Kind.PERMANENT or not self.code:
            return False
        told = self.phase == "rcpt" or (self.phase != "mail" and self.enhanced in NOBODY)
        return told and says_nobody(self.enhanced, self.text)

    @property
    def mailbox_full(self) -> bool:
        """Whether it was given up because the mailbox is full: nothing else counts toward five in a row."""
        failed = self.outcome is Outcome.FAILED and self.phase in {"rcpt", "data", "final"}
        return failed and bool(self.code) and says_full(self.enhanced, self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Mail that the gateway itself writes about a delivery: always with the null sender (RFC 5321 4.5.5).

    `raw` is RFC 5322 octets with CRLF line ends, `source` and `controller` those of what it reports on.
    """

    id: str
    address: str
    raw: bytes
    source: str
    controller: str
    smtputf8: bool = False
