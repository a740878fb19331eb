"""The reversible kill switch: a source or a campaign is paused, and resumed.

What is paused is kept in the store, so that every process knows it within a second and after a restart.
While a pause lasts, a rule of the floor holds what comes (`paused`), and the gate what waited in the outbox.
When it ends, whoever serves decides anew what it held: some at a time, in order.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Protocol

import orjson
from msgspec.structs import replace

from gateway.access import Access
from gateway.message.address import without_addresses
from gateway.review.deciding import ReviewResult
from gateway.review.proposals import is_own
from gateway.store.draft import Draft, Needs
from gateway.store.pauses import AFTER, CODES, LISTED, PREFIX, Kind, Pause, key_of, pack_pause, unpack_pause
from gateway.store.protocol import Store
from gateway.store.queries import HOLD_COLUMNS
from gateway.store.records import AuditRow, HoldRow, ReplayRow

log = logging.getLogger(__name__)

KEPT = 100 * 365 * 86400.0
"""Seconds that a row is kept: until it is let go of."""
GRACE = 10.0
"""Seconds after the end of a pause in which what it held is looked for again: another process may have held
something because it had not heard of the end."""
LEASE = 10.0
"""Seconds without progress after which what was held is anybody's to decide."""
STEP = 64

_HELD = (
    f"SELECT {HOLD_COLUMNS} FROM holds WHERE status = 'open' AND id > ?"  # noqa: S608
    " AND ' ' || codes || ' ' LIKE '% ' || ? || ' %'"
)
_ORDER = f" ORDER BY id LIMIT {STEP}"
_OF_SOURCE = f"{_HELD} AND source = ?{_ORDER}"
_OF_CAMPAIGN = f"{_HELD} AND campaign = ? AND controller = ?{_ORDER}"


class _Begin:
    """Pause; hands back the pause that lasts, and whether it is new."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self.needs = Needs(replays=(pause.key,))

    def apply(self, draft: Draft[Any]) -> tuple[Pause, bool]:
        """Keep it, with an entry of the audit log; one that lasts stays as it is."""
        before = _kept(draft, self._pause.key)
        if before is not None and before.lasts:
            return before, False
        pause = replace(self._pause, since=draft.now)
        _keep(draft, pause)
        draft.writes.audit.append(_entry(draft, pause, "paused", pause.by, pause.reason))
        return pause, True


class OwnPause(Exception):
    """Somebody else paused the reviewer's own source: another reviewer resumes it."""


class _End:
    """Resume; hands back the pause that ended, None where none lasted, or where it is not the one that began
    at `since`."""

    def __init__(
        self, key: bytes, by: str, reason: str, since: float | None = None, access: Access | None = None
    ) -> None:
        self._key, self._by, self._reason, self._since = key, by, reason, since
        self._reviewer = access.reviewers.get(by) if access is not None else None
        self.needs = Needs(replays=(key,))

    def apply(self, draft: Draft[Any]) -> Pause | None:
        """Its row stays until what it held is decided again."""
        before = _kept(draft, self._key)
        if before is None or not before.lasts or self._since not in (None, before.since):
            return None
        if self._is_own(before):
            raise OwnPause
        after = replace(before, resumed_at=draft.now, resumed_by=self._by, owner="", lease_until=0.0)
        _keep(draft, after)
        draft.writes.audit.append(_entry(draft, after, "resumed", self._by, self._reason))
        return after

    def _is_own(self, one: Pause) -> bool:
        """Whether others paused what is this reviewer's. Whose a campaign is, nobody knows."""
        mine = self._reviewer is not None and one.kind == "source" and is_own(self._reviewer, one.name, "")
        return mine and one.by != self._by


class _Lease:
    """Take an ended pause, or go on with it, or with `done` let go of it; False where another process is at
    it, or it lasts again."""

    def __init__(self, pause: Pause, owner: str, *, done: bool = False) -> None:
        self._pause, self._owner, self._done = pause, owner, done
        self.needs = Needs(replays=(pause.key,))

    def apply(self, draft: Draft[Any]) -> bool:
        """Of several one has it."""
        now = _kept(draft, self._pause.key)
        if now is None or now.resumed_at != self._pause.resumed_at:
            return False
        if now.owner != self._owner and now.lease_until > draft.now:
            return False
        if self._done:
            draft.writes.statements.append(("DELETE FROM replays WHERE key = ?", (now.key,)))
        else:
            _keep(draft, replace(now, owner=self._owner, lease_until=draft.now + LEASE))
        return True


def _kept(draft: Draft[Any], key: bytes) -> Pause | None:
    answer = draft.replay(key)
    return unpack_pause(answer) if answer else None


def _keep(draft: Draft[Any], pause: Pause) -> None:
    draft.writes.replays[pause.key] = ReplayRow(pause.key, draft.now + KEPT, pack_pause(pause))


