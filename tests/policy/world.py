"""A message, a person and a reading to start from; each test changes what it is about."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs

from gateway.ledger.person import Contact, Permission, Person, Relationship, Stop
from gateway.message.content import Content
from gateway.message.envelope import Message, Recipient, Sender
from gateway.policy.decide import decide
from gateway.policy.facts import Copies, Facts, Pace
from gateway.policy.load import compose
from gateway.policy.moments import NOW
from gateway.policy.outcome import Decision
from gateway.policy.policies import PolicySet
from gateway.reading.reading import Evidence, Finding, Greeting, Phrase, Reading

HOUR, DAY = 3600.0, 86400.0
SHIPPED = Path(__file__).resolve().parents[2] / "policies"

YES = Finding(True, 0.99, (Evidence(text="the words that show it", start=3, end=25),))

__all__ = [
    "DAY", "HOUR", "LAWS", "NOW", "SHIPPED", "YES", "Contact", "Copies", "Evidence", "Facts", "Finding",
    "Greeting", "Pace", "Permission", "Person", "Phrase", "Reading", "Relationship", "Stop", "ask", "facts",
    "granted", "known", "message", "policy", "rules", "texts_of",
]  # fmt: skip


def message(class_: str = "outreach", channel: str = "email", **changes: Any) -> Message:
    """An ordinary message; changes named `content_...` go to its content."""
    inner = {key[8:]: changes.pop(key) for key in list(changes) if key.startswith("content_")}
    mail = channel == "email"
    recipient = Recipient(
        channel=channel,
        address="anna@example.net" if mail else "https://example.net/in/anna",
        key="anna@example.net" if mail else "https://example.net/in/anna",
        name="Anna Verdi",
    )
    text = inner.pop("text", "A plain text with a few words.")
    made = Message(
        id="m1",
        source="tool",
        controller="default",
        channel=channel,
        sender=Sender(address="marco@example.com", key="marco@example.com", name="Marco Bianchi"),
        recipients=(recipient,),
        content=Content(channel=channel, text=text, **inner),
        raw=b"",
        class_=class_,
    )
    return structs.replace(made, **changes)


def facts(**changes: Any) -> Facts:
    """A stranger in Italy."""
    return structs.replace(Facts(jurisdiction="it", person=Person()), **changes)


def known(**changes: Any) -> Facts:
    """Facts of somebody with this relationship."""
    return facts(relationship=Relationship(**changes))


def granted(purpose: str, channel: str = "email", **changes: Any) -> Permission:
    """A double opt-in of a month ago."""
    made = Permission(purpose=purpose, channel=channel, state="granted", grade="A", at=NOW - 30 * DAY)
    return structs.replace(made, **changes)


def policy(lines: str, applies_to: str = "", mode: str = "enforce", name: str = "one") -> str:
    """The text of a policy file with these rule lines."""
    scope = f"applies_to: {applies_to}\n" if applies_to else ""
    indented = "\n".join("  " + line for line in lines.strip("\n").splitlines())
    return f"version: 1\npolicy: {name}\nmode: {mode}\n{scope}rules:\n{indented}\n"


def texts_of(folder: Path = SHIPPED) -> dict[str, str]:
    """The shipped jurisdictions, which most rules need."""
    return {
        f"jurisdictions/{p.name}": p.read_text() for p in sorted((folder / "jurisdictions").glob("*.yaml"))
    }


JURISDICTIONS = texts_of()
LAWS = compose(JURISDICTIONS).jurisdictions


def rules(lines: str, applies_to: str = "", mode: str = "enforce") -> PolicySet:
    """A set of one policy with these rule lines, and the shipped jurisdictions."""
    return replace(compose({"one.yaml": policy(lines, applies_to, mode)}), jurisdictions=LAWS)


def ask(
    policies: PolicySet,
    about: Message,
    reading: Reading | None = None,
    what: Facts | None = None,
    now: float = NOW,
    **options: Any,
) -> Decision:
    """The decision for the message's first recipient."""
    return decide(policies, about, about.recipients[0], reading or Reading(), what or facts(), now, **options)
