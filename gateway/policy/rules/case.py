"""What a rule is asked about, and what it answers with."""

from dataclasses import dataclass
from typing import Literal, NewType, Protocol

from gateway.ledger.person import Relationship
from gateway.message.envelope import Message, Recipient
from gateway.policy.facts import Facts
from gateway.policy.jurisdiction import Jurisdiction
from gateway.policy.outcome import Objection
from gateway.reading.reading import Reading

Duration = NewType("Duration", int)
"""Seconds, written `7 days` or `1 hour`."""

Clock = NewType("Clock", int)
"""Minutes after midnight, written `20:00`."""

Grade = Literal["", "A", "B", "C", "D"]

Found = tuple[Objection, ...]

NOTHING: Found = ()

PURPOSES = {"newsletter": "newsletter"}
"""The purpose of a class when a message declares none; every other class would have to sell: offers."""


class Contradiction(Exception):
    """Parameters that cannot be meant so. `field` is the YAML key to point at."""

    def __init__(self, field: str, text: str, suggestion: str = "") -> None:
        super().__init__(text)
        self.field = field
        self.suggestion = suggestion


class Rule(Protocol):
    """A frozen dataclass whose fields are its YAML parameters."""

    def check(self, case: "Case") -> Found:
        """What is wrong with this message to this person, now. Pure."""
        ...


@dataclass(slots=True)
class Case:
    """One message to one recipient at one moment. `classes` begins with `class_`; the others are what
    it reads as too. `purpose` is the declared one, else the one its class implies."""

    message: Message
    recipient: Recipient
    reading: Reading
    facts: Facts
    class_: str
    classes: tuple[str, ...]
    purpose: str
    jurisdiction: Jurisdiction
    now: float

    @property
    def channel(self) -> str:
        """The channel that this recipient is reached on."""
        return self.message.channel

    @property
    def sells(self) -> bool:
        """Declared as promotion, or reads as one."""
        return "promotion" in self.classes

    @property
    def first_contact(self) -> bool:
        """Whether nothing passed between this sender and this person yet."""
        known = self.facts.relationship
        return not (known.sent or known.replies or known.meetings or known.purchases)


STAGES = ("stranger", "introduced", "connected", "replied", "conversation")


def stage(known: Relationship) -> str:
    """How far this sender and this person have come, one of STAGES."""
    if known.meetings or known.welcoming >= 2 or (known.welcoming and known.answers):
        return "conversation"
    if known.welcoming:
        return "replied"
    if known.connected_at:
        return "connected"
    return "introduced" if known.introduced else "stranger"


def purpose_of(message: Message, class_: str) -> str:
    """The declared purpose, else the one that the class implies."""
    return message.purpose or PURPOSES.get(class_, "offers")
