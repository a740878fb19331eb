"""The rows that some entries speak of, read as they lie: along the key where they stand together, by name
where they do not. As named tuples: making a row's own class of each takes longer than checking it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

from gateway.evidence.entries import CONSENT_COLUMNS, EVENT_COLUMNS, IDS_AT_ONCE, MESSAGE_COLUMNS, Rows
from gateway.store import queries as q
from gateway.store.records import ConsentRow, DecisionRow, EventRow, HoldRow, MessageRow, decision_id

FEW = 20
"""Ids that are not worth a walk along the key."""
STRAY = 50
"""One in so many ids may lie far from the others, at either end, without lengthening the walk."""


class _Decision(NamedTuple):
    message_id: str
    n: int
    controller: str
    subject: bytes
    at: float
    outcome: int
    class_: str
    source: str
    sender: str
    channel: str
    campaign: str
    policy_version: str
    violations: bytes
    snapshot: bytes
    round: int


class _Message(NamedTuple):
    id: str
    controller: str
    source: str
    sender: str
    channel: str
    class_: str
    purpose: str
    campaign: str
    received_at: float
    meta: bytes
    reading: bytes


class _Consent(NamedTuple):
    id: str
    controller: str
    subject: bytes
    at: float
    recorded_at: float
    action: str
    purpose: str
    channel: str
    grade: str
    basis: str
    source: str
    proof: bytes


class _Event(NamedTuple):
    id: str
    controller: str
    subject: bytes
    source: str
    type: str
    at: float
    recorded_at: float
    dedup: bytes
    data: bytes


_DECISION = cast("Callable[[Iterable[Any]], DecisionRow]", _Decision._make)
_MESSAGE = cast("Callable[[Iterable[Any]], MessageRow]", _Message._make)
_CONSENT = cast("Callable[[Iterable[Any]], ConsentRow]", _Consent._make)
_EVENT = cast("Callable[[Iterable[Any]], EventRow]", _Event._make)


async def read(
    store: Rows, columns: str, table: str, key: str, ids: Iterable[str], *, sparse: bool = False
) -> list[tuple[Any, ...]]:
    """The rows with these ids, in no order; each row once. The key's column comes first in `columns`. What a
    walk does not find is asked for by name as well, unless the table is `sparse`: then few are there."""
    wanted = set(ids)
    sql = f"SELECT {columns} FROM {table} WHERE {key}"
    rows: list[tuple[Any, ...]] = []
    left = sorted(wanted)
    if len(left) > FEW:
        walked, low, high = await _walk(store, sql, key, left)
        rows = [row for row in walked if row[0] in wanted and row[0] <= high]
        if sparse:
            left = [name for name in left if not low <= name <= high]
        else:
            left = sorted(wanted.difference([row[0] for row in rows]))
    for start in range(0, len(left), IDS_AT_ONCE):
        part = left[start : start + IDS_AT_ONCE]
        rows += await store.rows(f"{sql} IN ({', '.join('?' * len(part))})", part)
    return rows


async def _walk(
    store: Rows, sql: str, key: str, ids: Sequence[str]
) -> tuple[list[tuple[Any, ...]], str, str]:
    """What stands between the first and the last of most of the ids, and between which ids that is all there
    is: where many others lie between, the walk ends early."""
    stray, most = len(ids) // STRAY, 3 * len(ids)
    low, high = ids[stray], ids[-1 - stray]
    rows = await store.rows(f"{sql} >= ? AND {key} <= ? ORDER BY {key} LIMIT {most}", (low, high))
    if len(rows) == most:
        last = rows[-1][0]
        high = max((row[0] for row in rows if row[0] != last), default="")
    return rows, low, high


async def decisions(store: Rows, message_ids: Iterable[str]) -> dict[str, DecisionRow]:
    """Every decision of some messages, by its name."""
    rows = await read(store, q.DECISION_COLUMNS, "decisions", "message_id", message_ids)
    return {f"{d[0]}-{d[1]}" if not d[14] else decision_id(d[0], d[1], d[14]): _DECISION(d) for d in rows}


async def messages(store: Rows, ids: Iterable[str]) -> dict[str, MessageRow]:
    """Some messages, by id."""
    return {m[0]: _MESSAGE(m) for m in await read(store, MESSAGE_COLUMNS, "messages", "id", ids)}


async def kept_bodies(store: Rows, ids: Iterable[str]) -> list[str]:
    """Of which messages the octets are still kept."""
    return [row[0] for row in await read(store, "message_id", "bodies", "message_id", ids, sparse=True)]


async def consents(store: Rows, ids: Iterable[str]) -> dict[str, list[ConsentRow]]:
    """Some lines of the consent log, by id: one told of several addresses has the same name."""
    found: dict[str, list[ConsentRow]] = {}
    for row in await read(store, CONSENT_COLUMNS, "consent_events", "id", ids):
        found.setdefault(row[0], []).append(_CONSENT(row))
    return found


async def events(store: Rows, ids: Iterable[str]) -> dict[str, EventRow]:
    """Some events, by id."""
    return {row[0]: _EVENT(row) for row in await read(store, EVENT_COLUMNS, "events", "id", ids)}


async def holds(store: Rows, ids: Iterable[str]) -> dict[str, HoldRow]:
    """Some holds, by id."""
    rows = await read(store, q.HOLD_COLUMNS, "holds", "id", ids)
    return {row[0]: HoldRow(*row) for row in rows}
