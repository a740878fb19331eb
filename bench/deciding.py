"""How long one decision takes: `python -m bench.deciding`. Budget: 20 microseconds per recipient."""

import gc
from collections.abc import Callable
from pathlib import Path
from time import process_time_ns

from gateway.ledger.person import Contact, Permission, Person, Relationship
from gateway.message.content import Content
from gateway.message.envelope import Message, Recipient, Sender
from gateway.policy.classify import judged_as
from gateway.policy.decide import decide
from gateway.policy.facts import Copies, Facts, Pace
from gateway.policy.load import load
from gateway.policy.moments import NOW
from gateway.reading.reading import Evidence, Finding, Phrase, Reading

POLICIES = Path(__file__).resolve().parents[1] / "policies"
ROUNDS, REPEATS = 5_000, 7
YES = Finding(True, 0.9, (Evidence(text="prenota una demo", start=10, end=26),))


def message(class_: str, channel: str = "email") -> Message:
    address = "anna@example.net"
    return Message(
        id="m",
        source="tool",
        controller="default",
        channel=channel,
        sender=Sender(address="marco@example.com", key="marco@example.com", name="Marco"),
        recipients=(Recipient(channel=channel, address=address, key=address),),
        content=Content(channel=channel, text="Buongiorno Anna, ecco il numero di novembre. " * 40),
        raw=b"",
        class_=class_,
        list_unsubscribe="<https://example.com/u>",
        list_unsubscribe_post="List-Unsubscribe=One-Click",
    )


SUBSCRIBER = Person(
    permissions=tuple(
        Permission(purpose=p, channel="email", state="granted", grade="A", at=NOW - 1e6)
        for p in ("events", "newsletter", "offers")
    ),
    contacts=tuple(
        Contact(at=NOW - 86400.0 * i, class_="newsletter", channel="email", sender="s") for i in range(1, 20)
    ),
)
PHRASES = tuple(Phrase(i, 12, i, i + 1) for i in range(40))
READ = Reading(phrases=PHRASES, length=2000, introduces_sender=YES, states_reason=YES)
BULK = Facts(person=SUBSCRIBER, jurisdiction="it", copies=Copies(counts=(900,) * 40))
NEW = Facts(
    person=Person(), jurisdiction="it", copies=Copies(counts=(0,) * 40), pace=Pace(backlog=(NOW,) * 3)
)
STRANGER = Facts(person=Person(), relationship=Relationship(connected_at=NOW - 60), jurisdiction="it")

SCENES: dict[str, tuple[Message, Reading, Facts]] = {
    "newsletter to a subscriber, passes": (message("newsletter"), READ, BULK),
    "newsletter that reads as promotion, passes": (
        message("newsletter"),
        Reading(promotional=YES, phrases=PHRASES, length=2000),
        BULK,
    ),
    "introduction to a stranger, passes": (message("outreach"), READ, NEW),
    "receipt, passes": (message("transactional"), READ, NEW),
    "pitch to a stranger, refused by several": (
        message("outreach", "linkedin"),
        Reading(promotional=YES, unresolved_merge=YES, phrases=PHRASES),
        STRANGER,
    ),
}


def timed(ask: Callable[[], object]) -> float:
    """Microseconds of CPU a call, the best of several runs."""
    best = float("inf")
    for _ in range(REPEATS):
        start = process_time_ns()
        for _ in range(ROUNDS):
            ask()
        best = min(best, (process_time_ns() - start) / ROUNDS / 1000)
    return best


def main() -> None:
    policies = load(POLICIES)
    gc.freeze()
    for name, (about, reading, facts) in SCENES.items():
        recipient = about.recipients[0]

        def ask(
            about: Message = about,
            reading: Reading = reading,
            facts: Facts = facts,
            to: Recipient = recipient,
        ) -> object:
            return decide(policies, about, to, reading, facts, NOW)

        decision = decide(policies, about, recipient, reading, facts, NOW)
        entries = len(policies.plan(judged_as(about.class_, reading, facts), about.channel))
        print(f"{timed(ask):7.2f} us  {entries:3d} rules  {decision.outcome.word:9s} {name}")


if __name__ == "__main__":
    main()
