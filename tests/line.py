"""The line without sockets: a store in a temporary file, the shipped policies, an Intake; for tests."""

import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gateway.access import Access, development_access
from gateway.intake import Intake, Receipt
from gateway.intake.consents import ConsentInput, Consents
from gateway.keys import Keys
from gateway.message.content import Content
from gateway.message.envelope import Message, Recipient, Sender
from gateway.message.ids import new_id
from gateway.metrics import Metrics
from gateway.policy.live import LivePolicies
from gateway.policy.load import load
from gateway.policy.policies import PolicySet
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.review import Review
from gateway.store.protocol import Store
from gateway.store.sqlite import SqliteStore

ROOT = Path(__file__).resolve().parents[1]
NOW = 1_790_000_000.0
DAY = 86400.0
KEYS = Keys((bytes(range(32)),), (bytes(range(1, 33)),), bytes(range(2, 34)))


class Clock:
    """A clock that tests move."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@cache
def reader() -> Reader:
    """The shipped lexicons, read once."""
    return Reader(load_lexicons(ROOT / "policies" / "lexicons"))


@cache
def shipped() -> PolicySet:
    """The shipped policies, read once."""
    return load(ROOT / "policies", reader())


@dataclass(slots=True)
class Line:
    """Everything between an ingress and the outbox."""

    store: Store
    intake: Intake
    review: Review
    consents: Consents
    policies: LivePolicies
    access: Access
    clock: Clock
    metrics: Metrics

    async def submit(self, **given: Any) -> Receipt:
        """Submit a message made by `message`."""
        return await self.intake.submit(message(now=self.clock(), **given))

    async def consent(self, *addresses: str, **given: Any) -> None:
        """Record double opt-ins."""
        await self.consents.record(
            [consent(address, now=self.clock(), **given) for address in addresses], "test"
        )


@asynccontextmanager
async def line(
    folder: Path,
    policies: PolicySet | None = None,
    *,
    access: Access | None = None,
    clock: Clock | None = None,
    store: Store | None = None,
) -> AsyncIterator[Line]:
    """A line on a database in `folder`, or on a store that was not started yet."""
    clock = clock or Clock()
    access = access or development_access()
    live = LivePolicies(shipped() if policies is None else policies)
    store = store or SqliteStore(folder / "line.db", clock=clock)
    await store.start()
    metrics = Metrics()
    intake = Intake(store, reader(), live, access, KEYS, metrics, hold_seconds=14 * DAY)
    try:
        yield Line(
            store,
            intake,
            Review(store, reader(), live, access, KEYS, metrics=metrics),
            Consents(store, KEYS),
            live,
            access,
            clock,
            metrics,
        )
    finally:
        await store.close()


_numbers = itertools.count(1)


def message(
    *,
    to: str | Iterable[str] = "anna@example.org",
    text: str = "Buongiorno, il vostro ordine 12 è partito oggi.",
    class_: str = "transactional",
    channel: str = "email",
    sender: str = "elena@acme.example",
    now: float = NOW,
    name: str = "",
    **given: Any,
) -> Message:
    """A message of the development source, in a format its channel takes."""
    addresses = [to] if isinstance(to, str) else list(to)
    number = next(_numbers)
    raw = f"From: {sender}\r\nSubject: \r\n\r\n{text}\r\n".encode()
    return Message(
        id=new_id(now, number.to_bytes(10, "big")),
        source="development",
        controller="default",
        channel=channel,
        sender=Sender(address=sender, key=sender),
        recipients=tuple(Recipient(channel=channel, address=a, key=a, name=name) for a in addresses),
        content=Content(channel=channel, text=text, recipient_name=name, own_words=(name,) if name else ()),
        raw=raw,
        received_at=now,
        envelope_from=sender,
        class_=class_,
        **given,
    )


def consent(
    address: str, *, now: float = NOW, purpose: str = "newsletter", channel: str = "email", **given: Any
) -> ConsentInput:
    """A double opt-in of a month ago."""
    given.setdefault("action", "confirmed")
    given.setdefault("at", now - 30 * DAY)
    return ConsentInput(
        controller="default",
        channel=channel,
        address=address,
        purpose=purpose,
        proof={
            "wording": "Sì",
            "ip": "192.0.2.1",
            "confirmed_at": "2026-01-01T10:00:00Z",
            "confirmed_ip": "192.0.2.1",
        },
        **given,
    )
