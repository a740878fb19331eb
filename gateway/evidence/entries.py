"""Entries of the audit log as they are stored, and the rows they speak of."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence, Set
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import apsw
import orjson

from gateway.store import queries as q
from gateway.store.protocol import StoreError
from gateway.store.records import AuditRow, ConsentRow, DecisionRow, EventRow, HoldRow, MessageRow
from gateway.store.sqlite import connect
from gateway.store.sqlite_writes import link

COLUMNS = "seq, at, kind, reference, actor, digest, salt, detail, hash"
DECLARING = ("erased", "retained")
"""Kinds of entries that say which rows were removed or emptied on purpose."""
DECIDED = ("released", "rejected", "expired", "cancelled")
"""What a hold may have become that the log has an entry of."""
ACTOR = "gateway"
CHUNK = 2000
IDS_AT_ONCE = 500
CONSENT_COLUMNS = (
    "id, controller, subject, at, recorded_at, action, purpose, channel, grade, basis, source, proof"
)
EVENT_COLUMNS = "id, controller, subject, source, type, at, recorded_at, dedup, data"
MESSAGE_COLUMNS = (
    "id, controller, source, sender, channel, class, purpose, campaign, received_at, meta, reading"
)


class Rows(Protocol):
    """Whatever can be asked for rows: a store, or a file that nobody needs to serve."""

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a statement that only reads finds."""
        ...


