"""What is kept of a person outside their own rows: replies that were matched to nobody, and requests to
subscribe that nobody confirmed yet."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.evidence.entries import Rows
from gateway.intake.optin import Pending, pending_of
from gateway.keys import Keys
from gateway.message.address import normalize
from gateway.store.records import Ref

_UNMATCHED = "SELECT id, controller, at, data FROM events WHERE type = 'reply.unmatched'"
_WAITING = "SELECT key, answer FROM replays WHERE length(key) = 17 AND expires_at > 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """A reply that nobody could place, of whoever it says; `controller` "" where that is not known."""

    id: str
    controller: str
    at: float
    told: dict[str, Any]


async def replies_from(store: Rows, subjects: Set[bytes], keys: Keys) -> list[Unplaced]:
    """The replies matched to nobody that come from an address of these subjects, the oldest first."""
    found = []
    for name, controller, at, data in await store.rows(_UNMATCHED):
        told = orjson.loads(bytes(data))
        author = told.get("from")
        if isinstance(author, str) and author and _subject(keys, author) in subjects:
            found.append(Unplaced(id=str(name), controller=str(controller), at=float(at), told=told))
    return sorted(found, key=lambda one: one.id)


def _subject(keys: Keys, address: str) -> bytes:
    return keys.subject("email", normalize("email", address))


async def requests_of(store: Rows, ref: Ref) -> list[tuple[bytes, Pending]]:
    """The requests to subscribe that wait for their confirmation, each with the key it is kept under."""
    mark = ref[1].hex().encode()
    rows = [(bytes(key), bytes(answer)) for key, answer in await store.rows(_WAITING)]
    found = [(key, pending_of(answer)) for key, answer in rows if mark in answer]
    return [(key, one) for key, one in found if (one.controller, one.subject) == ref]
