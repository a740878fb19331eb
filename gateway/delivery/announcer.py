"""Tells subscribers what happened: signed as Standard Webhooks 1.0, each in order, at least once.

What an endpoint was told stands in the store, with who is telling it: of several replicas one tells, and
where that one dies another goes on after a minute. An endpoint that fails is tried again for three days and
holds up nobody else; one that answers 410 is told nothing more.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from hashlib import blake2b
from typing import Any

import aiohttp
import orjson

from gateway.access import Source
from gateway.delivery.reply import printable
from gateway.delivery.signature import sign
from gateway.delivery.target import TargetError, WebhookTarget, parse_webhook
from gateway.delivery.verdict import Result
from gateway.delivery.webhook import read_answer, read_failure, read_text
from gateway.intake.announce import TYPES, Announcement, Entry, announce, entries_after, heads_of
from gateway.store.attempt import Kind
from gateway.store.draft import Draft, Needs
from gateway.store.outage import AGAIN_SECONDS
from gateway.store.protocol import Store, StoreError

log = logging.getLogger("galateo.announcer")

DELAYS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds after each failure; about three days in all."""
TIMEOUT = 20.0
LEASE = 60.0
STINT = 30.0
"""Seconds of telling before the position is kept; with one more answer still within the lease."""
BATCH = 100
LARGEST = 20_000
_KEEP = (
    "INSERT INTO settings (name, value) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value = ?"
)
_KEPT = "SELECT value FROM settings WHERE name = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Who is told what: the types in `events`, of the source's own messages and of its controller."""

    source: str
    controller: str
    target: WebhookTarget
    events: frozenset[str]

    @property
    def name(self) -> str:
        """Under which its position is kept: another URL is another subscriber."""
        mark = blake2b(self.target.url.encode(), digest_size=8).hexdigest()
        return f"announced:{self.source}:{mark}"

    def wants(self, said: Announcement) -> bool:
        """Whether it is told this."""
        mine = said.source == self.source if said.source else said.controller in ("", self.controller)
        return mine and said.type in self.events


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Up to where an endpoint was told, in each chain of the log, and how that goes. Times are unix
    seconds."""

    told: dict[str, int] = field(default_factory=dict)
    owner: str = ""
    until: float = 0.0
    failures: int = 0
    next_at: float = 0.0
    gone: bool = False


def endpoints_of(sources: Iterable[Source]) -> tuple[Endpoint, ...]:
    """Every endpoint that the access file names. Raises TargetError, with the source's name."""
    found = []
    for source in sources:
        for hook in source.webhooks:
            unknown = sorted(hook.events - set(TYPES))
            if unknown:
                raise TargetError(f"source {source.name!r}: webhooks: there is no event {unknown[0]!r}")
            try:
                target = parse_webhook(hook.url, hook.secret)
            except TargetError as error:
                raise TargetError(f"source {source.name!r}: webhooks: {error}") from error
            events = hook.events or frozenset(TYPES)
            found.append(
                Endpoint(source=source.name, controller=source.controller, target=target, events=events)
            )
    return tuple(found)


Key = tuple[str, frozenset[str]]


def _by_key(endpoints: Iterable[Endpoint]) -> dict[Key, Endpoint]:
    return {(endpoint.name, endpoint.events): endpoint for endpoint in endpoints}


class _Keep:
    needs = Needs()

    def __init__(self, name: str, value: str, before: str) -> None:
        self._values = (name, value, before)

    def apply(self, draft: Draft[None]) -> None:
        draft.writes.statements.append((_KEEP, self._values))


async def keep(store: Store, name: str, value: str, before: str) -> bool:
    """Keep a position where it is still the one before; False where somebody else was quicker."""
    await store.run(_Keep(name, value, before))
    rows = await store.rows(_KEPT, (name,))
    return bool(rows) and rows[0][0] == value


async def position_of(store: Store, endpoint: Endpoint) -> tuple[Position | None, str]:
    """Where an endpoint stands, and that as it is kept. Raises StoreError."""
    rows = await store.rows(_KEPT, (endpoint.name,))
    return (Position(**orjson.loads(rows[0][0])), rows[0][0]) if rows else (None, "")


def pack(position: Position) -> str:
    """A position as it is kept."""
    return orjson.dumps(asdict(position), option=orjson.OPT_SORT_KEYS).decode()


