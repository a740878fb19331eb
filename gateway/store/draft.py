"""What one batch knows and wants to write.

A batch loads everything that its units need, once; each unit then works on a Draft, which lies over
what the units before it left. A unit that fails leaves nothing behind. Pure but for the indexes in
memory, which the batch undoes when its commit fails.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from gateway.ledger.person import UNKNOWN, Person
from gateway.policy.facts import Pace
from gateway.store.digests import SALT, hold_digest
from gateway.store.pace import PaceIndex
from gateway.store.pauses import NOTHING_PAUSED, Pauses
from gateway.store.records import (
    AuditRow,
    BodyRow,
    Cancel,
    ConsentRow,
    DecisionRow,
    EventRow,
    FingerprintRow,
    HoldRow,
    MessageRow,
    OutboxRow,
    Recheck,
    Ref,
    ReplayRow,
    SentRow,
    Withdrawn,
)
from gateway.store.sameness import SamenessIndex, mark_of, pack_hashes

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
CANCELLED = "hold.cancelled"


class Needs(Struct, frozen=True, kw_only=True):
    """What a unit reads. All of it is locked or loaded before any unit of the batch runs."""

    people: Sequence[Ref] = ()
    replays: Sequence[bytes] = ()
    holds: Sequence[str] = ()
    messages: Sequence[str] = ()
    events: Sequence[bytes] = ()


class Unit(Protocol[T_co]):
    """A piece of work that is done whole or not at all: an acceptance, an event, a release."""

    @property
    def needs(self) -> Needs:
        """What `apply` will ask the draft for."""
        ...

    def apply(self, draft: "Draft[Any]") -> T_co:
        """Decide and write on the draft. Synchronous, without I/O; an exception undoes the unit."""
        ...


@dataclass(slots=True)
class Writes:
    """Rows to add, replace or remove when the batch commits."""

    people: dict[Ref, Person] = field(default_factory=dict)
    messages: list[MessageRow] = field(default_factory=list)
    bodies: list[BodyRow] = field(default_factory=list)
    decisions: list[DecisionRow] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    holds: dict[str, HoldRow] = field(default_factory=dict)
    consents: list[ConsentRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    audit: list[AuditRow] = field(default_factory=list)
    fingerprints: list[FingerprintRow] = field(default_factory=list)
    replays: dict[bytes, ReplayRow] = field(default_factory=dict)
    cancels: list[Cancel] = field(default_factory=list)
    withdrawn: list[Withdrawn] = field(default_factory=list)
    paces: dict[tuple[str, str, str, int], int] = field(default_factory=dict)
    waiting_replies: dict[tuple[str, str, bytes], float] = field(default_factory=dict)
    freed: list[str] = field(default_factory=list)
    rechecks: list[Recheck] = field(default_factory=list)
    sent: list[SentRow] = field(default_factory=list)
    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    """Changes to rows that stand: erasure and retention. In portable SQL, done after all else."""

    def absorb(self, other: "Writes") -> None:
        """Add what another unit wrote, in order."""
        for mine, theirs in zip(_lists(self), _lists(other), strict=True):
            if theirs:
                mine += theirs
        for known, news in zip(_maps(self), _maps(other), strict=True):
            if news:
                known.update(news)
        for key, count in other.paces.items():
            self.paces[key] = self.paces.get(key, 0) + count

    def note_cancelled(self, ended: Iterable[HoldRow]) -> None:
        """Enter in the audit log the holds that a stop ended, but for those of which a unit of this batch
        says itself what became of them."""
        for hold in ended:
            if hold.id not in self.holds:
                self.audit.append(cancelled_entry(hold))

    @property
    def holds_cancelled(self) -> int:
        """How many holds the stops of this batch ended, once it is written."""
        return sum(row.kind == CANCELLED for row in self.audit) if self.cancels else 0


_lists = attrgetter(
    "messages", "bodies", "decisions", "outbox", "consents", "events", "audit", "fingerprints", "cancels",
    "withdrawn", "freed", "rechecks", "sent", "statements",
)  # fmt: skip
_maps = attrgetter("people", "holds", "replays", "waiting_replies")


@dataclass(slots=True)
class Loaded:
    """What the store knew when the batch began, brought forward by each unit that succeeded."""

    people: dict[Ref, Person] = field(default_factory=dict)
    replays: dict[bytes, bytes] = field(default_factory=dict)
    holds: dict[str, HoldRow] = field(default_factory=dict)
    messages: dict[str, tuple[MessageRow, bytes]] = field(default_factory=dict)
    events: dict[bytes, str] = field(default_factory=dict)
    writes: Writes = field(default_factory=Writes)


class Draft(Generic[T]):
    """One unit's view: what is known, and what it wants written."""

    __slots__ = ("_loaded", "_pace", "_pauses", "_sameness", "now", "owner", "lease", "writes")

    def __init__(
        self, loaded: Loaded, now: float, sameness: SamenessIndex, pace: PaceIndex, owner: str, lease: float,
        pauses: Pauses = NOTHING_PAUSED,
    ) -> None:  # fmt: skip
        self._loaded = loaded
        self._sameness = sameness
        self._pace = pace
        self._pauses = pauses
        self.now = now
        self.owner = owner
        self.lease = lease
        self.writes = Writes()

    def person(self, ref: Ref) -> Person:
        """What we know of someone; the unknown person where nothing is stored."""
        return self.writes.people.get(ref) or self._loaded.people.get(ref, UNKNOWN)

    def set_person(self, ref: Ref, person: Person) -> None:
        """What we know from now on."""
        self.writes.people[ref] = person

    def replay(self, key: bytes) -> bytes | None:
        """The answer given before for this idempotency key, if it is still to be given."""
        return self._loaded.replays.get(key)

    def hold(self, hold_id: str) -> HoldRow | None:
        """The hold of that name."""
        return self.writes.holds.get(hold_id) or self._loaded.holds.get(hold_id)

    def message(self, message_id: str) -> tuple[MessageRow, bytes] | None:
        """A stored message and its body (empty once it is gone)."""
        return self._loaded.messages.get(message_id)

    def event_known(self, dedup: bytes) -> bool:
        """Whether an event with that mark was recorded before."""
        return dedup in self._loaded.events

    def event_of(self, dedup: bytes) -> str | None:
        """The controller of the event that was recorded before with that mark, by this unit too; None where
        none was."""
        mine = (event.controller for event in self.writes.events if event.dedup == dedup)
        return self._loaded.events.get(dedup) or next(mine, None)

    def copies(self, controller: str, hashes: Sequence[int], subject: bytes) -> tuple[tuple[int, ...], float]:
        """To how many other people each phrase went, and since when (unix seconds)."""
        return self._sameness.counts(controller, hashes, mark_of(subject))

    def count_phrases(self, controller: str, hashes: Sequence[int], subject: bytes, window: float) -> None:
        """Count one more reader of these phrases, which are remembered for so many seconds."""
        changed = self._sameness.add(controller, hashes, mark_of(subject), self.now, window)
        if changed:
            self.writes.fingerprints.append(
                FingerprintRow(controller, self.now, mark_of(subject), pack_hashes(changed))
            )

    def pace(self, controller: str, sender: str) -> Pace:
        """How much this sender did lately, and who waits for an answer."""
        return self._pace.pace(controller, sender, self.now)

    def paused(self, source: str, controller: str, campaign: str) -> tuple[tuple[str, float], ...]:
        """The pauses that a message falls under, each by its kind and since when it lasts."""
        return self._pauses.of(source, controller, campaign)

    def count_sent(self, controller: str, sender: str, class_: str) -> None:
        """Count one more accepted message of this sender."""
        slot = self._pace.add(controller, sender, class_, self.now)
        key = (controller, sender, class_, slot)
        self.writes.paces[key] = self.writes.paces.get(key, 0) + 1

    def owe_answer(self, controller: str, sender: str, subject: bytes, since: float) -> None:
        """Someone waits for an answer since then; 0 means no longer."""
        self._pace.owe(controller, sender, subject, since)
        self.writes.waiting_replies[(controller, sender, subject)] = since

    def cancel(self, ref: Ref, reason: str, *, every: bool = False) -> None:
        """Nothing that waits for this person is sent: open holds and outbox rows, of this batch too. What is
        transactional stays, but with `every`."""
        self.writes.cancels.append(Cancel(ref[0], ref[1], self.now, reason, every))

    def withdraw(self, entry_id: str, message_id: str, subject: bytes) -> None:
        """An outbox row of this process may not leave: it goes with whatever this unit writes instead."""
        self.writes.withdrawn.append(Withdrawn(entry_id, subject, self.owner))
        self.writes.freed.append(message_id)

    def recheck(self, ref: Ref, condition: str) -> None:
        """Holds of this person that waited for this condition are decided again soon."""
        self.writes.rechecks.append(Recheck(ref[0], ref[1], condition, self.now))

    def recheck_backlog(self, controller: str, sender: str, at: float) -> None:
        """First contacts of this sender that wait for answers to others are decided again at `at`."""
        self.writes.rechecks.append(Recheck(controller, b"", "reply", at, sender))

    def merge(self) -> None:
        """Keep what this unit wrote."""
        loaded, mine = self._loaded, self.writes
        for cancel in mine.cancels:
            _drop_waiting(loaded, cancel)
        loaded.people.update(mine.people)
        for key, row in mine.replays.items():
            loaded.replays[key] = row.answer
        loaded.holds.update(mine.holds)
        for event in mine.events:
            loaded.events[event.dedup] = event.controller
        loaded.writes.absorb(mine)


