"""The door of the outbox: what waited is asked again before it leaves.

Only the floor, `consent`, `reply_duty` and `quiet_hours` are asked; the floor alone where it is for a pause
of the source or campaign that anything is asked. What may not leave any more is taken out, and held where a
hold could still help.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from gateway.access import Access
from gateway.intake.accept import put_on_hold, record
from gateway.intake.delivered import Deliveries
from gateway.intake.failure import NOBODY, Failures, failed
from gateway.intake.owed import keep_without, without
from gateway.intake.person_facts import alias_refs, facts_for
from gateway.intake.rebuild import controller_of, rebuild, source_of
from gateway.intake.return_path import return_path
from gateway.keys import Keys
from gateway.message.envelope import Message
from gateway.policy.decide import AFTER_A_WAIT, decide, still_waiving
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Outcome
from gateway.policy.policies import PolicySet
from gateway.reading.packing import unpack_reading
from gateway.reading.reading import Reading
from gateway.store.attempt import Attempt, Kind, Report
from gateway.store.attempt import Outcome as Delivered
from gateway.store.draft import Draft, Needs
from gateway.store.outbox import Entry
from gateway.store.packing import unpack_decision
from gateway.store.protocol import Store, StoreError
from gateway.store.records import DecisionRow

log = logging.getLogger(__name__)

WAITED = 60.0
"""Seconds in the outbox after which an entry is asked again."""
AT_ONCE = 32
"""Entries asked about together: where a source is paused, all that it has in the outbox is."""
_FLOOR_ALONE: frozenset[str] = frozenset()


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
        decided: Sequence[DecisionRow],
        only: frozenset[str],
    ) -> None:
        self._entry = entry
        self._message = replace(message, class_=entry.class_)
        self._reading = reading
        self._policies = policies
        self._access = access
        self._hold_seconds = hold_seconds
        self._only = only
        self._n = int(entry.id.rpartition("-")[2])
        self._aliases = alias_refs(keys, message.controller, message.recipients[self._n])
        before = [row for row in decided if row.n == self._n]
        self._round = before[-1].round + 1 if before else 1
        self._waived = waived_by(before[-1]) if before else frozenset()
        self.needs = Needs(people=((entry.controller, entry.subject_key), *self._aliases))

    def apply(self, draft: Draft[bool]) -> bool:
        """True when it may go; else it is decided anew and leaves the outbox, at once: what is held may be
        released then, and nothing is both held and on its way."""
        message, n, ref = self._message, self._n, (self._entry.controller, self._entry.subject_key)
        recipient = message.recipients[n]
        source, controller = source_of(self._access, message), controller_of(self._access, message)
        before = draft.person(ref)
        draft.set_person(ref, without(draft, ref, before, message.id))
        facts = facts_for(
            draft,
            message,
            recipient,
            ref,
            self._reading,
            source,
            controller,
            aliases=self._aliases,
            class_=message.class_,
        )
        decision = decide(
            self._policies,
            message,
            recipient,
            self._reading,
            facts,
            draft.now,
            waived=self._waived,
            only=self._only,
            class_=message.class_,
        )
        if decision.outcome is Outcome.ACCEPT:
            del draft.writes.people[ref]
            return True
        after = draft.person(ref)
        draft.set_person(ref, before)
        keep_without(draft, ref, after, message.id)
        decision = still_waiving(decision, self._waived)
        record(draft, message, n, ref, facts, decision, self._round)
        if decision.outcome is Outcome.HOLD:
            put_on_hold(draft, message, n, ref, decision, self._hold_seconds, self._reading)
        draft.withdraw(self._entry.id, message.id, ref[1])
        return False


def waived_by(decided: DecisionRow) -> frozenset[str]:
    """What a reviewer lets pass for good, as of a stored decision."""
    decision = unpack_decision(decided.violations, decided.outcome, decided.class_, decided.policy_version)
    return frozenset(decision.lets_pass)


class GatedOutbox:
    """The store's outbox, with the gate before it. With a `return_path_domain`, mail leaves with return
    paths of the gateway's own there, so that what bounces says for certain what it is about. `told` are the
    controllers with a subscriber to deliveries."""

    def __init__(
        self,
        store: Store,
        policies: LivePolicies,
        access: Access,
        keys: Keys,
        hold_seconds: float,
        *,
        return_path_domain: str = "",
        told: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._policies = policies
        self._access = access
        self._keys = keys
        self._hold_seconds = hold_seconds
        self._return_path_domain = return_path_domain
        self._clock = clock
        self._failures = Failures(store)
        self._deliveries = Deliveries(store, told)

    def tell(self, controllers: frozenset[str]) -> None:
        """From now on these controllers have a subscriber to deliveries."""
        self._deliveries.controllers = controllers

    async def take(self, limit: int) -> Sequence[Entry]:
        """Entries that may go now; waits until there is one. Cancelled, it loses none."""
        while True:
            entries = await self._store.take(limit)
            old = self._clock() - WAITED
            if any(self._asks(entry, old) for entry in entries):
                entries = await self._ask(entries, old)
            if entries:
                return [self._address(entry) for entry in entries] if self._return_path_domain else entries

    async def _ask(self, entries: Iterable[Entry], old: float) -> list[Entry]:
        """Those that may go. Where the store fails, or the caller waits no longer, the others go back at
        once: leased, and with nobody who has them, they would lie until their lease ends. So do those that
        were paused while others were asked about: they are asked again."""
        may: list[Entry] = []
        left = list(entries)
        told = {entry.id for entry in left if self.paused(entry)}
        try:
            while left:
                some = left[:AT_ONCE]
                answers = await asyncio.gather(
                    *(self._answer(one, old) for one in some), return_exceptions=True
                )
                may += [one for one, answer in zip(some, answers, strict=True) if answer is True]
                failing = [
                    one for one, answer in zip(some, answers, strict=True) if answer not in (True, False)
                ]
                left = left[AT_ONCE:]
                if failing:
                    self._put_off(failing[0])
                    self._give_back((*failing[1:], *left))
                    break
        except BaseException:
            self._give_back((*may, *left))
            raise
        late = {entry.id for entry in may if entry.id not in told and self.paused(entry)}
        self._give_back(entry for entry in may if entry.id in late)
        return [entry for entry in may if entry.id not in late]

    async def _answer(self, entry: Entry, old: float) -> bool:
        return not self._asks(entry, old) or await self._may_leave(entry)

    def _give_back(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._store.settle(entry, _back(entry, entry.due_at))

    def _put_off(self, entry: Entry) -> None:
        """It may be this entry alone that cannot be asked about: then no other waits for it."""
        self._store.settle(entry, _back(entry, self._clock() + WAITED))

    def _address(self, entry: Entry) -> Entry:
        if entry.channel != "email" or not entry.envelope_from:
            return entry
        return replace(entry, return_path=return_path(self._keys, self._return_path_domain, entry.id))

    async def stop(self) -> None:
        """Finish telling what failed; called when deliveries have stopped and before the store closes."""
        await self._failures.stop()
        await self._deliveries.stop()

    def _asks(self, entry: Entry, old: float) -> bool:
        return _waited(entry, old) or self.paused(entry)

    def paused(self, entry: Entry) -> bool:
        """Whether the pause of its source or campaign keeps it; what the gateway itself tells goes on."""
        pauses = self._store.pauses.of(entry.source, entry.controller, entry.campaign)
        return bool(pauses) and entry.subject_key != NOBODY

    async def _may_leave(self, entry: Entry) -> bool:
        """Whether an entry that waited may go. Raises StoreError."""
        try:
            return await self._decide(entry)
        except StoreError:
            raise
        except Exception:
            log.exception("gate.broken", extra={"entry": entry.id})
            self._put_off(entry)
            return False

    async def _decide(self, entry: Entry) -> bool:
        found = await self._store.message(entry.message_id)
        if found is None:
            return True
        row, body = found
        message = rebuild(row, body or entry.raw)
        reading = unpack_reading(row.reading)
        unit = _Leave(
            entry,
            message,
            reading,
            self._policies.current,
            self._access,
            self._keys,
            self._hold_seconds,
            await self._store.decisions(entry.message_id),
            AFTER_A_WAIT if _waited(entry, self._clock() - WAITED) else _FLOOR_ALONE,
        )
        return await self._store.run(unit)

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        """Tell how a delivery went; a final failure changes what is known of the person first."""
        if failed(entry, attempt):
            self._failures.tell(entry, attempt)
        else:
            self._store.settle(entry, attempt)
            self._deliveries.hear(entry, attempt)

    def report(self, report: Report) -> None:
        """Queue mail of the gateway's own."""
        self._store.report(report)


def _waited(entry: Entry, old: float) -> bool:
    """Whether the policies are asked again: held back on purpose, or in the outbox for long."""
    return entry.recheck or (entry.queued_at < old and entry.class_ != "transactional")


def _back(entry: Entry, due_at: float) -> Attempt:
    return Attempt(
        outcome=Delivered.DEFERRED,
        kind=Kind.RETURNED,
        relay=entry.relay,
        phase="gate",
        next_at=due_at,
        text="it could not be asked about",
    )
