"""The rows that some entries speak of, read as they lie: along the key where they stand together, by name
where they do not. They stay the plain tuples that a database gives, with the fields of the row's class in its
order: making one of each takes longer than checking it."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from gateway.evidence.entries import CONSENT_COLUMNS, EVENT_COLUMNS, IDS_AT_ONCE, MESSAGE_COLUMNS, Rows
from gateway.store import queries as q
from gateway.store.records import ConsentRow, DecisionRow, EventRow, HoldRow, MessageRow, decision_id

FEW = 20
"""Ids that are not worth a walk along the key."""
STRAY = 50
"""One in so many ids may lie far from the others, at either end, without lengthening the walk."""


async def read(
    store: Rows, columns: str, table: str, key: str, ids: Iterable[str], *, sparse: bool = False
) -> list[tuple[Any, ...]]:
    """The rows with these ids, in no order, and maybe some that stand among them; each row once. The key's
    column comes first in `columns`. What a walk does not find is asked for by name as well, unless the table
    is `sparse`: then few are there."""
    wanted = set(ids)
    sql = f"SELECT {columns} FROM {table} WHERE {key}"
    rows: list[tuple[Any, ...]] = []
    left = sorted(wanted)
    if len(left) > FEW:
        rows, low, high = await _walk(store, sql, key, left)
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
        rows = [row for row in rows if row[0] != last]
        high = rows[-1][0] if rows else ""
    return rows, low, high


async def decisions(store: Rows, message_ids: Iterable[str]) -> dict[str, DecisionRow]:
    """Every decision of some messages, by its name."""
    rows = await read(store, q.DECISION_COLUMNS, "decisions", "message_id", message_ids)
    return {
        f"{row[0]}-{row[1]}" if not row[14] else decision_id(row[0], row[1], row[14]): row
        for row in cast("list[DecisionRow]", rows)
    }


async def messages(store: Rows, ids: Iterable[str]) -> dict[str, MessageRow]:
    """Some messages, by id."""
    rows = await read(store, MESSAGE_COLUMNS, "messages", "id", ids)
    return {row[0]: row for row in cast("list[MessageRow]", rows)}


async def kept_bodies(store: Rows, ids: Iterable[str]) -> list[str]:
    """Of which messages the octets are still kept, others that stand among them too."""
    return [row[0] for row in await read(store, "message_id", "bodies", "message_id", ids, sparse=True)]


async def consents(store: Rows, ids: Iterable[str]) -> dict[str, list[ConsentRow]]:
    """Some lines of the consent log, by id: one told of several addresses has the same name."""
    found: dict[str, list[ConsentRow]] = {}
    rows = await read(store, CONSENT_COLUMNS, "consent_events", "id", ids)
    for row in cast("list[ConsentRow]", rows):
        found.setdefault(row[0], []).append(row)
    return found


async def events(store: Rows, ids: Iterable[str]) -> dict[str, EventRow]:
    """Some events, by id."""
    rows = await read(store, EVENT_COLUMNS, "events", "id", ids)
    return {row[0]: row for row in cast("list[EventRow]", rows)}


async def holds(store: Rows, ids: Iterable[str]) -> dict[str, HoldRow]:
    """Some holds, by id."""
    rows = await read(store, q.HOLD_COLUMNS, "holds", "id", ids)
    return {row[0]: HoldRow(*row) for row in rows}