def cancelled_entry(hold: HoldRow) -> AuditRow:
    """What the audit log says of a hold that a stop ended."""
    salt = os.urandom(SALT)
    return AuditRow(hold.decided_at, CANCELLED, hold.id, hold.decided_by, hold_digest(hold, salt), salt)


def _drop_waiting(loaded: Loaded, cancel: Cancel) -> None:
    """Take back what earlier units of the same batch put in the outbox or held for this person; later ones
    find the holds that they came for ended."""
    ref = (cancel.controller, cancel.subject)
    for hold_id, hold in loaded.holds.items():
        waits = hold.status == "open" and (cancel.every or hold.class_ != "transactional")
        if waits and (hold.controller, hold.subject) == ref:
            stopped = replace(
                hold, status="cancelled", decided_at=cancel.at, decided_by="gateway", reason=cancel.reason
            )
            loaded.writes.holds[hold_id] = loaded.holds[hold_id] = stopped
            loaded.writes.audit.append(cancelled_entry(stopped))
            loaded.writes.freed.append(hold.message_id)
    kept: list[OutboxRow] = []
    dropped: list[OutboxRow] = []
    for row in loaded.writes.outbox:
        waits = (row.controller, row.subject) == ref and (cancel.every or row.marketing)
        (dropped if waits else kept).append(row)
    loaded.writes.outbox[:] = kept
    loaded.writes.freed.extend(row.message_id for row in dropped)


def union(units: Iterable[Unit[object]]) -> Needs:
    """Everything that some units need together, people in sorted order (the order of locks)."""
    people: set[Ref] = set()
    replays: list[bytes] = []
    holds: list[str] = []
    messages: list[str] = []
    events: list[bytes] = []
    for unit in units:
        needs = unit.needs
        people.update(needs.people)
        replays.extend(needs.replays)
        holds.extend(needs.holds)
        messages.extend(needs.messages)
        events.extend(needs.events)
    return Needs(people=sorted(people), replays=replays, holds=holds, messages=messages, events=events)


def linked(people: Mapping[Ref, Person]) -> list[Ref]:
    """The aliases of loaded people that are not loaded themselves."""
    found = []
    for (controller, _), person in people.items():
        for alias in person.aliases:
            ref = (controller, bytes.fromhex(alias))
            if ref not in people:
                found.append(ref)
    return sorted(set(found))