class FileRows:
    """An SQLite database that is only read."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = connect(path, readonly=True)
        except apsw.Error as error:
            raise StoreError(f"{path} cannot be opened for reading") from error

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a statement finds in what is committed."""
        try:
            return self._db.execute(sql, tuple(values)).fetchall()
        except UnicodeDecodeError:
            return self._damaged(sql, tuple(values))
        except apsw.Error as error:
            raise StoreError(f"the database cannot be read ({type(error).__name__})") from error

    def _damaged(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The same where a text is none any more. What is left of it is told so that it fits no digest."""
        names = [f"c{n}" for n, _ in enumerate(self._db.execute(sql, values).get_description())]
        each = (
            f"typeof({c}) = 'text', CASE typeof({c}) WHEN 'text' THEN CAST({c} AS BLOB) ELSE {c} END"
            for c in names
        )
        whole = f"WITH found ({', '.join(names)}) AS ({sql}) SELECT {', '.join(each)} FROM found"
        rows: list[tuple[Any, ...]] = self._db.execute(whole, values).fetchall()
        return [tuple(map(_text, row[::2], row[1::2])) for row in rows]

    async def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _text(is_text: Any, value: Any) -> Any:
    if not is_text:
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "\ufffd" + value.decode(errors="backslashreplace")


class Entry(NamedTuple):
    """One stored entry of a chain."""

    seq: int
    at: float
    kind: str
    reference: str
    actor: str
    digest: bytes
    salt: bytes
    detail: bytes
    hash: bytes

    def follows(self, before: bytes, chain: str) -> bool:
        """Whether its hash is that of its content after the entry with the hash `before`."""
        try:
            mark = link(before, chain, self.seq, self.at, self.kind, self.reference, self.actor, self.digest)
        except (TypeError, ValueError):
            return False
        return mark == self.hash


def declaration(at: float, kind: str, reference: str, actor: str, told: dict[str, Any]) -> AuditRow:
    """An entry whose detail may be read by everyone and is covered by the chain: no salt, no person."""
    detail = orjson.dumps(told)
    return AuditRow(at, kind, reference, actor, blake2b(detail, digest_size=32).digest(), b"", detail)


def declares(entry: Entry) -> bool:
    """Whether the detail of an open entry is the one it was written with."""
    try:
        return blake2b(entry.detail, digest_size=32).digest() == entry.digest
    except TypeError:
        return False


async def heads(store: Rows) -> dict[str, tuple[int, bytes]]:
    """The last number and hash of every chain."""
    found = {}
    for (chain,) in await chains(store):
        rows = await store.rows(q.CHAIN_HEAD, (chain,))
        found[str(chain)] = (int(rows[0][0]), bytes(rows[0][1]))
    return found


async def chains(store: Rows) -> list[tuple[Any, ...]]:
    """The names of all chains, without reading every entry."""
    found: list[tuple[Any, ...]] = []
    last = ""
    while rows := await store.rows("SELECT chain FROM audit WHERE chain > ? ORDER BY chain LIMIT 1", (last,)):
        found.append(rows[0])
        last = str(rows[0][0])
    return found


async def read_chain(
    store: Rows, chain: str, after: int, last: int, chunk: int = CHUNK
) -> AsyncIterator[list[Entry]]:
    """The entries of a chain after a number up to another, in order, some at a time."""
    async for rows in walk_chain(store, chain, after, last, chunk):
        yield list(map(Entry._make, rows))


async def walk_chain(
    store: Rows, chain: str, after: int, last: int, chunk: int = CHUNK
) -> AsyncIterator[list[tuple[Any, ...]]]:
    """The same as the database gives them: tuples of the fields of an Entry."""
    sql = f"SELECT {COLUMNS} FROM audit WHERE chain = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT {chunk}"
    while after < last:
        rows = await store.rows(sql, (chain, after, last))
        if not rows:
            return
        yield rows
        after = rows[-1][0]
        await asyncio.sleep(0)


async def near(store: Rows, at: float, slack: float = 0.001) -> AsyncIterator[tuple[str, list[Entry]]]:
    """What every chain says about a moment: its entries of that time, found by halving."""
    for chain, (last, _) in (await heads(store)).items():
        first = await _first_since(store, chain, at - slack, last)
        rows: list[Entry] = []
        async for entries in read_chain(store, chain, first - 1, last, 200):
            rows.extend(e for e in entries if e.at <= at + slack)
            if entries[-1].at > at + slack:
                break
        if rows:
            yield chain, rows


async def speaking_of(
    store: Rows, names: Set[str], times: Iterable[float], told: Set[tuple[str, str]]
) -> dict[tuple[str, int], Entry]:
    """The entries about rows of these names, by chain and number: looked for at some times, and through the
    whole log where one of `told` (a name, and what kind of entry it has for certain) is not found so: where a
    clock was put back, entries are not in the order of their times."""
    found: dict[tuple[str, int], Entry] = {}
    for at in sorted(times):
        async for chain, rows in near(store, at):
            found.update({(chain, row.seq): row for row in rows if row.reference in names})
    if told - {(entry.reference, entry.kind.partition(".")[0]) for entry in found.values()}:
        for *values, chain in await _by_ids(store, f"SELECT {COLUMNS}, chain FROM audit", "reference", names):
            found[str(chain), values[0]] = Entry(*values)
    return found


async def _first_since(store: Rows, chain: str, at: float, last: int) -> int:
    low, high = 1, last
    sql = "SELECT at FROM audit WHERE chain = ? AND seq >= ? ORDER BY seq LIMIT 1"
    while low < high:
        middle = (low + high) // 2
        rows = await store.rows(sql, (chain, middle))
        if rows and rows[0][0] < at:
            low = middle + 1
        else:
            high = middle
    return low


async def _by_ids(store: Rows, select: str, column: str, ids: Iterable[str]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), IDS_AT_ONCE):
        part = wanted[start : start + IDS_AT_ONCE]
        marks = ", ".join("?" * len(part))
        found.extend(await store.rows(f"{select} WHERE {column} IN ({marks})", part))
    return found


async def decisions_of(store: Rows, message_ids: Iterable[str]) -> dict[str, DecisionRow]:
    """Every decision of some messages, by its name."""
    rows = await _by_ids(store, f"SELECT {q.DECISION_COLUMNS} FROM decisions", "message_id", message_ids)
    return {row.id: row for row in (DecisionRow(*values) for values in rows)}


async def messages_of(store: Rows, ids: Iterable[str]) -> dict[str, MessageRow]:
    """Some messages, by id."""
    rows = await _by_ids(store, f"SELECT {MESSAGE_COLUMNS} FROM messages", "id", ids)
    return {str(values[0]): MessageRow(*values) for values in rows}


async def bodies_of(store: Rows, ids: Iterable[str]) -> dict[str, bytes]:
    """The octets of some messages, where they are still kept."""
    rows = await _by_ids(store, "SELECT message_id, content FROM bodies", "message_id", ids)
    return {str(name): content for name, content in rows}


async def holds_of(store: Rows, ids: Iterable[str]) -> dict[str, HoldRow]:
    """Some holds, by id."""
    rows = await _by_ids(store, f"SELECT {q.HOLD_COLUMNS} FROM holds", "id", ids)
    return {str(values[0]): HoldRow(*values) for values in rows}


async def consents_of(store: Rows, ids: Iterable[str]) -> dict[str, list[ConsentRow]]:
    """Some lines of the consent log, by id: one told of several addresses has the same name."""
    rows = await _by_ids(store, f"SELECT {CONSENT_COLUMNS} FROM consent_events", "id", ids)
    found: dict[str, list[ConsentRow]] = {}
    for values in rows:
        found.setdefault(str(values[0]), []).append(ConsentRow(*values))
    return found


async def events_of(store: Rows, ids: Iterable[str]) -> dict[str, EventRow]:
    """Some events, by id."""
    rows = await _by_ids(store, f"SELECT {EVENT_COLUMNS} FROM events", "id", ids)
    return {str(values[0]): EventRow(*values) for values in rows}


def values_of(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The first column."""
    return [row[0] for row in rows]
