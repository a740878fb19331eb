"""What people agreed to or withdrew, as it is told: units that write the consent log."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.keys import Keys
from gateway.ledger.consent import ACTIONS, BASES, ConsentEvent, apply, grade_of, lacks_evidence
from gateway.ledger.person import UNKNOWN, Person
from gateway.message.address import is_valid, normalize
from gateway.message.envelope import CHANNELS
from gateway.store.digests import SALT, consent_digest
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import AuditRow, ConsentRow, Ref

STOPPING = ("withdrawn", "objected")
DAY = 86400.0

Statement = tuple[str, tuple[Any, ...]]


class ConsentInput(Struct, frozen=True, kw_only=True):
    """One line of a consent import, checked: times are unix seconds, `proof` the evidence as given."""

    controller: str
    channel: str
    address: str
    purpose: str
    action: str
    at: float
    basis: str = "consent"
    jurisdiction: str = ""
    expires_at: float = 0.0
    imported: bool = True
    by_compliance: bool = False
    source: str = ""
    proof: Mapping[str, str] = field(default_factory=dict)

    def problem(self) -> str:
        """What is wrong with the line, or nothing."""
        if self.channel not in CHANNELS:
            return f"there is no channel {self.channel!r}; use one of {', '.join(CHANNELS)}"
        if not is_valid(self.channel, self.address):
            return f"the address is not one of the channel {self.channel}"
        if self.action not in ACTIONS:
            return f"there is no action {self.action!r}; use one of {', '.join(ACTIONS)}"
        if self.basis not in BASES:
            return f"there is no basis {self.basis!r}; use one of {', '.join(BASES)}"
        if self.action in STOPPING:
            return ""
        if not self.purpose:
            return "a consent needs a purpose, for example newsletter"
        if self.basis != "consent" and (lacking := lacks_evidence(self.basis, self.expires_at, self.proof)):
            return f"the basis {self.basis} needs {lacking}"
        return ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many lines changed what is known, and how many were kept without changing it."""

    changed: int
    unchanged: int


class RecordConsents:
    """Some lines of the consent log, in order, in one transaction. `also` are statements of portable SQL
    that are done with them: how far an import came."""

    __slots__ = ("_actor", "_also", "_inputs", "_refs", "needs")

    def __init__(
        self, inputs: Sequence[ConsentInput], keys: Keys, actor: str, also: Sequence[Statement] = ()
    ) -> None:
        self._inputs = inputs
        self._actor = actor
        self._also = also
        self._refs = [_ref(keys, line) for line in inputs]
        self.needs = Needs(people=tuple(set(self._refs)))

    def apply(self, draft: Draft[Recorded]) -> Recorded:
        """Log each line and apply it; a stop cancels what waits for that person, at any address; a grant
        wakes what waited for it."""
        changed = 0
        for line, ref in zip(self._inputs, self._refs, strict=True):
            changed += record_consent(draft, ref, line, self._actor)
        draft.writes.statements.extend(self._also)
        return Recorded(changed, len(self._inputs) - changed)


def _ref(keys: Keys, line: ConsentInput) -> Ref:
    return (line.controller, keys.subject(line.channel, normalize(line.channel, line.address)))


def record_consent(
    draft: Draft[Any], ref: Ref, line: ConsentInput, actor: str, *, always: bool = False
) -> bool:
    """Log one consent event and apply it; True when it changed what is known. What changes nothing is not
    logged, but `always`."""
    event = _event(ref, line, draft.now + DAY)
    before = draft.person(ref)
    if before != UNKNOWN:
        event = dataclasses.replace(event, id=_own_id(event, draft.now, len(draft.writes.consents)))
    after = apply(before, event)
    changed = after is not before and _known(after) != _known(before)
    if not (changed or always):
        return False
    draft.set_person(ref, after)
    _log(draft, ref, event, actor)
    if event.action in STOPPING:
        for other in (ref, *aliases_of(draft, ref)):
            draft.cancel(other, f"consent {event.action}")
    else:
        draft.recheck(ref, "consent")
    return changed


def aliases_of(draft: Draft[Any], ref: Ref) -> tuple[Ref, ...]:
    """The person's other known addresses."""
    return tuple((ref[0], bytes.fromhex(alias)) for alias in draft.person(ref).aliases)


def _event(ref: Ref, line: ConsentInput, latest: float) -> ConsentEvent:
    """The event of a line. Purposes are compared everywhere, so their capitals go here."""
    purpose = line.purpose.strip().lower()
    return ConsentEvent(
        id=_event_id(ref, line, purpose),
        action=line.action,
        purpose=purpose,
        channel=line.channel,
        at=line.at,
        grade=grade_of(line.proof, at=line.at, latest=latest),
        basis=line.basis,
        expires_at=line.expires_at,
        source=line.source,
        jurisdiction=line.jurisdiction,
        imported=line.imported,
        by_compliance=line.by_compliance,
        proof=line.proof,
    )


def _log(draft: Draft[Any], ref: Ref, event: ConsentEvent, actor: str) -> None:
    now = draft.now
    row = ConsentRow(
        event.id, ref[0], ref[1], event.at, now, event.action, event.purpose, event.channel, event.grade,
        event.basis, event.source, orjson.dumps(dict(event.proof)),
    )  # fmt: skip
    draft.writes.consents.append(row)
    salt = os.urandom(SALT)
    digest = consent_digest(row, salt)
    draft.writes.audit.append(AuditRow(now, f"consent.{event.action}", event.id, actor, digest, salt))


def _event_id(ref: Ref, line: ConsentInput, purpose: str) -> str:
    """The same line told twice to an empty log is the same event."""
    said = f"{ref[0]}\0{line.action}\0{purpose}\0{line.channel}\0{line.at!r}\0{line.basis}".encode()
    return f"{int(line.at * 1000):012x}{blake2b(said + ref[1], digest_size=10).hexdigest()}"


def _own_id(event: ConsentEvent, now: float, place: int) -> str:
    """The id of what changes somebody's state at `now`, the one of this `place` in its transaction: another
    line may have been told of the same moment, and the same one before what it is told after. All stand in
    the log, in the order of their telling, and after the first (`g` sorts after what its id goes on with).
    Lists tell thousands of people's at once, all of one day: what tells them apart is as long as there."""
    said = repr((event.id, event.grade, event.expires_at, event.jurisdiction, sorted(event.proof.items())))
    mark = blake2b(said.encode(errors="replace"), digest_size=10).hexdigest()
    return f"{event.id[:12]}g{int(now * 1000):012x}{place:04x}{mark}"


def _known(person: Person) -> tuple[Any, ...]:
    """What is known of somebody, whatever the events are called that told it, and in whatever order."""
    permissions = frozenset(
        replace(p, event="", newer=replace(p.newer, event="") if p.newer else None)
        for p in person.permissions
    )
    stops = frozenset(replace(s, event="") for s in person.stops)
    return permissions, stops, replace(person, permissions=(), stops=())


class Consents:
    """What compliance may do to the consent log."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    async def record(
        self, lines: Sequence[ConsentInput], actor: str, also: Sequence[Statement] = ()
    ) -> Recorded:
        """Log and apply some lines, in one transaction with `also`. Raises StoreError."""
        return await self._store.run(RecordConsents(lines, self._keys, actor, also))

    def subject(self, channel: str, address: str) -> bytes:
        """The subject key of an address."""
        return self._keys.subject(channel, normalize(channel, address))
