"""Which message a reply, a bounce or a complaint is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from gateway.intake.rebuild import rebuild
from gateway.intake.return_path import read_return_path
from gateway.intake.tokens import read_leave_address
from gateway.keys import Keys
from gateway.ledger.autoreply import is_marked_reply, trace_of
from gateway.message.address import normalize
from gateway.message.envelope import Message, Recipient
from gateway.message.ids import time_of
from gateway.store.packing import subject_trace
from gateway.store.protocol import Store

MOST_IDS = 8
"""Of the ids that a reply names, the last ones: those nearest to it."""
RECENT = 90 * 86400.0
"""How long after a message one from the same person, to its sender, without any id, belongs to it."""

WEEK = 7 * 86400.0
MOMENT = 0.001
"""Seconds: as exactly as the id of a message tells when it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message that went out, without its body, and which recipient this is about: `n` from 0, -1 where
    nobody knows. `how` it was found: by `token` (for certain), `id` or `people`."""

    message: Message
    n: int
    how: str

    @property
    def recipient(self) -> Recipient | None:
        """Whom this is about."""
        return self.message.recipients[self.n] if self.n >= 0 else None


class Matching:
    """Finds messages by what comes back. Where a `controller` is named, only its messages are looked at."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    async def by_token(self, addresses: Iterable[str], controller: str = "") -> Sent | None:
        """By a return path of our own."""
        for address in addresses:
            named = read_return_path(self._keys, address)
            if named is None:
                continue
            message = await self._message(named[0], controller)
            if message is not None and named[1] < len(message.recipients):
                return Sent(message=message, n=named[1], how="token")
        return None

    async def by_way_out(self, addresses: Iterable[str], controller: str = "") -> Sent | None:
        """By the mailbox of a mailto way out."""
        for address in addresses:
            named = read_leave_address(self._keys, address)
            message = await self._message(named[0], controller) if named else None
            if named and message is not None and named[1] < len(message.recipients):
                return Sent(message=message, n=named[1], how="token")
        return None

    async def by_ids(self, ids: Sequence[str], addresses: Iterable[str], controller: str = "") -> Sent | None:
        """By the Message-IDs that it names; of several messages the one that went to an address named."""
        wanted = frozenset(normalize("email", address) for address in addresses)
        doubtful = None
        for message_id in tuple(reversed(ids))[:MOST_IDS]:
            for name in await self._store.sent_as(message_id):
                message = await self._message(name, controller)
                if message is None:
                    continue
                n = _find(message, wanted)
                if n >= 0:
                    return Sent(message=message, n=n, how="id")
                alone = 0 if len(message.recipients) == 1 else -1
                doubtful = doubtful or Sent(message=message, n=alone, how="id")
        return doubtful

    async def latest(self, source: str, controller: str, address: str, before: float) -> str:
        """The id of the latest message that a source sent to an address, at most a week before a moment; ""
        for none. A guess, for providers that say nothing of which message they mean."""
        subject = self._keys.subject("email", normalize("email", address))
        for name in await self._store.sent_to((controller, subject)):
            if before - time_of(name) > WEEK:
                break
            message = await self._message(name) if time_of(name) < before + MOMENT else None
            if message is not None and message.source == source:
                return message.id
        return ""

    async def by_people(
        self, author: str, addresses: Iterable[str], controllers: Iterable[str], now: float
    ) -> Sent | None:
        """By who writes to whom: the latest message that one of the addressees sent to the author."""
        found = await self.of_each(author, addresses, controllers, now)
        return max(found, key=lambda sent: sent.message.id, default=None)

    async def of_each(
        self, author: str, addresses: Iterable[str], controllers: Iterable[str], now: float
    ) -> list[Sent]:
        """The latest message of each controller that one of the addressees sent to the author."""
        key = normalize("email", author)
        senders = frozenset(normalize("email", address) for address in addresses)
        subject = self._keys.subject("email", key)
        found = []
        for controller in controllers:
            for name in await self._store.sent_to((controller, subject)):
                if now - time_of(name) > RECENT:
                    break
                message = await self._message(name)
                if message is not None and message.sender.key in senders:
                    found.append(Sent(message=message, n=_find(message, frozenset({key})), how="people"))
                    break
        return found

    async def repeats(self, sent: Sent, subject: str) -> bool:
        """Whether a subject that begins as those of machines do is a reply's, and the message's own."""
        found = await self._store.message(sent.message.id) if is_marked_reply(subject) else None
        return (
            found is not None and bool(trace := trace_of(subject)) and trace == subject_trace(found[0].meta)
        )

    async def _message(self, name: str, controller: str = "") -> Message | None:
        found = await self._store.message(name)
        if found is None or controller not in ("", found[0].controller):
            return None
        return replace(rebuild(found[0], b""), class_=found[0].class_)


def _find(message: Message, keys: frozenset[str]) -> int:
    """Which recipient has one of the keys; -1 for none."""
    return next((n for n, r in enumerate(message.recipients) if r.channel == "email" and r.key in keys), -1)
