"""Writing a batch to PostgreSQL: one statement for what every acceptance writes, a few for the rest."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import asyncpg

from gateway.keys import lane_of
from gateway.store import queries as q
from gateway.store.codec import pack_person
from gateway.store.draft import Writes
from gateway.store.postgres_spread import read_move, spread
from gateway.store.postgres_sql import Catalog, Step, arrays_of, combine, numbered, set_insert
from gateway.store.protocol import Conflict
from gateway.store.records import Cancel, HoldRow, Recheck
from gateway.store.sqlite_writes import HOLD_FIELDS, LINE, AuditChain, once, spares

CHANNEL = "galateo"
NOTICE_IDS = 200
"""Ids in one notice; PostgreSQL takes 8,000 octets."""
MOST_CANCELS = 1000
"""People of one statement."""

ADD_ATTEMPT = (
    "INSERT INTO attempts (id, attempt, at, outcome, relay, code, text, lane) VALUES (?,?,?,?,?,?,?,?)"
)
MARK = "UPDATE writers SET batch = $1, seen_at = clock_timestamp() WHERE name = $2 RETURNING 1"
NOTIFY = f"SELECT pg_notify('{CHANNEL}', said) FROM unnest($1::text[]) AS said"

DROP_OUTBOX = (
    "DELETE FROM outbox o USING unnest($1::int[], $2::bytea[], $3::text[], $4::bool[])"
    " AS d (lane, subject, id, sure) WHERE o.lane = d.lane AND o.subject = d.subject AND o.id = d.id"
    " AND (d.sure OR o.lease_owner = $5)"
)
DEFER_OUTBOX = (
    "UPDATE outbox o SET due_at = d.due_at, attempts = d.attempts, lease_owner = ''"
    " FROM unnest($1::int[], $2::bytea[], $3::text[], $4::float8[], $5::int[])"
    " AS d (lane, subject, id, due_at, attempts)"
    " WHERE o.lane = d.lane AND o.subject = d.subject AND o.id = d.id AND o.lease_owner = $6"
)
DROP_BODIES = "DELETE FROM bodies WHERE message_id = ANY ($1::text[])"
STILL_WANTED = (
    "SELECT message_id FROM outbox WHERE message_id = ANY ($1::text[])",
    "SELECT message_id FROM holds WHERE message_id = ANY ($1::text[]) AND status = 'open'",
)
FREE_AT_ONCE = (
    "DELETE FROM bodies b WHERE b.message_id = ANY ($1::text[])"
    " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message_id = b.message_id)"
    " AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.message_id = b.message_id AND h.status = 'open')"
)

CANCEL_HOLDS_OF = (
    "UPDATE holds h SET status = 'cancelled', decided_at = d.at, decided_by = 'gateway', reason = d.reason"
    " FROM unnest($1::int[], $2::text[], $3::bytea[], $4::float8[], $5::text[], $6::text[])"
    " AS d (lane, controller, subject, at, reason, spared)"
    " WHERE h.lane = d.lane AND h.controller = d.controller AND h.subject = d.subject"
    " AND h.status = 'open' AND h.class <> d.spared"
    f" RETURNING {', '.join(f'h.{column}' for column in q.HOLD_COLUMNS.split(', '))}"
)
CANCEL_OUTBOX_OF = (
    "DELETE FROM outbox o USING unnest($1::int[], $2::text[], $3::bytea[], $4::int[])"
    " AS d (lane, controller, subject, least)"
    " WHERE o.lane = d.lane AND o.controller = d.controller AND o.subject = d.subject"
    " AND o.marketing >= d.least RETURNING o.id, o.message_id"
)
ANSWER_REPLIES = (
    "DELETE FROM waiting_replies w USING unnest($1::text[], $2::text[], $3::bytea[])"
    " AS d (controller, sender, subject) WHERE w.controller = d.controller AND w.sender = d.sender"
    " AND w.subject = d.subject RETURNING w.controller, w.sender, w.subject"
)

ALWAYS = ("messages", "bodies", "decisions", "outbox", "sent", "fingerprints")
"""What goes along with every acceptance, empty or not: one form of the statement, planned once."""


class Writer:
    """Turns the writes of a batch into statements, once the catalog is known."""

    def __init__(self, catalog: Catalog, *, distributed: bool) -> None:
        self.distributed = distributed
        self._catalog = catalog
        self._line = {name: (*set_insert(sql, catalog), columns) for name, sql, columns in LINE}
        self._inserts = {
            sql: set_insert(sql, catalog)
            for sql in (
                q.SET_PERSON,
                q.SET_HOLD,
                q.ADD_PACE,
                q.SET_REPLAY,
                q.ADD_AUDIT,
                q.OWE_REPLY,
                ADD_ATTEMPT,
            )
        }
        insert, types = self._inserts[q.ADD_PACE]
        self._inserts[q.ADD_PACE] = (insert + ", updated = excluded.updated", types)

    def insert(self, sql: str, rows: Iterable[Sequence[Any]]) -> Step:
        """Many rows by one of the named inserts."""
        statement, types = self._inserts[sql]
        return Step(statement, arrays_of(list(rows), types))

    async def write(
        self, db: asyncpg.Connection, writes: Writes, chain: AuditChain, extra: list[Step], mark: Step
    ) -> set[str]:
        """Write a batch inside the open transaction; returns the outbox rows that are not to leave.

        `extra` are the results of deliveries. Raises Conflict where `mark` finds this replica no longer
        listed: others took over what it held.
        """
        cancelled = await self._cancel(db, writes) if writes.cancels else set()
        for row in writes.withdrawn:
            who = (lane_of(row.subject), row.subject, row.id, row.owner)
            await db.execute(numbered(q.WITHDRAW_OUTBOX), *who)
            cancelled.add(row.id)
        await self._run(db, [*self._steps(writes, chain), *extra], mark)
        await self._follow_up(db, writes)
        return cancelled

    def _steps(self, writes: Writes, chain: AuditChain) -> Iterable[Step]:
        accepting = bool(writes.messages)
        for name, (sql, types, columns) in self._line.items():
            rows = getattr(writes, name)
            if rows or (accepting and name in ALWAYS):
                yield Step(sql, arrays_of([columns(row) for row in rows], types))
        if accepting or writes.people:
            people = ((lane_of(s), c, s, pack_person(p)) for (c, s), p in writes.people.items())
            yield self.insert(q.SET_PERSON, people)
        if accepting or writes.paces:
            yield self.insert(q.ADD_PACE, ((*key, sent) for key, sent in writes.paces.items()))
        if accepting or writes.audit:
            yield self.insert(q.ADD_AUDIT, [chain.link(row) for row in writes.audit])
        if writes.holds:
            yield self.insert(q.SET_HOLD, [HOLD_FIELDS(row) for row in writes.holds.values()])
        if writes.replays:
            rows = ((r.key, r.expires_at, r.answer) for r in writes.replays.values())
            yield self.insert(q.SET_REPLAY, rows)

    async def _run(self, db: asyncpg.Connection, steps: list[Step], mark: Step) -> None:
        if self.distributed:
            for step in steps:
                for part in spread(step):
                    await db.execute(part.sql, *part.values)
            listed = await db.fetchval(mark.sql, *mark.values)
        else:
            sql, values = combine([*steps, mark], f"SELECT count(*) FROM s{len(steps)}")
            listed = await db.fetchval(sql, *values)
        if not listed:
            raise Conflict("other replicas took over from this one")

    async def _follow_up(self, db: asyncpg.Connection, writes: Writes) -> None:
        """What changes rows that stand already."""
        if writes.waiting_replies:
            await self._replies(db, writes)
        if writes.rechecks:
            await _recheck(db, dict.fromkeys(writes.rechecks))
        if writes.freed:
            await self.free(db, writes.freed)
        for sql, stated in writes.statements:
            await self._state(db, numbered(sql), stated)

    async def _state(self, db: asyncpg.Connection, sql: str, values: Sequence[Any]) -> None:
        """One statement that a unit gave as it is."""
        move = read_move(sql, values, self._catalog) if self.distributed else None
        if move is None:
            await db.execute(sql, *values)
            return
        taken = await db.fetch(move.take.sql, *move.take.values)
        await db.executemany(move.put, move.rows([tuple(row) for row in taken]))

    async def _replies(self, db: asyncpg.Connection, writes: Writes) -> None:
        owed = [(*key, since) for key, since in writes.waiting_replies.items() if since]
        if owed:
            step = self.insert(q.OWE_REPLY, owed)
            await db.execute(step.sql, *step.values)
        ended = await self._answer(db, [key for key, since in writes.waiting_replies.items() if not since])
        changed = [*owed, *((*key, 0.0) for key in ended)]
        await tell(db, [{"owe": [*who, subject.hex(), since]} for *who, subject, since in changed])

    async def _answer(
        self, db: asyncpg.Connection, keys: list[tuple[str, str, bytes]]
    ) -> list[tuple[str, str, bytes]]:
        """Those of these replies that waited, and do no longer."""
        if self.distributed:
            return [key for key in keys if await db.execute(numbered(q.ANSWER_REPLY), *key) != "DELETE 0"]
        rows = await db.fetch(ANSWER_REPLIES, *map(list, zip(*keys, strict=True))) if keys else []
        return [tuple(row) for row in rows]

    async def free(self, db: asyncpg.Connection, message_ids: Iterable[str]) -> None:
        """Drop the bodies that nobody waits for any more."""
        ids = sorted(set(message_ids))
        if not self.distributed:
            await db.execute(FREE_AT_ONCE, ids)
            return
        await db.execute(DROP_BODIES, await unwanted(db, ids))

    async def _cancel(self, db: asyncpg.Connection, writes: Writes) -> set[str]:
        """Cancel what waits for people who said stop; tell the other replicas."""
        dropped: set[str] = set()
        freed: set[str] = set()
        for cancels in _one_each(once(writes.cancels), 1 if self.distributed else MOST_CANCELS):
            ended = await self._cancel_holds(db, cancels)
            freed.update(hold.message_id for hold in ended)
            writes.note_cancelled(ended)
            for entry_id, message_id in await self._cancel_outbox(db, cancels):
                dropped.add(entry_id)
                freed.add(message_id)
        if freed:
            await self.free(db, freed)
        ids = sorted(dropped)
        told = [ids[start : start + NOTICE_IDS] for start in range(0, len(ids), NOTICE_IDS)]
        await tell(db, [{"drop": some} for some in told])
        return dropped

    async def _cancel_holds(self, db: asyncpg.Connection, cancels: list[Cancel]) -> list[HoldRow]:
        """The holds that these end."""
        rows = [(*_who(each), each.at, each.reason, spares(each)[0]) for each in cancels]
        if self.distributed:
            [(*who, at, reason, spared)] = rows
            found = await db.fetch(numbered(q.CANCEL_HOLDS), at, reason, *who, spared)
        else:
            found = await db.fetch(CANCEL_HOLDS_OF, *map(list, zip(*rows, strict=True)))
        return [HoldRow(*row) for row in found]

    async def _cancel_outbox(self, db: asyncpg.Connection, cancels: list[Cancel]) -> list[tuple[str, str]]:
        """The entries, and their messages, that these take out of the outbox."""
        rows = [(*_who(each), spares(each)[1]) for each in cancels]
        if self.distributed:
            found = await db.fetch(numbered(q.CANCEL_OUTBOX), *rows[0])
        else:
            found = await db.fetch(CANCEL_OUTBOX_OF, *map(list, zip(*rows, strict=True)))
        return [tuple(row) for row in found]


def _who(row: Cancel | Recheck) -> tuple[int, str, bytes]:
    return lane_of(row.subject), row.controller, row.subject


def _one_each(cancels: Iterable[Cancel], most: int) -> Iterator[list[Cancel]]:
    """In order, as many together as may be: nobody twice, so that the first one counts for what both end."""
    together: dict[tuple[str, bytes], Cancel] = {}
    for cancel in cancels:
        who = (cancel.controller, cancel.subject)
        if who in together or len(together) >= most:
            yield list(together.values())
            together = {}
        together[who] = cancel
    if together:
        yield list(together.values())


async def _recheck(db: asyncpg.Connection, rechecks: Iterable[Recheck]) -> None:
    """Have holds decided again: of those who answered, and of those whom their sender answered."""
    people, senders = [], []
    for each in rechecks:
        if each.sender:
            senders.append((each.at, each.controller, each.sender))
        else:
            people.append((each.at, *_who(each), each.condition))
    if people:
        await db.executemany(numbered(q.RECHECK_HOLDS), people)
    if senders:
        await db.executemany(numbered(q.RECHECK_BACKLOG), senders)


async def unwanted(db: asyncpg.Connection, message_ids: Sequence[str]) -> list[str]:
    """Those messages of which nothing waits for its octets, asked table by table."""
    wanted: set[str] = set()
    for sql in STILL_WANTED:
        wanted.update(row[0] for row in await db.fetch(sql, message_ids))
    return [name for name in message_ids if name not in wanted]


async def notify(db: asyncpg.Connection, **said: Any) -> None:
    """Tell every replica, when the transaction commits."""
    await tell(db, [said])


async def tell(db: asyncpg.Connection, notices: Iterable[Mapping[str, Any]]) -> None:
    """The same of several at once."""
    if said := [json.dumps(notice) for notice in notices]:
        await db.execute(NOTIFY, said)
