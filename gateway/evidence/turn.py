"""Whose turn it is: of several gateways on one database one does what is to be done once."""

from typing import Any

import orjson

from gateway.evidence.entries import Rows
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store

LEASE = 180.0
"""Seconds after which the turn of a gateway that went away is anybody's."""

_KEPT = "SELECT value FROM settings WHERE name = ?"
_KEEP = (
    "INSERT INTO settings (name, value) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value = ?"
)


class _Keep:
    needs = Needs()

    def __init__(self, name: str, value: str, before: str) -> None:
        self._values = (name, value, before)

    def apply(self, draft: Draft[None]) -> None:
        """Write it where it still is what it was."""
        draft.writes.statements.append((_KEEP, self._values))


class Turn:
    """A turn by name. `owner` is this process among all that share the database; who comes back under the
    name of one that went away need not wait."""

    def __init__(self, store: Store, name: str, owner: str, lease: float = LEASE) -> None:
        self._store = store
        self._name = f"turn:{name}"
        self._owner = owner
        self._lease = lease

    async def take(self, now: float) -> bool:
        """Take or keep the turn until `now` and the lease; False while it is another's. One that would last
        much longer than a lease was taken by a wrong clock, and is nobody's. Raises StoreError."""
        kept = await _read(self._store, self._name)
        if kept:
            told: dict[str, Any] = orjson.loads(kept)
            if told["owner"] != self._owner and now < told["until"] <= now + 2 * self._lease:
                return False
        wanted = orjson.dumps({"owner": self._owner, "until": now + self._lease}).decode()
        await self._store.run(_Keep(self._name, wanted, kept))
        return await _read(self._store, self._name) == wanted


async def _read(store: Rows, name: str) -> str:
    rows = await store.rows(_KEPT, (name,))
    return str(rows[0][0]) if rows else ""
