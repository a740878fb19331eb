"""What a recipient says of their own accord, on a page or by one click: units that only restrict.

Whoever follows a link in a message may stop, pause or refuse sales, never agree to anything. A wish that
was told before changes nothing; two at once are as good as one.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from gateway.intake.consents import ConsentInput, aliases_of, record_consent
from gateway.intake.letterhead import has_one_click
from gateway.intake.tokens import WayOut
from gateway.keys import Keys
from gateway.ledger.person import Person
from gateway.message.address import normalize
from gateway.message.content import Content
from gateway.message.envelope import Message
from gateway.message.ids import new_id
from gateway.metrics import Metrics
from gateway.store.attempt import Report
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import queue_call, queue_report
from gateway.store.packing import unpack_message
from gateway.store.protocol import Store
from gateway.store.records import AuditRow, Ref

ACTOR = "recipient"
"""Who did it, in the audit log: the person written to, by a link that only they were sent."""
LONGEST_PAUSE = 366 * 86400.0
_HTTPS = re.compile(r"<(https://[^<>\s]{1,2000})>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asks for. `leave` are (purpose, channel) pairs, of which either may be empty for all;
    `paused_until` is unix seconds, 0 for no pause."""

    leave: tuple[tuple[str, str], ...] = ()
    everything: bool = False
    no_sales: bool = False
    paused_until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of a wish: whether anything changed, and whether someone left."""

    changed: bool
    left: bool = False


class Restrict:
    """Do what a person wishes, once: log it, change what is known, cancel what waits for them.

    `proof` is where and how it was said. `message` is the one whose link was used: where its tool has a
    one-click address of its own and its purpose was left, the tool is told too.
    """

    __slots__ = ("_message", "_proof", "_ref", "_way", "_wish", "needs")

    def __init__(self, ref: Ref, wish: Wish, proof: Mapping[str, str], way: WayOut | None = None) -> None:
        self._ref = ref
        self._wish = wish
        self._proof = proof
        self._way = way
        self.needs = Needs(people=(ref,), messages=(way.message,) if way else ())

    def apply(self, draft: Draft[Heard]) -> Heard:
        """What changed; a wish that stands already is heard again and changes nothing."""
        wish, ref = self._wish, self._ref
        left = False
        if wish.everything:
            left = self._record(draft, "objected", "", "")
        for purpose, channel in wish.leave:
            if not has_left(draft.person(ref), purpose, channel):
                left |= self._record(draft, "withdrawn", purpose, channel)
        changed = self._prefer(draft) | left
        if changed:
            for other in (ref, *aliases_of(draft, ref)):
                draft.cancel(other, "the person asked for it")
        if left and self._way is not None:
            self._tell_tool(draft, self._way)
        return Heard(changed=changed, left=left)

    def _record(self, draft: Draft[Any], action: str, purpose: str, channel: str) -> bool:
        # A clock that went back must not make what is said now older than what was agreed to before.
        agreed = (p.at for p in draft.person(self._ref).permissions)
        line = ConsentInput(
            controller=self._ref[0],
            channel=channel,
            address="",
            purpose=purpose,
            action=action,
            at=max(draft.now, *agreed, 0.0),
            imported=False,
            source=ACTOR,
            proof=self._proof,
        )
        if action == "objected" and has_objected(draft.person(self._ref)):
            return False
        return record_consent(draft, self._ref, line, ACTOR)

    def _prefer(self, draft: Draft[Any]) -> bool:
        person, wish = draft.person(self._ref), self._wish
        after = person
        if wish.no_sales and not person.no_sales_at:
            after = replace(after, no_sales_at=draft.now)
        until = min(wish.paused_until, draft.now + LONGEST_PAUSE)
        if until > max(person.paused_until, draft.now):
            after = replace(after, paused_until=until)
        if after == person:
            return False
        draft.set_person(self._ref, after)
        said = "no_sales" if after.no_sales_at != person.no_sales_at else "pause"
        note(draft, f"preference.{said}", self._ref)
        return True

    def _tell_tool(self, draft: Draft[Any], way: WayOut) -> None:
        found = draft.message(way.message)
        if found is None:
            return
        row, _ = found
        message = unpack_message(
            row.meta, message_id=row.id, source=row.source, controller=row.controller, channel=row.channel,
            received_at=row.received_at, content=Content(channel=row.channel), raw=b"",
        )  # fmt: skip
        url = tool_url(message)
        person = draft.person(self._ref)
        if url and has_left(person, way.purpose, way.channel):
            call_id = new_id(draft.now, os.urandom(10))
            queue_call(draft, call_id, url, message.source, message.controller)


class Lift:
    """Take back an own wish, by someone who reads the mailbox: `lift_sales` or `lift_pause`."""

    __slots__ = ("_ref", "_wish", "needs")

    def __init__(self, ref: Ref, wish: str) -> None:
        self._ref = ref
        self._wish = wish
        self.needs = Needs(people=(ref,))

    def apply(self, draft: Draft[bool]) -> bool:
        """Whether there was anything to take back."""
        person = draft.person(self._ref)
        if self._wish == "lift_sales":
            after = replace(person, no_sales_at=0.0)
        else:
            after = replace(person, paused_until=0.0)
        if after == person:
            return False
        draft.set_person(self._ref, after)
        note(draft, f"preference.{self._wish}", self._ref)
        draft.recheck(self._ref, "window")
        return True


class Post:
    """Queue a letter of the gateway's own, durably before anyone is told that it is on its way."""

    __slots__ = ("_letter", "needs")

    def __init__(self, letter: Report) -> None:
        self._letter = letter
        self.needs = Needs()

    def apply(self, draft: Draft[None]) -> None:
        """Put it in the outbox."""
        queue_report(draft, self._letter)


