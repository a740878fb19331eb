"""The sweep that follows what compliance wrote of retention, in small steps.

Whatever the audit log speaks of goes with an entry that names it, so that the log still verifies.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.evidence.entries import declaration, messages_of
from gateway.evidence.erase import wordless
from gateway.evidence.retention import DAY, Retention
from gateway.message.ids import new_id
from gateway.store.draft import Draft, Needs
from gateway.store.pauses import NOT_ALONE
from gateway.store.protocol import Store

WINDOW = 200
"""Rows looked at, and at most dropped, in one step: a few milliseconds."""
REST = 30.0
"""How many times as long as a step took the sweep rests after it."""
ZERO = bytes(10)
FINGERPRINTS = 45
"""Days: longer than any window of copied text."""
SENT = 366
"""Days in which replies are matched."""
OPTIN = 17
"""Octets of the key under which a request for consent waits: its own sweep ends it, with what it marked."""
SLOT, PACES, HOUR = 300, 600, 12
"""Seconds of a slot of the pace index, how many slots stay (two days), and those of an hour."""
UNMATCHED = "reply.unmatched"
"""Mail that nobody could place, with its words: `replies`, or where no line is about them, `events`."""

Statement = tuple[str, tuple[Any, ...]]


@dataclass(slots=True)
class _Step:
    """What one transaction lets go."""

    statements: list[Statement] = field(default_factory=list)
    rows: dict[str, list[str]] = field(default_factory=dict)
    count: int = 0

    def name(self, table: str, name: str) -> None:
        """A row that the audit log speaks of goes or is emptied."""
        self.rows.setdefault(table, []).append(name)


class _LetGo:
    """Do a step, and say in the audit log what it let go."""

    needs = Needs()

    def __init__(self, step: _Step, what: str) -> None:
        self._step = step
        self._what = what

    def apply(self, draft: Draft[None]) -> None:
        """Nothing is decided here."""
        draft.writes.statements.extend(self._step.statements)
        if self._step.rows:
            told = {"what": self._what, "rows": self._step.rows}
            name = new_id(draft.now, ZERO)
            draft.writes.audit.append(declaration(draft.now, "retained", name, "gateway", told))


class Sweep:
    """Goes through what is old, once."""

    def __init__(self, store: Store, retention: Retention, now: float, rest: float = REST) -> None:
        self._store = store
        self._retention = retention
        self._now = now
        self._rest = rest

    async def run(self) -> dict[str, int]:
        """How many rows went or were emptied, by what. Raises StoreError."""
        found: dict[str, int] = {}
        for what, steps in (
            ("decisions", self._decisions),
            ("facts", self._facts),
            ("words", self._words),
            ("holds", self._holds),
            ("events", self._events),
            ("replies", self._unmatched),
            ("consents", self._consents),
        ):
            found[what] = await self._follow(what, steps)
        found["attempts"] = await self._attempts()
        await self._indexes()
        return found

    async def _follow(self, what: str, steps: Callable[[float], AsyncIterator[_Step]]) -> int:
        shortest = self._retention.shortest(what)
        if shortest is None:
            return 0
        count, started = 0, time.perf_counter()
        async for step in steps(self._now - shortest):
            if step.statements:
                await self._store.run(_LetGo(step, what))
                count += step.count
            await asyncio.sleep((time.perf_counter() - started) * self._rest)
            started = time.perf_counter()
        return count

    async def _windows(self, table: str, columns: str, key: str, before: float) -> AsyncIterator[list[Any]]:
        """Rows whose key, an id that sorts by time, is older than a moment."""
        last, end = "", new_id(max(0.0, before), ZERO)
        sql = f"SELECT {columns} FROM {table} WHERE {key} > ? AND {key} < ? ORDER BY {key} LIMIT {WINDOW}"
        while rows := await self._store.rows(sql, (last, end)):
            yield rows
            last = str(rows[-1][0])

    async def _old(self, what: str, before: float, filled: str) -> AsyncIterator[tuple[_Step, list[Any]]]:
        sql = (
            f"SELECT message_id, n, round, class, outcome, at, {filled} FROM decisions"
            " WHERE (message_id, n, round) > (?, ?, ?) AND message_id < ?"
            f" ORDER BY message_id, n, round LIMIT {WINDOW}"
        )
        last: tuple[Any, ...] = ("", -1, -1)
        end = new_id(max(0.0, before), ZERO)
        while rows := await self._store.rows(sql, (*last, end)):
            last = tuple(rows[-1][:3])
            due = []
            for row in rows:
                kept = self._retention.seconds(what, row[3], row[4])
                if kept is not None and row[5] < self._now - kept and row[6]:
                    due.append(row)
            yield _Step(count=len(due)), due

    async def _decisions(self, before: float) -> AsyncIterator[_Step]:
        async for step, due in self._old("decisions", before, "1"):
            waiting = await self._waiting({f"{row[0]}-{row[1]}": row[0] for row in due})
            due = [row for row in due if f"{row[0]}-{row[1]}" not in waiting]
            step.count = len(due)
            for message_id, n, round_, *_ in due:
                name = f"{message_id}-{n}"
                step.statements += [
                    (
                        "DELETE FROM decisions WHERE message_id = ? AND n = ? AND round = ?",
                        (message_id, n, round_),
                    ),
                    ("DELETE FROM holds WHERE id = ?", (name,)),
                    ("DELETE FROM attempts WHERE id = ?", (name,)),
                ]
                step.name("decisions", f"{name}.{round_}" if round_ else name)
                step.name("holds", name)
            for message_id in sorted({row[0] for row in due}):
                step.statements += [(_DROP_MESSAGE, (message_id,)), (_DROP_OCTETS, (message_id,))]
                step.name("messages", message_id)
            yield step

    async def _waiting(self, names: dict[str, str]) -> set[str]:
        """What may yet go: holds that somebody may release, whose term may be long and begins again on the
        way out, and what the outbox keeps for later, which is asked again at its door. `names` with the
        message of each."""
        if not names:
            return set()
        marks, messages = ", ".join("?" * len(names)), sorted(set(names.values()))
        held = f"SELECT id FROM holds WHERE id IN ({marks}) AND status = 'open'"
        held += f" AND (expires_at > ? OR NOT {NOT_ALONE})"
        queued = f"SELECT id FROM outbox WHERE id IN ({marks}) AND message_id IN"
        queued += f" ({', '.join('?' * len(messages))})"
        found = await self._store.rows(held, (*names, self._now))
        found += await self._store.rows(queued, (*names, *messages))
        return {str(row[0]) for row in found}

    async def _facts(self, before: float) -> AsyncIterator[_Step]:
        async for step, due in self._old("facts", before, "length(snapshot) > 2, violations"):
            for message_id, n, round_, *_, violations in due:
                values = (b"{}", unquoted(bytes(violations)), message_id, n, round_)
                step.statements.append((_EMPTY_FACTS, values))
                step.name("decisions", f"{message_id}-{n}.{round_}" if round_ else f"{message_id}-{n}")
            yield step

    async def _words(self, before: float) -> AsyncIterator[_Step]:
        async for rows in self._windows("messages", "id", "id", before):
            step = _Step()
            for row in (await messages_of(self._store, [str(r[0]) for r in rows])).values():
                plain = wordless(row.reading)
                if plain != row.reading:
                    step.statements.append(("UPDATE messages SET reading = ? WHERE id = ?", (plain, row.id)))
                    step.name("messages", row.id)
                    step.count += 1
            yield step

    async def _holds(self, before: float) -> AsyncIterator[_Step]:
        async for rows in self._windows("holds", "id, status", "id", before):
            yield _drop("holds", [str(r[0]) for r in rows if r[1] != "open"])

    async def _events(self, before: float) -> AsyncIterator[_Step]:
        apart = self._retention.shortest("replies") is not None
        async for rows in self._windows("events", "id, type", "id", before):
            yield _drop("events", [str(r[0]) for r in rows if not (apart and r[1] == UNMATCHED)])

    async def _unmatched(self, before: float) -> AsyncIterator[_Step]:
        last, end = "", new_id(max(0.0, before), ZERO)
        sql = (
            f"SELECT id FROM events WHERE type = '{UNMATCHED}' AND id > ? AND id < ?"
            f" ORDER BY id LIMIT {WINDOW}"
        )
        while rows := await self._store.rows(sql, (last, end)):
            yield _drop("events", [str(r[0]) for r in rows])
            last = str(rows[-1][0])

    async def _consents(self, before: float) -> AsyncIterator[_Step]:
        last = ""
        while rows := await self._store.rows(_ENDED, (before, before, last, WINDOW)):
            step = _drop("consent_events", [str(r[0]) for r in rows])
            step.rows = {"consents": [str(r[0]) for r in rows]}
            yield step
            last = str(rows[-1][0])

    async def _attempts(self) -> int:
        kept = self._retention.shortest("attempts")
        if kept is None:
            return 0
        find = "SELECT id, attempt FROM attempts WHERE at < ? LIMIT 500"
        drop = "DELETE FROM attempts WHERE id = ? AND attempt = ?"
        return await self._drain(find, (self._now - kept,), drop)

    async def _indexes(self) -> None:
        """What only serves the work itself, and has an end of its own."""
        old = self._now - FINGERPRINTS * DAY
        await self._drain(
            "SELECT seq FROM (SELECT seq, at FROM fingerprints ORDER BY seq LIMIT 500) AS f WHERE at < ?",
            (old,),
            "DELETE FROM fingerprints WHERE seq = ?",
        )
        await self._drain(
            "SELECT slot, controller, sender, class FROM paces WHERE slot < ? OR slot > ? LIMIT 500",
            (int(self._now // SLOT) - PACES, int(self._now // SLOT) + HOUR),  # a clock was ahead
            "DELETE FROM paces WHERE slot = ? AND controller = ? AND sender = ? AND class = ?",
        )
        await self._drain(
            "SELECT day, hash, message_id FROM sent_ids WHERE day < ? LIMIT 500",
            (int(self._now // DAY) - SENT,),
            "DELETE FROM sent_ids WHERE day = ? AND hash = ? AND message_id = ?",
        )
        await self._replays()

    async def _drain(self, find: str, values: tuple[Any, ...], drop: str) -> int:
        """Drop what a statement finds until it finds nothing more."""
        count, started = 0, time.perf_counter()
        while rows := await self._store.rows(find, values):
            await self._store.run(_LetGo(_Step([(drop, tuple(row)) for row in rows]), ""))
            count += len(rows)
            await asyncio.sleep((time.perf_counter() - started) * self._rest)
            started = time.perf_counter()
        return count

    async def _replays(self) -> None:
        """Answers whose time is over; requests for consent (keys of 17 octets) end by themselves."""
        last, started = b"", time.perf_counter()
        find = f"SELECT key, expires_at FROM replays WHERE key > ? ORDER BY key LIMIT {10 * WINDOW}"
        while rows := await self._store.rows(find, (last,)):
            last = bytes(rows[-1][0])
            over = [bytes(key) for key, at in rows if at < self._now and (len(key) != OPTIN or not at)]
            if over:
                drops: list[Statement] = [("DELETE FROM replays WHERE key = ?", (key,)) for key in over]
                await self._store.run(_LetGo(_Step(drops), ""))
            await asyncio.sleep((time.perf_counter() - started) * self._rest)
            started = time.perf_counter()


_DROP_MESSAGE = (
    "DELETE FROM messages WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM decisions WHERE message_id = ?1)"
)
_DROP_OCTETS = (
    "DELETE FROM bodies WHERE message_id = ?1 AND NOT EXISTS (SELECT 1 FROM messages WHERE id = ?1)"
)
_EMPTY_FACTS = (
    "UPDATE decisions SET snapshot = ?, violations = ? WHERE message_id = ? AND n = ? AND round = ?"
)
_ENDED = (
    "SELECT c.id FROM consent_events c WHERE c.recorded_at < ? AND c.action NOT IN ('withdrawn', 'objected')"
    " AND EXISTS (SELECT 1 FROM consent_events w WHERE w.lane = c.lane AND w.controller = c.controller"
    " AND w.subject = c.subject AND w.action IN ('withdrawn', 'objected') AND w.purpose IN ('', c.purpose)"
    " AND w.recorded_at >= c.recorded_at AND w.recorded_at < ?) AND c.id > ? ORDER BY c.id LIMIT ?"
)


def unquoted(violations: bytes) -> bytes:
    """The violations of a decision without the words that showed them."""
    data = orjson.loads(violations)
    if "v" in data:
        data["v"] = [{**v, "evidence": []} for v in data["v"]]
    return orjson.dumps(data)


def _drop(table: str, ids: list[str]) -> _Step:
    statements: list[Statement] = [(f"DELETE FROM {table} WHERE id = ?", (name,)) for name in ids]
    return _Step(statements, {table: ids} if ids else {}, len(ids))
