"""A month of a gateway's life in one SQLite file: newsletters to subscribers and to others, introductions,
pitches, receipts, one to three recipients each; decided by the gateway's own line, under the shipped
policies."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from bench import messages
from bench import templates as t
from bench.ledger import ROOT
from gateway.access import development_access
from gateway.evidence.versions import keep_policies
from gateway.intake import Intake
from gateway.intake.consents import ConsentInput, Consents
from gateway.keys import Keys
from gateway.message.address import normalize
from gateway.message.envelope import Message, Recipient, Sender
from gateway.message.ids import new_id
from gateway.message.parse import parse
from gateway.message.rewrite import metadata
from gateway.metrics import Metrics
from gateway.policy.live import LivePolicies
from gateway.policy.load import load
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.sqlite import SqliteStore

KEYS = Keys((bytes(range(32)),), (bytes(range(1, 33)),), bytes(range(2, 34)))
FIRST_DAY = datetime(2026, 10, 5, 9, tzinfo=UTC)
WORKDAYS, OPENING = 22, 7 * 3600.0
SUBSCRIBERS = 30_000
TOGETHER = 100
"""Messages under way at a time: how many a batch takes in."""
DELIVERED = Attempt(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, relay="smtp", code=250)
SOLD_OUT = "Our offer ends tonight: 40% off every plan, book your demo now and save. Do not miss it, {name}!"
INTRODUCED = (
    "Dear {full}, I am {person}, I restore shop signs in {city}. I found you on the page of {company}"
    " and write because your sign of {n} letters is one of the last painted ones. May I come and look at it?"
    " If you would rather not hear from me, tell me and I will not write again."
)


class Clock:
    """Moves through the working hours of a month as messages are made."""

    def __init__(self, count: int) -> None:
        self.now = FIRST_DAY.timestamp()
        days = [FIRST_DAY + timedelta(days=n) for n in range(60)]
        self._days = [day.timestamp() for day in days if day.weekday() < 5][:WORKDAYS]
        self._count = count

    def __call__(self) -> float:
        return self.now

    def move(self, number: int) -> None:
        """To the time of the message with this number."""
        at = number / max(1, self._count) * WORKDAYS
        day = min(int(at), WORKDAYS - 1)
        self.now = self._days[day] + (at - day) * OPENING


def compose(draw: random.Random, number: int, now: float) -> Message:
    """One message of the month."""
    kind = draw.random()
    reader = draw.randrange(SUBSCRIBERS) if kind < 0.75 else SUBSCRIBERS + number
    if kind < 0.83:
        sender, raw = messages.compose(draw, reader, f"past.{number}")
    elif kind < 0.91:
        sender, raw = "ordini@cartoleria.example.com", _receipt(number)
    else:
        sender, raw = _letter(draw, number, INTRODUCED if kind < 0.96 else SOLD_OUT)
    others = [reader + n * 7 for n in range(draw.choice((0,) * 18 + (1, 2)))]
    return _message(sender, raw, [reader, *others], number, now)


def _receipt(number: int) -> bytes:
    return messages.receipt().replace(b"48213", str(number).encode()).replace(b"\n", b"\r\n")


def _letter(draw: random.Random, number: int, text: str) -> tuple[str, bytes]:
    letter = draw.choice([each for each in t.LETTERS if each.language == "en"])
    said = text.format_map(messages.facts(draw, letter) | messages.reader_facts(draw, number))
    head = f"From: Nina Holm <nina@signs.example.com>\r\nSubject: Your sign\r\nDate: {messages.DATE}\r\n"
    head += f"Message-ID: <{number}@signs.example.com>\r\nX-Galateo-Class: outreach\r\n"
    head += "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    return "nina@signs.example.com", (head + said + "\r\n").encode()


def _message(sender: str, raw: bytes, readers: Iterable[int], number: int, now: float) -> Message:
    parsed = parse(raw)
    declared = metadata(parsed)
    addresses = [messages.address(reader) for reader in readers]
    name = " ".join(messages.reader(next(iter(readers)))) if len(addresses) == 1 else ""
    author = parsed.content.sender_address or sender
    return Message(
        id=new_id(now, number.to_bytes(10, "big")),
        source="development",
        controller="default",
        channel="email",
        sender=Sender(address=author, key=normalize("email", author), name=parsed.content.sender_name),
        recipients=tuple(
            Recipient(channel="email", address=a, key=normalize("email", a), name=name) for a in addresses
        ),
        content=replace(parsed.content, recipient_name=name) if name else parsed.content,
        raw=raw,
        received_at=now,
        class_=declared.class_,
        purpose=declared.purpose,
        campaign=f"issue-{number // 4000}",
        kind="email",
        message_id=parsed.message_id,
        envelope_from=sender,
        list_unsubscribe=parsed.list_unsubscribe,
        list_unsubscribe_post=parsed.list_unsubscribe_post,
    )


def _consents(now: float) -> Iterator[list[ConsentInput]]:
    proof = {"wording": "Yes, send me the newsletter.", "ip": "192.0.2.10"}
    proof |= {"confirmed_at": "2026-03-02T10:05:00Z", "confirmed_ip": "192.0.2.10"}
    for first in range(0, SUBSCRIBERS, 1000):
        yield [
            ConsentInput(
                controller="default",
                channel="email",
                address=messages.address(n),
                purpose="newsletter",
                action="confirmed",
                at=now - 86400.0 * 90,
                proof=proof,
            )
            for n in range(first, first + 1000)
            if n % 12
        ]


class Past:
    """The line that decides the month; `store` is open while `fill` works."""

    def __init__(self, store: SqliteStore, clock: Clock) -> None:
        reader = Reader(load_lexicons(ROOT / "policies" / "lexicons"))
        self.policies = LivePolicies(load(ROOT / "policies", reader))
        self.store, self.clock = store, clock
        self.intake = Intake(
            store, reader, self.policies, development_access(), KEYS, Metrics(), hold_seconds=14 * 86400.0
        )

    async def subscribe(self) -> None:
        """Let the subscribers opt in."""
        await keep_policies(self.store, self.policies.current)
        now = self.clock.now
        for lines in _consents(now):
            self.clock.now += 1
            await Consents(self.store, KEYS).record(lines, "past")
        self.clock.now = now

    async def send(self, numbers: Iterable[int], seed: int = 1) -> None:
        """Decide messages and deliver what is accepted."""
        draw = random.Random(seed)

        def month() -> Iterator[Message]:
            for number in numbers:
                self.clock.move(number)
                yield compose(draw, number, self.clock())

        await self.deliver_all(month())

    async def deliver_all(self, made: Iterable[Message]) -> None:
        """Decide messages, many at a time, and deliver what is accepted."""
        delivering = asyncio.create_task(self._deliver())
        waiting: list[Awaitable[object]] = []
        for message in made:
            waiting.append(asyncio.ensure_future(self.intake.submit(message)))
            if len(waiting) == TOGETHER:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)

    async def _deliver(self) -> None:
        while True:
            for entry in await self.store.take(200):
                self.store.settle(entry, DELIVERED)


def make(path: Path, count: int, told: Callable[[int], None] = lambda done: None) -> None:
    """Fill a new database with about `count` decisions' worth of messages."""

    async def fill() -> None:
        clock = Clock(count)
        store = SqliteStore(path, clock=clock)
        await store.start()
        try:
            past = Past(store, clock)
            await past.subscribe()
            for first in range(0, count, 5000):
                await past.send(range(first, min(first + 5000, count)), seed=first)
                told(first)
        finally:
            await store.close()

    asyncio.run(fill())