def _entry(draft: Draft[Any], pause: Pause, deed: str, actor: str, reason: str) -> AuditRow:
    """Open to everyone and covered by the chain, as what the gateway declares of itself is."""
    detail = orjson.dumps({"controller": pause.controller, "reason": reason})
    digest = blake2b(detail, digest_size=32).digest()
    return AuditRow(draft.now, f"{pause.kind}.{deed}", pause.name, actor, digest, b"", detail)


async def pause(
    store: Store, kind: Kind, name: str, controller: str, by: str, reason: str = ""
) -> tuple[Pause, bool]:
    """Hold what comes from a source, or of a campaign of a controller, from now on; the pause that lasts and
    whether it is new. The reason is kept without addresses. Raises StoreError."""
    wanted = Pause(
        kind=kind, name=name, controller=controller, since=0.0, by=by, reason=without_addresses(reason)
    )
    return await store.run(_Begin(wanted))


async def resume(
    store: Store,
    kind: Kind,
    name: str,
    controller: str,
    by: str,
    reason: str = "",
    access: Access | None = None,
) -> Pause | None:
    """Let it go on; None where nothing was paused. With `access`, a reviewer's own source only where they
    paused it. Raises OwnPause, StoreError."""
    key = key_of(kind, controller, name)
    return await store.run(_End(key, by, without_addresses(reason), access=access))


async def resume_by_id(
    store: Store, access: Access, pause_id: str, by: str, reason: str, since: float | None = None
) -> Pause | None:
    """The same, by the id of a pause: 32 hexadecimal digits. Where it is known, `since` says which one was
    seen: one that began later goes on. Raises OwnPause, StoreError."""
    key = PREFIX + bytes.fromhex(pause_id)
    return await store.run(_End(key, by, without_addresses(reason), since, access))


async def look(store: Store) -> tuple[list[Pause], list[Pause]]:
    """Know what is paused now: what began, and what ended, since this process looked last. Raises StoreError;
    then what it knew stands."""
    return store.pauses.take_up(await store.few(LISTED, (PREFIX, AFTER, store.now())))


class Decides(Protocol):
    """Decides holds again, each for itself."""

    async def again(self, holds: Sequence[HoldRow], now: float) -> list[ReviewResult]:
        """What became of them. Raises StoreError."""


class Pausing:
    """What a process that serves does about pauses. `tell` hears how many of each kind last."""

    def __init__(self, store: Store, review: Decides, tell: Callable[[dict[str, int]], None]) -> None:
        self._store = store
        self._review = review
        self._tell = tell
        self._owner = os.urandom(8).hex()

    def begin(self) -> None:
        """Tell what is paused at the start."""
        self._say(self._store.pauses.lasting, ())

    async def look(self) -> bool:
        """Take up what changed; whether something is paused that was not. Raises StoreError; then what was
        known stands."""
        began, ended = await look(self._store)
        self._say(began, ended)
        return bool(began)

    def _say(self, began: Iterable[Pause], ended: Iterable[Pause]) -> None:
        for one in began:
            log.warning("%s.paused", one.kind, extra=_named(one))
        for one in ended:
            log.warning("%s.resumed", one.kind, extra=_named(one))
        lasting = [one.kind for one in self._store.pauses.lasting]
        self._tell({kind: lasting.count(kind) for kind in CODES})

    async def wake(self) -> None:
        """Decide again what ended pauses hold. Raises StoreError; then it is gone on with next time."""
        for one in self._store.pauses.ended:
            if await self._store.run(_Lease(one, self._owner)):
                begun = self._store.now()
                whole = await self._walk(one)
                if whole and begun > one.resumed_at + GRACE:
                    await self._store.run(_Lease(one, self._owner, done=True))

    async def _walk(self, one: Pause) -> bool:
        """All that it holds, in order; False where another process took over, or it is paused again."""
        last, count = "", 0
        while True:
            holds = await self._held(one, last)
            if holds:
                last = holds[-1].id
                count += len(await self._review.again(holds, self._store.now()))
            if len(holds) < STEP:
                if count:
                    log.info("%s.decided_again", one.kind, extra={**_named(one), "holds": count})
                return True
            known = self._store.pauses.get(one.key)
            if (known is not None and known.lasts) or not await self._store.run(_Lease(one, self._owner)):
                return False
            await asyncio.sleep(0)

    async def _held(self, one: Pause, after: str) -> list[HoldRow]:
        """The next of what it holds."""
        wanted = [after, CODES[one.kind], one.name]
        if one.kind == "source":
            rows = await self._store.rows(_OF_SOURCE, wanted)
        else:
            rows = await self._store.rows(_OF_CAMPAIGN, [*wanted, one.controller])
        return [HoldRow(*row) for row in rows]


def _named(one: Pause) -> dict[str, str]:
    """What the log may say: a campaign's name is a text of its tool, so whose it is must do."""
    return {"source": one.name} if one.kind == "source" else {"controller": one.controller}
