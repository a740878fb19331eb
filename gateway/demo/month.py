"""A month of believable traffic, written through the gateway's own line with a clock that is moved.

What is left at the end: accepted and delivered messages, refusals, replies and withdrawals, two reviewers'
decisions, and the last two days' holds still open.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import orjson
from msgspec import structs

from gateway.access import Access, Source
from gateway.app.parts import read_access, read_keys, read_policies
from gateway.demo.letters import FIRST, LAST, LETTERS, REASONS, STRAY, Letter
from gateway.intake import Intake
from gateway.intake.consents import ConsentInput, Consents
from gateway.intake.events import Events
from gateway.intake.rebuild import content_for
from gateway.intake.review_pile import Kept, TakeIn
from gateway.keys import Keys
from gateway.ledger.happening import Happening
from gateway.message.content import Content
from gateway.message.envelope import Identifier, Message, Recipient, Sender
from gateway.message.ids import new_id
from gateway.metrics import Metrics
from gateway.review import AlreadyDecided, HoldGone, Review
from gateway.settings import Settings
from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.protocol import HoldFilter, Store
from gateway.store.sqlite import SqliteStore

DAY = 86400.0
CONTROLLER = "default"
PEOPLE = 300
WEEKDAY, WEEKEND = 60, 10
MAILBOX = "elena.riva@acme.example"
PROFILE = "https://www.linkedin.com/in/elena-riva-example"
REVIEWERS = ("ada", "bruno")


@dataclass(slots=True)
class Clock:
    """The time of the month, moved by hand."""

    now: float

    def __call__(self) -> float:
        """The moment, in unix seconds."""
        return self.now


@dataclass(frozen=True, slots=True)
class Reader:
    """One of the people who are written to; `kind` is subscriber, stranger or friend."""

    name: str
    kind: str

    def address(self, channel: str) -> str:
        """Where they are on a channel; nobody is there."""
        slug = self.name.lower().replace(" ", ".")
        if channel == "email":
            return f"{slug}@lettori.example"
        return f"https://www.linkedin.com/in/{slug.replace('.', '-')}-example"


@dataclass(slots=True)
class Month:
    """Everything that the month is written with."""

    clock: Clock
    store: Store
    intake: Intake
    review: Review
    events: Events
    consents: Consents
    rng: random.Random
    people: list[Reader] = field(default_factory=list)
    told: int = 0

    async def day(self, start: float, until: float) -> int:
        """One day, at most to a moment: what is sent, what comes back. Returns how many were sent."""
        weekend = datetime.fromtimestamp(start, UTC).weekday() > 4
        count = max(1, int(self.rng.gauss(WEEKEND if weekend else WEEKDAY, 6)))
        moments = sorted(self.rng.uniform(start + 7 * 3600, start + 18 * 3600) for _ in range(count))
        for at in (at for at in moments if at < until - 5400):
            self.clock.now = at
            await self._send(self.rng.choices(LETTERS, [letter.weight for letter in LETTERS])[0])
        self.clock.now = min(start + 19 * 3600, until)
        await self._deliver()
        return sum(at < until - 5400 for at in moments)

    async def _send(self, letter: Letter) -> None:
        reader = self.rng.choice([p for p in self.people if p.kind == letter.to])
        message = compose(letter, reader, self.clock.now, self.rng)
        receipt = await self.intake.submit(message)
        if receipt.status == "accepted" and letter.class_ != "transactional":
            await self._answer(letter, reader)

    async def _answer(self, letter: Letter, reader: Reader) -> None:
        """Some people write back, a few want no more."""
        chance = self.rng.random()
        kinds = (
            (0.10 if letter.channel == "linkedin" else 0.03, "message.replied"),
            (0.11 if letter.channel == "linkedin" else 0.036, "unsubscribe"),
            (0.111 if letter.channel == "linkedin" else 0.0365, "complaint"),
        )
        kind = next((kind for limit, kind in kinds if chance < limit), "")
        if kind:
            await self.tell(kind, reader, letter.channel)
            if kind == "message.replied" and self.rng.random() < 0.8:
                self.clock.now += self.rng.uniform(600, 5400)
                await self.tell("message.answered", reader, letter.channel)

    async def tell(self, kind: str, reader: Reader, channel: str, at: float = 0.0) -> None:
        """One event about a reader."""
        self.told += 1
        address = reader.address(channel)
        await self.events.tell(
            Happening(
                type=kind,
                controller=CONTROLLER,
                source="linkedin" if channel == "linkedin" else "crm",
                source_event_id=f"month-{self.told}",
                occurred_at=at or self.clock.now,
                received_at=self.clock.now,
                channel=channel,
                recipients=(Identifier(channel=channel, address=address, key=address),),
                sender=PROFILE if channel == "linkedin" else MAILBOX,
                text="Grazie, mi fa piacere!" if kind == "message.replied" else "",
                opens=True,
            )
        )

    async def decide(self, before: float) -> None:
        """Reviewers go through what was held before a moment."""
        for hold in await self.store.holds(HoldFilter(created_before=before, limit=500)):
            verdict = "release" if self.rng.random() < 0.4 else "reject"
            deed = self.review.release if verdict == "release" else self.review.reject
            self.clock.now += self.rng.uniform(20, 90)
            try:
                result = await deed(hold.id, self.rng.choice(REVIEWERS), self.rng.choice(REASONS[verdict]))
                if result.status == "open":
                    await self.review.reject(hold.id, self.rng.choice(REVIEWERS), "the policies refuse it")
            except (AlreadyDecided, HoldGone):
                continue

    async def stray(self) -> None:
        """Replies come in that answer nothing we know."""
        for author, subject, text in STRAY:
            kept = Kept(
                dedup=self.rng.randbytes(16),
                controller=CONTROLLER,
                reason="unmatched",
                message="",
                author=author,
                addressed=(MAILBOX,),
                subject=subject,
                text=text,
                at=self.clock.now,
            )
            await self.store.run(TakeIn(kept=kept))

    async def _deliver(self) -> None:
        """Everything accepted arrives; nothing is sent from here."""
        done = Attempt(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, relay="smtp", phase="final", code=250)
        while (await self.store.depths()).outbox:
            for entry in await self.store.take(100):
                self.store.settle(entry, done)
            await self.store.check()


def _last_noon(start: float) -> float:
    """Until when reviewers go through holds on the day that starts then: noon of the working day before; 0.0
    where they have a weekend."""
    weekday = datetime.fromtimestamp(start, UTC).weekday()
    return 0.0 if weekday > 4 else start - (60 if weekday == 0 else 12) * 3600


def compose(letter: Letter, reader: Reader, at: float, rng: random.Random) -> Message:
    """One message as its tool would hand it over."""
    first = reader.name.split()[0]
    text = rng.choice(letter.texts).format(first)
    address = reader.address(letter.channel)
    sender = MAILBOX if letter.channel == "email" else PROFILE
    raw = _mail(letter, reader, text) if letter.channel == "email" else orjson.dumps({"text": text})
    message = Message(
        id=new_id(at, rng.randbytes(10)),
        source=letter.source,
        controller=CONTROLLER,
        channel=letter.channel,
        sender=Sender(address=sender, key=sender, name="Elena Riva"),
        recipients=(Recipient(channel=letter.channel, address=address, key=address, name=reader.name),),
        content=Content(channel=letter.channel),
        raw=raw,
        format="mime" if letter.channel == "email" else "json",
        received_at=at,
        class_=letter.class_,
        purpose=letter.purpose,
        campaign=letter.campaign,
        envelope_from=sender if letter.channel == "email" else "",
        list_unsubscribe="<https://www.acme.example/u>" if letter.to == "subscriber" else "",
        list_unsubscribe_post="List-Unsubscribe=One-Click" if letter.to == "subscriber" else "",
    )
    return structs.replace(message, content=content_for(message))


def _mail(letter: Letter, reader: Reader, text: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Elena Riva <{MAILBOX}>", f"{reader.name} <{reader.address('email')}>"
    mail["Subject"] = letter.subject
    if letter.to == "subscriber":
        mail["List-Unsubscribe"] = "<https://www.acme.example/u>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(text)
    return mail.as_bytes(policy=SMTP)


def invent_people(rng: random.Random) -> list[Reader]:
    """The people of the month: half subscribers, a third strangers, the rest friends."""
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    kinds = ("subscriber", "subscriber", "subscriber", "stranger", "stranger", "friend")
    return [Reader(name, kinds[n % len(kinds)]) for n, name in enumerate(rng.sample(names, PEOPLE))]


def opt_ins(people: list[Reader], at: float) -> Iterator[ConsentInput]:
    """Double opt-ins of the subscribers: to the newsletter all of them, to offers every other one."""
    for n, reader in enumerate(p for p in people if p.kind == "subscriber"):
        for purpose in ("newsletter", "offers")[: 1 + n % 2]:
            yield ConsentInput(
                controller=CONTROLLER, channel="email", address=reader.address("email"), purpose=purpose,
                action="confirmed", at=at, imported=False,
                proof={
                    "wording": "Sì, desidero ricevere questi messaggi.", "language": "it", "ip": "192.0.2.10",
                    "form_url": "https://www.acme.example/iscriviti", "confirmed_ip": "192.0.2.10",
                    "confirmed_at": datetime.fromtimestamp(at + 300, UTC).isoformat(timespec="seconds"),
                },
            )  # fmt: skip


def tools(access: Access) -> Access:
    """The access of the demo with the month's tools in it."""
    model = next(iter(access.sources.values()))
    extra = {letter.source: Source(name=letter.source, controller=CONTROLLER, events="open", reply_feed=True)
             for letter in LETTERS}  # fmt: skip
    return replace(access, sources={model.name: model, **extra})


