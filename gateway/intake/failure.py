"""A delivery that was given up: its place in the caps is given back, and a dead address is remembered."""

import asyncio
import os
from hashlib import blake2b
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.intake.owed import keep_without, without
from gateway.ledger.bounce import SOFT_BOUNCES
from gateway.ledger.consent import suppress
from gateway.ledger.person import Person
from gateway.message.ids import new_id
from gateway.store.attempt import Attempt, Outcome
from gateway.store.digests import SALT, event_digest
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import Entry
from gateway.store.protocol import Store, StoreError
from gateway.store.records import AuditRow, EventRow

NOBODY = bytes(16)
"""The subject of the gateway's own mail, which is about no recipient."""


def failed(entry: Entry, attempt: Attempt) -> bool:
    """Whether a recipient will not get a message that was tried for."""
    return attempt.outcome is Outcome.FAILED and attempt.counted and entry.subject_key != NOBODY


class FailDelivery:
    """Give back what a message took, and stop an address at which nobody is."""

    def __init__(self, entry: Entry, attempt: Attempt) -> None:
        self._entry = entry
        self._attempt = attempt
        self._dedup = blake2b(f"failed\0{entry.id}".encode(), digest_size=16, person=b"failure").digest()
        self._ref = (entry.controller, entry.subject_key)
        self.needs = Needs(people=(self._ref,), events=(self._dedup,))

    def apply(self, draft: Draft[bool]) -> bool:
        """True the first time; then it is done."""
        if draft.event_known(self._dedup):
            return False
        entry, event_id = self._entry, new_id(draft.now, self._dedup)
        person = without(draft, self._ref, draft.person(self._ref), entry.message_id)
        person = self._after(person, draft.now, event_id)
        keep_without(draft, self._ref, person, entry.message_id)
        if any(stop.event == event_id for stop in person.stops):
            draft.cancel(self._ref, "bounced")
        draft.recheck(self._ref, "window")
        self._record(draft, event_id, entry)
        return True

    def _after(self, person: Person, now: float, event_id: str) -> Person:
        hard, full = self._attempt.hard_bounce, self._attempt.mailbox_full
        if full:
            person = replace(person, soft_bounces=person.soft_bounces + 1)
        if hard or (full and person.soft_bounces >= SOFT_BOUNCES):
            person = suppress(replace(person, soft_bounces=0), "bounced", now, event_id, self._entry.channel)
        return person

    def _record(self, draft: Draft[Any], event_id: str, entry: Entry) -> None:
        attempt = self._attempt
        data = orjson.dumps(
            {
                "message": entry.message_id,
                "channel": entry.channel,
                "sender": entry.sender,
                "kind": attempt.kind.value,
                "hard": attempt.hard_bounce,
                "code": attempt.code,
                "status": attempt.enhanced,
                "phase": attempt.phase,
            }
        )
        type_ = "message.bounced" if attempt.hard_bounce else "message.failed"
        row = EventRow(
            event_id,
            entry.controller,
            entry.subject_key,
            entry.source,
            type_,
            draft.now,
            draft.now,
            self._dedup,
            data,
        )
        draft.writes.events.append(row)
        salt = os.urandom(SALT)
        digest = event_digest(row, salt)
        draft.writes.audit.append(AuditRow(draft.now, f"event.{type_}", event_id, "gateway", digest, salt))


class Failures:
    """Tells the ledger of failures, each before the outbox forgets its entry: a crash in between costs
    one more try and nothing else."""

    RETRY_SECONDS = 1.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    def tell(self, entry: Entry, attempt: Attempt) -> None:
        """Note a failure; returns at once."""
        task = asyncio.get_running_loop().create_task(self._tell(entry, attempt), name="failure")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, entry: Entry, attempt: Attempt) -> None:
        while True:
            try:
                await self._store.run(FailDelivery(entry, attempt))
            except StoreError:
                if self._stopping:
                    return
                await asyncio.sleep(self.RETRY_SECONDS)
            else:
                break
        self._store.settle(entry, attempt)

    async def stop(self) -> None:
        """Finish; what the store will not take now is told again after the next start."""
        self._stopping = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
