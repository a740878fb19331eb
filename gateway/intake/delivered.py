"""A delivery that the relay took, entered where subscribers are told from; only where somebody subscribed."""

import asyncio
import os
from hashlib import blake2b
from typing import Any

import orjson

from gateway.intake.failure import NOBODY
from gateway.message.ids import new_id
from gateway.store.attempt import Attempt, Outcome
from gateway.store.digests import SALT, event_digest
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import Entry
from gateway.store.protocol import Store, StoreError
from gateway.store.records import AuditRow, EventRow


class NoteDelivery:
    """Note that the relay has a message now. It says nothing of the mailbox behind, and changes nothing of
    what is known of the person."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._dedup = blake2b(f"delivered\0{entry.id}".encode(), digest_size=16, person=b"delivery").digest()
        self.needs = Needs(events=(self._dedup,))

    def apply(self, draft: Draft[bool]) -> bool:
        """True the first time."""
        if draft.event_known(self._dedup):
            return False
        entry, salt = self._entry, os.urandom(SALT)
        told: dict[str, Any] = {
            "message": entry.message_id,
            "channel": entry.channel,
            "sender": entry.sender,
            "note": "handed_over",
        }
        row = EventRow(
            new_id(draft.now, self._dedup),
            entry.controller,
            entry.subject_key,
            entry.source,
            "message.delivered",
            draft.now,
            draft.now,
            self._dedup,
            orjson.dumps(told),
        )
        draft.writes.events.append(row)
        digest = event_digest(row, salt)
        draft.writes.audit.append(AuditRow(draft.now, f"event.{row.type}", row.id, "gateway", digest, salt))
        return True


class Deliveries:
    """Notes deliveries for those who want to hear of them: `controllers` are those with such a subscriber,
    and may be replaced."""

    RETRY_SECONDS = 1.0

    def __init__(self, store: Store, controllers: frozenset[str]) -> None:
        self._store = store
        self.controllers = controllers
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def hear(self, entry: Entry, attempt: Attempt) -> None:
        """Note an attempt that delivered, in the batch that settles it; returns at once."""
        wanted = entry.controller in self.controllers and entry.subject_key != NOBODY
        if not wanted or attempt.outcome is not Outcome.DELIVERED:
            return
        task = asyncio.get_running_loop().create_task(self._note(entry), name="delivered")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _note(self, entry: Entry) -> None:
        while not self._stopping:
            try:
                await self._store.run(NoteDelivery(entry))
            except StoreError:
                await asyncio.sleep(self.RETRY_SECONDS)
            else:
                return

    async def stop(self) -> None:
        """Finish."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.RETRY_SECONDS)
        self._stopping = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
