"""What is said to an SMTP client about its message: one reply, English ASCII, under 400 octets. Pure.

A hold is never a 4xx: tools drop the message or pause the campaign. One reply serves all recipients: the
gateway's own failure is 451 and stored nothing; else any accept or hold is 250; else 550.
"""

import unicodedata
from collections import Counter

from gateway.intake.receipt import Receipt
from gateway.policy.outcome import Decision, Outcome

LONGEST = 398
"""Octets of a reply before its CRLF."""

_FOLDED = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "«": '"',
        "»": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "ß": "ss",
        "\N{NO-BREAK SPACE}": " ",
        "€": "EUR",
    }
)


def answer(receipt: Receipt) -> bytes:
    """Return the reply to DATA that tells a receipt, line end included."""
    if receipt.status == "accepted":
        return f"250 2.0.0 {receipt.id} accepted\r\n".encode("ascii", "replace")
    counts = Counter(result.outcome for result in receipt.recipients)
    if not counts[Outcome.ACCEPT] and not counts[Outcome.HOLD]:
        return line(f"550 5.7.1 {receipt.id} rejected {_say_why(receipt, Outcome.REJECT)}")
    if len(counts) == 1:
        return line(f"250 2.0.0 {receipt.id} held {_name(receipt, Outcome.HOLD)}: not sent, do not resend")
    told = ", ".join(f"{outcome.word} {counts[outcome]}" for outcome in Outcome if counts[outcome])
    return line(f"250 2.0.0 {receipt.id} {told}")


def refuse_recipient(reason: str) -> bytes:
    """Return the reply to RCPT that refuses a recipient, for a reason in words."""
    return line(f"550 5.7.1 rejected {reason}")


def line(text: str) -> bytes:
    """Return one reply line: ASCII, no control characters, cut at a word where it is too long."""
    plain = fold(text)
    if len(plain) > LONGEST:
        plain = plain[: LONGEST - 3].rpartition(" ")[0] + "..."
    return plain.encode("ascii") + b"\r\n"


def fold(text: str) -> str:
    """Return the text in printable ASCII: accents dropped, what has no counterpart as a question mark."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_FOLDED))
        text = "".join(c for c in text if not unicodedata.combining(c)).encode("ascii", "replace").decode()
    if text.isprintable():
        return text
    return " ".join("".join(c if " " <= c < "\x7f" else " " for c in text).split())


def _decision(receipt: Receipt, outcome: Outcome) -> Decision | None:
    return next((result.decision for result in receipt.recipients if result.outcome is outcome), None)


def _name(receipt: Receipt, outcome: Outcome) -> str:
    decision = _decision(receipt, outcome)
    worst = decision.enforced[0] if decision and decision.enforced else None
    return f"{worst.policy}/{worst.code}" if worst else "for review"


def _say_why(receipt: Receipt, outcome: Outcome) -> str:
    decision = _decision(receipt, outcome)
    if not decision or not decision.enforced:
        return "by policy"
    worst, *others = decision.enforced
    said = f"{worst.policy}/{worst.code}: {worst.reason.en}"
    if worst.remedy.en:
        said = f"{said} {worst.remedy.en}"
    more = ", ".join(dict.fromkeys(other.code for other in others if other.code != worst.code))
    return f"{said} Also: {more}" if more else said
