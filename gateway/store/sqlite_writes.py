"""Writing a batch to SQLite: each table once, in an order that a crash cannot split."""

from hashlib import blake2b

import apsw

from gateway.keys import lane_of
from gateway.store import queries as q
from gateway.store.codec import pack_person
from gateway.store.draft import Writes
from gateway.store.records import AuditRow, Cancel


class AuditChain:
    """The head of one writer's hash chain. Each entry's hash covers the one before it, the number, and
    the salted digest of what it says; never the personal data itself, so erasure leaves it whole."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._seq = self._kept_seq = 0
        self._hash = self._kept_hash = bytes(32)

    def load(self, db: apsw.Connection) -> None:
        """Go on where the chain ends in the database."""
        row = db.execute(q.CHAIN_HEAD, (self.name,)).fetchone()
        if row:
            self._seq, self._hash = row
            self.settle()

    def settle(self) -> None:
        """What was chained is committed."""
        self._kept_seq, self._kept_hash = self._seq, self._hash

    def rollback(self) -> None:
        """What was chained since `settle` never happened."""
        self._seq, self._hash = self._kept_seq, self._kept_hash

    def link(self, row: AuditRow) -> tuple[object, ...]:
        """The row to store, with its place in the chain."""
        self._seq += 1
        self._hash = chain_hash(self._hash, self.name, self._seq, row)
        return (
            self.name, self._seq, row.at, row.kind, row.reference, row.actor, row.digest, row.salt, row.detail,
            self._hash,
        )  # fmt: skip


def chain_hash(before: bytes, chain: str, seq: int, row: AuditRow) -> bytes:
    """BLAKE2b-256 over the previous hash and everything in the entry but the salt and the detail."""
    said = f"{chain}\0{seq}\0{row.at!r}\0{row.kind}\0{row.reference}\0{row.actor}\0".encode()
    return blake2b(before + said + row.digest, digest_size=32).digest()


def write(db: apsw.Connection, writes: Writes, chain: AuditChain) -> set[str]:
    """Write a batch inside the open transaction; returns the ids of outbox rows that a stop cancelled."""
    cancelled = _cancel(db, writes.cancels)
    many = db.executemany
    if writes.people:
        many(q.SET_PERSON, [(lane_of(s), c, s, pack_person(p)) for (c, s), p in writes.people.items()])
    if writes.messages:
        many(q.ADD_MESSAGE, [
            (m.id, m.controller, m.source, m.sender, m.channel, m.class_, m.purpose, m.campaign, m.received_at, m.meta, m.reading)
            for m in writes.messages
        ])  # fmt: skip
    if writes.bodies:
        many(q.ADD_BODY, [(b.message_id, b.content) for b in writes.bodies])
    if writes.decisions:
        many(q.ADD_DECISION, [
            (d.message_id, d.n, lane_of(d.subject), d.controller, d.subject, d.at, d.outcome, d.class_, d.source,
             d.sender, d.channel, d.campaign, d.policy_version, d.violations, d.snapshot, d.round)
            for d in writes.decisions
        ])  # fmt: skip
    if writes.outbox:
        many(q.ADD_OUTBOX, [
            (o.id, lane_of(o.subject), o.message_id, o.controller, o.subject, o.marketing, o.queued_at,
             o.lease_until or o.due_at, o.attempts, o.lease_owner, o.entry)
            for o in writes.outbox
        ])  # fmt: skip
    _write_rare(db, writes)
    if writes.fingerprints:
        many(q.ADD_FINGERPRINTS, [(f.controller, f.at, f.subject_mark, f.hashes) for f in writes.fingerprints])
    if writes.paces:
        many(q.ADD_PACE, [(*key, sent) for key, sent in writes.paces.items()])
    if writes.replays:
        many(q.SET_REPLAY, [(r.key, r.expires_at, r.answer) for r in writes.replays.values()])
    if writes.audit:
        many(q.ADD_AUDIT, [chain.link(row) for row in writes.audit])
    for recheck in writes.rechecks:
        who = (lane_of(recheck.subject), recheck.controller, recheck.subject)
        db.execute(q.RECHECK_HOLDS, (recheck.at, *who, recheck.condition))
    for message_id in writes.freed:
        db.execute(q.FREE_BODY, (message_id,))
    return cancelled


def _write_rare(db: apsw.Connection, writes: Writes) -> None:
    if writes.holds:
        db.executemany(q.SET_HOLD, [
            (h.id, lane_of(h.subject), h.message_id, h.n, h.controller, h.subject, h.source, h.sender, h.channel,
             h.class_, h.campaign, h.status, h.condition, h.codes, h.cluster, h.created_at, h.recheck_at,
             h.expires_at, h.decided_at, h.decided_by, h.reason)
            for h in writes.holds.values()
        ])  # fmt: skip
    if writes.consents:
        db.executemany(q.ADD_CONSENT, [
            (c.id, c.lane, c.controller, c.subject, c.at, c.recorded_at, c.action, c.purpose, c.channel, c.grade,
             c.basis, c.source, c.proof)
            for c in writes.consents
        ])  # fmt: skip
    if writes.events:
        db.executemany(q.ADD_EVENT, [
            (e.id, e.lane, e.controller, e.subject, e.source, e.type, e.at, e.recorded_at, e.dedup, e.data)
            for e in writes.events
        ])  # fmt: skip
    for (controller, sender, subject), since in writes.waiting_replies.items():
        if since:
            db.execute(q.OWE_REPLY, (controller, sender, subject, since))
        else:
            db.execute(q.ANSWER_REPLY, (controller, sender, subject))


def _cancel(db: apsw.Connection, cancels: list[Cancel]) -> set[str]:
    """Cancel what waits for people who said stop; free the bodies that nobody waits for any more."""
    dropped: set[str] = set()
    freed: set[str] = set()
    for cancel in cancels:
        who = (lane_of(cancel.subject), cancel.controller, cancel.subject)
        for (message_id,) in db.execute(q.CANCEL_HOLDS, (cancel.at, cancel.reason, *who)):
            freed.add(message_id)
        for entry_id, message_id in db.execute(q.CANCEL_OUTBOX, who):
            dropped.add(entry_id)
            freed.add(message_id)
    for message_id in freed:
        db.execute(q.FREE_BODY, (message_id,))
    return dropped
