"""Writing a batch to SQLite: each table once, in an order that a crash cannot split."""

from collections.abc import Iterable
from hashlib import blake2b
from operator import attrgetter

import apsw

from gateway.keys import lane_of
from gateway.store import queries as q
from gateway.store.codec import pack_person
from gateway.store.digests import moment
from gateway.store.draft import Writes
from gateway.store.records import AuditRow, Cancel, HoldRow


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
            self.go_on(*row)

    def go_on(self, seq: int, hash_: bytes) -> None:
        """Go on after the entry of that number."""
        self._seq, self._hash = seq, hash_
        self.settle()

    def settle(self) -> None:
        """What was chained is committed."""
        self._kept_seq, self._kept_hash = self._seq, self._hash

    def rollback(self) -> None:
        """What was chained since `settle` never happened."""
        self._seq, self._hash = self._kept_seq, self._kept_hash

    def link(self, row: AuditRow) -> tuple[object, ...]:
        """The row to store, with its place in the chain."""
        at, kind, reference, actor, digest, salt, detail = row
        self._seq += 1
        self._hash = link(self._hash, self.name, self._seq, at, kind, reference, actor, digest)
        return (self.name, self._seq, at, kind, reference, actor, digest, salt, detail, self._hash)


def chain_hash(before: bytes, chain: str, seq: int, row: AuditRow) -> bytes:
    """The hash of an entry, which the next one covers."""
    return link(before, chain, seq, row.at, row.kind, row.reference, row.actor, row.digest)


def link(
    before: bytes, chain: str, seq: int, at: float, kind: str, reference: str, actor: str, digest: bytes
) -> bytes:
    """BLAKE2b-256 over the previous hash and everything in the entry but the salt and the detail."""
    said = f"{chain}\0{seq}\0{moment(at)}\0{kind}\0{reference}\0{actor}\0".encode()
    return blake2b(b"".join((before, said, digest)), digest_size=32).digest()


LINE = (
    ("messages", q.ADD_MESSAGE, tuple),
    ("bodies", q.ADD_BODY, tuple),
    ("decisions", q.ADD_DECISION, attrgetter(
        "message_id", "n", "lane", "controller", "subject", "at", "outcome", "class_", "source", "sender",
        "channel", "campaign", "policy_version", "violations", "snapshot", "round",
    )),
    ("outbox", q.ADD_OUTBOX, attrgetter(
        "id", "lane", "message_id", "controller", "subject", "marketing", "queued_at", "visible_at",
        "attempts", "lease_owner", "entry",
    )),
    ("consents", q.ADD_CONSENT, attrgetter(
        "id", "lane", "controller", "subject", "at", "recorded_at", "action", "purpose", "channel", "grade",
        "basis", "source", "proof",
    )),
    ("events", q.ADD_EVENT, attrgetter(
        "id", "lane", "controller", "subject", "source", "type", "at", "recorded_at", "dedup", "data",
    )),
    ("sent", q.ADD_SENT, tuple),
    ("fingerprints", q.ADD_FINGERPRINTS, tuple),
)  # fmt: skip
"""Rows that are only ever added: the list of a batch, the statement, and the columns in its order, which is
often the row's own."""

HOLD_FIELDS = attrgetter(
    "id", "lane", "message_id", "n", "controller", "subject", "source", "sender", "channel", "class_",
    "campaign", "status", "condition", "codes", "cluster", "created_at", "recheck_at", "expires_at",
    "decided_at", "decided_by", "reason",
)  # fmt: skip


def write(db: apsw.Connection, writes: Writes, chain: AuditChain) -> set[str]:
    """Write a batch inside the open transaction; returns the ids of outbox rows that are not to leave."""
    cancelled = _cancel(db, writes)
    for row in writes.withdrawn:
        db.execute(q.WITHDRAW_OUTBOX, (lane_of(row.subject), row.subject, row.id, row.owner))
        cancelled.add(row.id)
    many = db.executemany
    many(q.SET_PERSON, [(lane_of(s), c, s, pack_person(p)) for (c, s), p in writes.people.items()])
    for name, sql, columns in LINE:
        rows = getattr(writes, name)
        if rows:
            many(sql, [columns(row) for row in rows])
    if writes.holds:
        many(q.SET_HOLD, [HOLD_FIELDS(row) for row in writes.holds.values()])
    if writes.paces:
        many(q.ADD_PACE, [(*key, sent) for key, sent in writes.paces.items()])
    if writes.replays:
        many(q.SET_REPLAY, [(r.key, r.expires_at, r.answer) for r in writes.replays.values()])
    if writes.audit:
        many(q.ADD_AUDIT, [chain.link(row) for row in writes.audit])
    _follow_up(db, writes)
    return cancelled


def _follow_up(db: apsw.Connection, writes: Writes) -> None:
    """What changes rows that stand already."""
    for (controller, sender, subject), since in writes.waiting_replies.items():
        if since:
            db.execute(q.OWE_REPLY, (controller, sender, subject, since))
        else:
            db.execute(q.ANSWER_REPLY, (controller, sender, subject))
    if writes.rechecks:
        waiting = [
            (r.at, lane_of(r.subject), r.controller, r.subject, r.condition)
            for r in dict.fromkeys(writes.rechecks)
            if not r.sender
        ]
        db.executemany(q.RECHECK_HOLDS, waiting)
        senders = [(r.at, r.controller, r.sender) for r in dict.fromkeys(writes.rechecks) if r.sender]
        db.executemany(q.RECHECK_BACKLOG, senders)
    for message_id in writes.freed:
        db.execute(q.FREE_BODY, (message_id,))
    for sql, values in writes.statements:
        db.execute(sql, values)


def spares(cancel: Cancel) -> tuple[str, int]:
    """What a cancel leaves alone: holds of that class, and of the outbox what has a smaller `marketing`."""
    return ("", 0) if cancel.every else ("transactional", 1)


def once(cancels: Iterable[Cancel]) -> Iterable[Cancel]:
    """Of several that do the same for a person the first: an event that names nine addresses says it of each
    of them nine times."""
    first: dict[tuple[str, bytes, bool], Cancel] = {}
    for cancel in cancels:
        first.setdefault((cancel.controller, cancel.subject, cancel.every), cancel)
    return first.values()


def _cancel(db: apsw.Connection, writes: Writes) -> set[str]:
    """Cancel what waits for people who said stop; free the bodies that nobody waits for any more."""
    dropped: set[str] = set()
    freed: set[str] = set()
    for cancel in once(writes.cancels):
        who = (lane_of(cancel.subject), cancel.controller, cancel.subject)
        spared, least = spares(cancel)
        ended = [
            HoldRow(*row) for row in db.execute(q.CANCEL_HOLDS, (cancel.at, cancel.reason, *who, spared))
        ]
        freed.update(hold.message_id for hold in ended)
        writes.note_cancelled(ended)
        for entry_id, message_id in db.execute(q.CANCEL_OUTBOX, (*who, least)):
            dropped.add(entry_id)
            freed.add(message_id)
    for message_id in freed:
        db.execute(q.FREE_BODY, (message_id,))
    return dropped
