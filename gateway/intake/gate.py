"""The door of the outbox: what waited is asked again before it leaves.

Only the floor, `consent`, `reply_duty` and `quiet_hours` are asked. What may not leave any more is
taken out, and held where a hold could still help.
"""

from collections.abc import Sequence
from dataclasses import replace

from gateway.access import Access
from gateway.intake.accept import put_on_hold, record
from gateway.intake.person_facts import alias_refs, facts_for
from gateway.intake.rebuild import controller_of, rebuild, source_of
from gateway.keys import Keys
from gateway.ledger.relationship import give_back
from gateway.message.envelope import Message
from gateway.policy.decide import AFTER_A_WAIT, decide
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Outcome
from gateway.policy.policies import PolicySet
from gateway.reading.reading import Reading
from gateway.store.attempt import Attempt, Kind, Report
from gateway.store.attempt import Outcome as Delivered
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import Entry
from gateway.store.packing import unpack_reading
from gateway.store.protocol import Store, StoreError

WAITED = 60.0
"""Seconds in the outbox after which an entry is asked again."""


class _Leave:
    """Ask whether an entry that waited may still go."""

    def __init__(
        self,
        entry: Entry,
        message: Message,
        reading: Reading,
        policies: PolicySet,
        access: Access,
        keys: Keys,
        hold_seconds: float,
    ) -> None:
        self._entry = entry
        self._message = replace(message, class_=entry.class_)
        self._reading = reading
        self._policies = policies
        self._access = access
        self._hold_seconds = hold_seconds
        self._n = int(entry.id.rpartition("-")[2])
        self._aliases = alias_refs(keys, message.controller, message.recipients[self._n])
        self.needs = Needs(people=((entry.controller, entry.subject_key), *self._aliases))

    def apply(self, draft: Draft[bool]) -> bool:
        """True when it may go; else it is decided anew and leaves the outbox."""
        message, n, ref = self._message, self._n, (self._entry.controller, self._entry.subject_key)
        recipient = message.recipients[n]
        source, controller = source_of(self._access, message), controller_of(self._access, message)
        draft.set_person(ref, give_back(draft.person(ref), message.id))
        facts = facts_for(
            draft, message, recipient, ref, self._reading, source, controller, aliases=self._aliases
        )
        decision = decide(
            self._policies,
            message,
            recipient,
            self._reading,
            facts,
            draft.now,
            only=AFTER_A_WAIT,
            class_=message.class_,
        )
        if decision.outcome is Outcome.ACCEPT:
            del draft.writes.people[ref]
            return True
        record(draft, message, n, ref, facts, decision, 1)
        if decision.outcome is Outcome.HOLD:
            put_on_hold(draft, message, n, ref, decision, self._hold_seconds, self._reading)
        return False


class GatedOutbox:
    """The store's outbox, with the gate before it."""

    def __init__(
        self, store: Store, policies: LivePolicies, access: Access, keys: Keys, hold_seconds: float
    ) -> None:
        self._store = store
        self._policies = policies
        self._access = access
        self._keys = keys
        self._hold_seconds = hold_seconds

    async def take(self, limit: int) -> Sequence[Entry]:
        """Entries that may go now; waits until there is one."""
        while True:
            entries = await self._store.take(limit)
            if not any(entry.recheck for entry in entries):
                return entries
            kept = [entry for entry in entries if not entry.recheck or await self._may_leave(entry)]
            if kept:
                return kept

    async def _may_leave(self, entry: Entry) -> bool:
        found = await self._store.message(entry.message_id)
        if found is None:
            return True
        row, body = found
        message = rebuild(row, body or entry.raw)
        reading = unpack_reading(row.reading)
        unit = _Leave(
            entry, message, reading, self._policies.current, self._access, self._keys, self._hold_seconds
        )
        try:
            if await self._store.run(unit):
                return True
        except StoreError:
            self._store.settle(entry, _back(entry))
            return False
        self._store.settle(entry, _withdrawn(entry))
        return False

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        """Tell how a delivery went."""
        self._store.settle(entry, attempt)

    def report(self, report: Report) -> None:
        """Queue mail of the gateway's own."""
        self._store.report(report)


def _withdrawn(entry: Entry) -> Attempt:
    return Attempt(
        outcome=Delivered.FAILED,
        kind=Kind.RETURNED,
        relay=entry.relay,
        phase="gate",
        text="not sent: the policies refuse it now",
    )


def _back(entry: Entry) -> Attempt:
    return Attempt(
        outcome=Delivered.DEFERRED,
        kind=Kind.RETURNED,
        relay=entry.relay,
        phase="gate",
        next_at=entry.due_at + WAITED,
        text="the store did not answer",
    )
