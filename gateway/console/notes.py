"""What the console keeps in the store: rows that expire by themselves, and entries of the audit log.

Sessions, proposals of a first reviewer and the like are rows of `replays` under keys of their own, so that
every replica knows them and none outlives its time.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import AuditRow, ReplayRow

_FIND = "SELECT answer FROM replays WHERE key = ? AND expires_at > ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to keep until `expires_at` (unix seconds; 0 forgets it)."""

    key: bytes
    said: Any
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something a person did, for the audit log: `kind`, to what, by whom, and what else there is to say."""

    kind: str
    reference: str
    actor: str
    detail: str = ""


class Keep:
    """Notes and deeds, written in one transaction."""

    def __init__(self, notes: Sequence[Note] = (), deeds: Sequence[Deed] = ()) -> None:
        self._notes = notes
        self._deeds = deeds
        self.needs = Needs()

    def apply(self, draft: Draft[Any]) -> None:
        """Write them."""
        for note in self._notes:
            row = ReplayRow(note.key, note.expires_at, orjson.dumps(note.said))
            draft.writes.replays[note.key] = row
        for deed in self._deeds:
            draft.writes.audit.append(entry_of(deed, draft.now))


def entry_of(deed: Deed, now: float) -> AuditRow:
    """The entry of the audit log: a salted digest of what was done."""
    salt = os.urandom(16)
    said = f"{deed.kind}\0{deed.reference}\0{deed.actor}\0{deed.detail}".encode(errors="replace")
    digest = blake2b(said, key=salt, digest_size=32).digest()
    return AuditRow(now, deed.kind, deed.reference, deed.actor, digest, salt)


async def find(store: Store, key: bytes, now: float) -> Any | None:
    """What a note says, or None where there is none any more."""
    rows = await store.few(_FIND, (key, now))
    return orjson.loads(rows[0][0]) if rows else None