async def fill_month(
    settings: Settings, days: int, now: float, told: Callable[[int], None] = lambda day: None
) -> int:
    """Write the days before `now` into the database of the settings; returns how many messages."""
    assert settings.sqlite_file is not None
    access, rng = tools(read_access(settings)), random.Random(days)
    keys: Keys = read_keys(settings.keys_file, make=True)
    reader, policies = read_policies(settings)
    first = (now // DAY - days) * DAY
    clock, metrics = Clock(first), Metrics()
    store = SqliteStore(settings.sqlite_file, clock=clock, chain="demo")
    await store.start()
    hold_seconds = settings.hold_expiry.total_seconds()
    month = Month(
        clock=clock,
        store=store,
        intake=Intake(store, reader, policies, access, keys, metrics, hold_seconds=hold_seconds),
        review=Review(store, reader, policies, access, keys),
        events=Events(store, reader, keys, metrics, access),
        consents=Consents(store, keys),
        rng=rng,
        people=invent_people(rng),
    )
    sent = 0
    try:
        await month.consents.record(list(opt_ins(month.people, first - 20 * DAY)), "demo")
        for friend in (p for p in month.people if p.kind == "friend"):
            await month.tell("connection.accepted", friend, "linkedin")
        for day in range(days + 1):
            start = first + day * DAY
            clock.now = min(start + 8 * 3600, now - 3600)
            if (back := _last_noon(start)) and start + 8 * 3600 <= now:
                await month.decide(back)
            sent += await month.day(start, now)
            told(min(day + 1, days))
        await month.stray()
    finally:
        await store.close()
    return sent