class Announcer:
    """Tells every endpoint. `owner` is this process among all that share the store."""

    def __init__(
        self,
        store: Store,
        endpoints: Iterable[Endpoint],
        owner: str,
        *,
        poll: float = 1.0,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self._store = store
        self._endpoints = _by_key(endpoints)
        self._serving: set[Key] = set()
        self._changed = asyncio.Event()
        self._owner = owner
        self._poll = poll
        self._timeout = timeout
        self._clock = clock
        self._rng = rng or random.Random()
        self._said = float("-inf")

    def adopt(self, endpoints: Iterable[Endpoint]) -> None:
        """Tell these from now on: one that stays goes on where it was, with its secret of today; to one that
        went, nothing more is begun."""
        self._endpoints = _by_key(endpoints)
        self._changed.set()

    async def run(self) -> None:
        """Tell until cancelled; while there are no endpoints there is nothing to do."""
        async with open_client(self._timeout) as client, asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for key in self._endpoints.keys() - self._serving:
                    self._serving.add(key)
                    group.create_task(self._serve(client, key))
                await self._changed.wait()

    async def _serve(self, client: aiohttp.ClientSession, key: Key) -> None:
        while (endpoint := self._endpoints.get(key)) is not None:
            more = False
            try:
                more = await self.tell(client, endpoint, partial(self._is_current, key, endpoint))
            except StoreError as error:
                self._say(endpoint, error)
            except Exception:
                log.exception("announcer.broken", extra={"source": endpoint.source})
            if not more:
                await asyncio.sleep(self._poll)
        self._serving.discard(key)

    def _say(self, endpoint: Endpoint, error: StoreError) -> None:
        """That the store fails: it fails for every endpoint, each second, so one line a minute says it."""
        now = time.monotonic()
        if now - self._said >= AGAIN_SECONDS:
            self._said = now
            log.warning("announcer.store", extra={"source": endpoint.source, "problem": str(error)})

    def _is_current(self, key: Key, endpoint: Endpoint) -> bool:
        return self._endpoints.get(key) == endpoint

    async def tell(
        self, client: aiohttp.ClientSession, endpoint: Endpoint, still: Callable[[], bool] = lambda: True
    ) -> bool:
        """Tell what is new, as long as the endpoint is `still` to be told; True where there may be more at
        once. Raises StoreError."""
        position, kept = await position_of(self._store, endpoint)
        now = self._clock()
        if position is None:
            # A new subscriber hears what happens from now on.
            first = Position(told=await heads_of(self._store), owner=self._owner)
            await keep(self._store, endpoint.name, pack(first), "")
            return True
        others = position.owner != self._owner and position.until > now
        if position.gone or position.next_at > now or others:
            return False
        entries = await entries_after(self._store, position.told, BATCH)
        if not entries:
            return False
        position = replace(position, owner=self._owner, until=now + LEASE)
        if not await keep(self._store, endpoint.name, claimed := pack(position), kept):
            return False
        for entry in entries:
            if not still():
                break
            said = await self._read(entry)
            if said is not None and endpoint.wants(said):
                result = await post(client, endpoint, said, self._clock())
                position = self._note(endpoint, position, result)
                if position.gone or position.next_at > now:
                    break
            position = replace(position, told={**position.told, entry.chain: entry.seq}, failures=0)
            if self._clock() - now > STINT:
                break
        await keep(self._store, endpoint.name, pack(replace(position, until=0.0)), claimed)
        return not position.gone and position.next_at <= now

    async def _read(self, entry: Entry) -> Announcement | None:
        try:
            return await announce(self._store, entry)
        except StoreError:
            raise
        except Exception:
            # A row that nobody can read must not stand in the way of all that follow.
            log.exception("announcer.unreadable", extra={"kind": entry.kind, "reference": entry.reference})
            return None

    def _note(self, endpoint: Endpoint, before: Position, result: Result) -> Position:
        """The position after an answer: `next_at` in the future says to try the same again."""
        said: dict[str, Any] = {"source": endpoint.source, "code": result.code}
        if not result.code:
            said["cause"] = printable(result.text)
        if result.code == 410:
            log.error("announcer.gone", extra={"source": endpoint.source})
            return replace(before, gone=True)
        if result.kind is Kind.DELIVERED:
            return replace(before, failures=0, next_at=0.0)
        if result.kind is Kind.PERMANENT or before.failures >= len(DELAYS):
            log.error("announcer.gave_up", extra=said)
            return replace(before, failures=0, next_at=0.0)
        delay = max(DELAYS[before.failures] * self._rng.uniform(0.8, 1.2), result.retry_after)
        log.warning("announcer.failed", extra=said)
        return replace(before, failures=before.failures + 1, next_at=self._clock() + delay)


def open_client(timeout: float = TIMEOUT) -> aiohttp.ClientSession:
    """A client that keeps no cookies and asks no proxy."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout),
        auto_decompress=False,
        trust_env=False,
    )


async def post(client: aiohttp.ClientSession, endpoint: Endpoint, said: Announcement, now: float) -> Result:
    """One try. Redirects are not followed, and what is too large for the standard is told without data."""
    body = said.body if len(said.body) <= LARGEST else replace(said, data={"truncated": True}).body
    headers: dict[str, Any] = {
        "Content-Type": "application/json",
        "User-Agent": "Galateo",
        "webhook-id": said.id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": sign(said.id, int(now), body, endpoint.target.secrets),
    }
    try:
        request = client.post(endpoint.target.url, data=body, headers=headers, allow_redirects=False)
        async with request as answer:
            await read_text(answer)
            return read_answer(answer.status, answer.headers.get("Retry-After", ""), b"", now)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return read_failure(error)
