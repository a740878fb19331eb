"""Keys that rotate: new ones for what is new, old ones for as long as something rests on them."""

import os
from array import array
from bisect import bisect_left
from dataclasses import replace

from gateway.evidence.checkpoint import public_key
from gateway.evidence.entries import Rows
from gateway.keys import Keys, tag_of
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store

PAGE = 20_000
TABLES = ("people", "decisions", "consent_events", "events", "holds")


class KeysInUse(Exception):
    """A pepper cannot go: people are stored under it. The text says how many."""


class KnownSubjects:
    """Who is stored under older peppers, eight octets each: 40 MB for five million people."""

    def __init__(self) -> None:
        self._marks: array[int] = array("Q")

    def add(self, subjects: list[bytes]) -> None:
        """Add some subjects; `settle` makes them found."""
        self._marks.extend(int.from_bytes(subject[:8], "big") for subject in subjects)

    def settle(self) -> None:
        """Put them in order."""
        self._marks = array("Q", sorted(self._marks))

    def __len__(self) -> int:
        return len(self._marks)

    def __contains__(self, subject: object) -> bool:
        assert isinstance(subject, bytes)
        mark = int.from_bytes(subject[:8], "big")
        at = bisect_left(self._marks, mark)
        return at < len(self._marks) and self._marks[at] == mark


async def with_known(store: Rows, keys: Keys) -> Keys:
    """The keys with what they need to recognize people of older peppers: to be called at start. Costs
    nothing where there is one pepper."""
    if len(keys.peppers) == 1:
        return keys
    known, older = KnownSubjects(), frozenset(keys.tags[1:])
    last: tuple[int, str, bytes] = (-1, "", b"")
    sql = (
        "SELECT lane, controller, subject FROM people WHERE (lane, controller, subject) > (?, ?, ?)"
        f" ORDER BY lane, controller, subject LIMIT {PAGE}"
    )
    while rows := await store.rows(sql, last):
        known.add([bytes(row[2]) for row in rows if bytes(row[2])[-1:] in older])
        last = (int(rows[-1][0]), str(rows[-1][1]), bytes(rows[-1][2]))
    known.settle()
    return replace(keys, known=known)


def rotate(keys: Keys, *, pepper: bool = False, tokens: bool = False, signing: bool = False) -> Keys:
    """New keys before the old ones. Old tokens still open, old checkpoints still verify, people are still
    recognized."""
    peppers, retired, seed = keys.peppers, keys.retired, keys.signing
    if pepper:
        fresh = os.urandom(32)
        while tag_of(fresh) in keys.tags:
            fresh = os.urandom(32)
        peppers = (fresh, *peppers)
    if signing:
        retired, seed = (public_key(seed), *retired), os.urandom(32)
    made = (os.urandom(32), *keys.tokens) if tokens else keys.tokens
    return replace(keys, peppers=peppers, tokens=made, signing=seed, retired=retired)


async def usage(store: Rows, keys: Keys) -> list[dict[str, int]]:
    """How many rows of each table stand under each pepper, the current one first."""
    found = []
    for tag in keys.tags:
        counts = {}
        for table in TABLES:
            sql = f"SELECT count(*) FROM {table} WHERE length(subject) = 16 AND substr(subject, 16, 1) = ?"
            counts[table] = int((await store.rows(sql, (tag,)))[0][0])
        found.append(counts)
    return found


class _Refingerprint:
    needs = Needs()

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint

    def apply(self, draft: Draft[None]) -> None:
        sql = "UPDATE settings SET value = ? WHERE name = 'fingerprint'"
        draft.writes.statements.append((sql, (self._fingerprint,)))


async def drop_unused(store: Store, keys: Keys) -> Keys:
    """The keys without the older peppers that nobody is stored under. Raises KeysInUse where every older
    pepper is used. The caller saves them before anything else is done."""
    counts = await usage(store, keys)
    kept = [pepper for n, pepper in enumerate(keys.peppers) if n == 0 or any(counts[n].values())]
    if len(kept) == len(keys.peppers):
        people = sum(one["people"] for one in counts[1:])
        raise KeysInUse(f"{people} people are stored under older peppers: these stay.")
    return replace(keys, peppers=tuple(kept))


async def adopt(store: Store, keys: Keys) -> None:
    """The database recognizes these keys from now on."""
    await store.run(_Refingerprint(keys.fingerprint))