def tool_url(message: Message) -> str:
    """The https address at which a tool takes one-click withdrawals (RFC 8058), or ""."""
    found = _HTTPS.search(message.list_unsubscribe) if has_one_click(message) else None
    return found.group(1) if found else ""


def has_left(person: Person, purpose: str, channel: str) -> bool:
    """Whether a stop for all of this stands, and no consent to it."""
    if any(
        p.state == "granted" and purpose in ("", p.purpose) and channel in ("", p.channel)
        for p in person.permissions
    ):
        return False
    return any(
        s.kind in ("unsubscribed", "objected", "stop_request", "complained")
        and (not s.purposes or purpose in s.purposes)
        and (not s.channels or channel in s.channels)
        and (purpose, channel) not in s.spares
        for s in person.stops
    )


def has_objected(person: Person) -> bool:
    """Whether an objection to everything stands, and nothing was agreed to since."""
    return any(s.kind == "objected" and not (s.purposes or s.channels or s.spares) for s in person.stops)


def note(draft: Draft[Any], kind: str, ref: Ref) -> None:
    """An audit entry about a person's own doing, without personal data."""
    salt = os.urandom(16)
    digest = blake2b(ref[1], key=salt, digest_size=32).digest()
    draft.writes.audit.append(AuditRow(draft.now, kind, new_id(draft.now, salt), ACTOR, digest, salt))


class Leaving:
    """Where pages and mail tell what recipients wish."""

    def __init__(self, store: Store, keys: Keys, metrics: Metrics) -> None:
        self._store = store
        self._keys = keys
        self._metrics = metrics

    async def restrict(self, way: WayOut, wish: Wish, proof: Mapping[str, str]) -> Heard:
        """Do what the reader of a message wishes; returns once it is durable. Raises StoreError."""
        ref = (way.controller, way.subject)
        heard = await self._store.run(Restrict(ref, wish, {**proof, "message": way.message}, way))
        if heard.left:
            self._metrics.unsubscribe()
        return heard

    async def leave(self, way: WayOut, proof: Mapping[str, str]) -> Heard:
        """Withdraw from what a message was sent for."""
        return await self.restrict(way, Wish(leave=((way.purpose, way.channel),)), proof)

    async def person(self, way: WayOut) -> Person:
        """What is known of the reader."""
        return await self._store.person((way.controller, way.subject))

    async def address(self, way: WayOut, typed: str) -> str:
        """The address that a message went to, from the message while it is kept, else as it is typed
        where that is the right one; "" where it cannot be told. Never to be shown."""
        found = await self._store.message(way.message)
        candidates: Iterable[str] = (typed,)
        if found is not None:
            row, _ = found
            message = unpack_message(
                row.meta, message_id=row.id, source=row.source, controller=row.controller,
                channel=row.channel, received_at=row.received_at, content=Content(channel=row.channel),
                raw=b"",
            )  # fmt: skip
            candidates = (*(r.address for r in message.recipients[way.n : way.n + 1]), typed)
        for address in candidates:
            if address and self._keys.subject(way.channel, normalize(way.channel, address)) == way.subject:
                return address
        return ""
