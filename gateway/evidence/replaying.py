"""The past, read from the store and decided again, slice by slice, side by side in worker processes."""

import asyncio
import csv
import gc
import io
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gateway.evidence.entries import Rows
from gateway.evidence.origin import Bench, Origin
from gateway.evidence.replay import Changes, Past, Replay
from gateway.evidence.stretch import moment
from gateway.evidence.versions import texts_of
from gateway.message.ids import new_id
from gateway.policy.document import PolicyErrors
from gateway.policy.load import compose
from gateway.policy.policies import PolicySet

SLICE = 1000
"""Decisions that are read and decided at a time: a few megabytes."""
AHEAD = 8
ZERO = bytes(10)

Piece = tuple[str, str]
"""A slice of the past: after which message, and up to which."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """What a worker needs to ask: the texts of the draft and of the versions that decided."""

    draft: Mapping[str, str]
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    observing: bool = False
    keep: int = 5

    def replay(self) -> Replay:
        """The draft, ready to be asked. Versions that no longer load are left out."""
        draft = replace(compose(self.draft), observing=self.observing)
        versions: dict[str, PolicySet] = {}
        for version, texts in self.versions.items():
            if version != draft.version:
                try:
                    versions[version] = compose(texts)
                except PolicyErrors:
                    continue
        return Replay(draft, versions, keep=self.keep)


_prepared: list[tuple[Bench, Replay]] = []
"""What a worker process reads, and what it asks; only there."""


def prepare(origin: Origin, drafted: Drafted) -> None:
    """Open the database and load the draft, in a worker process. Nothing there goes in circles, and looking
    for such garbage takes a tenth of the time."""
    os.nice(5)
    _prepared.append((Bench(origin), drafted.replay()))
    gc.freeze()
    gc.disable()


def work(piece: Piece) -> Changes:
    """Decide a slice of the past again, in a worker process."""
    bench, replay = _prepared[0]
    return bench.run(lambda rows: _decide(rows, replay, piece))


async def _decide(store: Rows, replay: Replay, piece: Piece) -> Changes:
    return replay.run(await past(store, piece))


async def past(store: Rows, piece: Piece) -> list[Past]:
    """The first decisions of a slice, with their messages, by message."""
    after, last = piece
    rows = await store.rows(_DECIDED, (after, last))
    told = {row[0]: row[1:] for row in await store.rows(_TOLD, (after, last))}
    return [Past(*row, *told[row[0]]) for row in rows if row[0] in told]


async def pieces(store: Rows, since: float, until: float, size: int = SLICE) -> AsyncIterator[Piece]:
    """The past in slices of so many decisions: after which message, and up to which."""
    after, end = _bounds(since, until)
    step = f"SELECT message_id FROM decisions WHERE message_id > ? AND message_id < ? {_NTH} {size - 1}"
    while True:
        found = await store.rows(step, (after, end))
        last = str(found[0][0]) if found else end
        yield after, last
        if not found:
            return
        after = last


def _bounds(since: float, until: float) -> tuple[str, str]:
    return new_id(max(0.0, since), ZERO), new_id(until, ZERO)


_NTH = "ORDER BY message_id LIMIT 1 OFFSET"
_DECIDED = (
    "SELECT message_id, n, at, outcome, class, source, sender, channel, campaign, controller, policy_version,"
    " violations, snapshot FROM decisions WHERE message_id > ? AND message_id <= ? AND round = 0"
    " ORDER BY message_id, n"
)
_TOLD = "SELECT id, received_at, meta, reading FROM messages WHERE id > ? AND id <= ?"


async def versions_of(store: Rows, since: float, until: float) -> dict[str, dict[str, str]]:
    """The texts of the versions that decided in a time, as far as they were kept."""
    sql = "SELECT DISTINCT policy_version FROM decisions WHERE message_id >= ? AND message_id < ?"
    bounds = _bounds(since, until)
    found = {}
    for (version,) in await store.rows(sql, bounds):
        texts = await texts_of(store, str(version))
        if texts is not None:
            found[str(version)] = texts
    return found


async def count_past(store: Rows, since: float, until: float) -> int:
    """How many first decisions there are in a time."""
    sql = "SELECT count(*) FROM decisions WHERE message_id >= ? AND message_id < ? AND round = 0"
    return int((await store.rows(sql, _bounds(since, until)))[0][0])


async def newest_since(store: Rows, since: float, until: float, most: int) -> float:
    """Since when there are about so many decisions, the newest; `since` where there are not that many."""
    nth = f"ORDER BY message_id DESC LIMIT 1 OFFSET {most}"
    sql = f"SELECT at FROM decisions WHERE message_id >= ? AND message_id < ? AND round = 0 {nth}"
    found = await store.rows(sql, _bounds(since, until))
    return max(since, float(found[0][0])) if found else since


async def replay(
    store: Rows,
    drafted: Drafted,
    since: float,
    until: float,
    *,
    pool: Executor | None = None,
    progress: Progress = lambda done, total: None,
) -> Changes:
    """What the draft would have changed between two moments (unix seconds).

    `drafted.draft` are texts that load (`read_folder`, `compose`). With a `pool` whose processes were
    started with `prepare(origin, drafted)`, slices are read and decided side by side; without, here. Raises
    PolicyErrors, StoreError.
    """
    found = Changes()
    total = await count_past(store, since, until)
    own = drafted.replay() if pool is None else None
    async for part in _parts(store, own, pool, since, until):
        found.absorb(part)
        progress(found.decided, total)
    return trimmed(found, drafted.keep)


async def _parts(
    store: Rows, own: Replay | None, pool: Executor | None, since: float, until: float
) -> AsyncIterator[Changes]:
    """What would change in each slice, in order."""
    loop = asyncio.get_running_loop()
    waiting: deque[asyncio.Future[Changes]] = deque()
    try:
        async for piece in pieces(store, since, until):
            if own is not None:
                yield await _decide(store, own, piece)
                continue
            waiting.append(loop.run_in_executor(pool, work, piece))
            if len(waiting) >= AHEAD:
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for future in waiting:
            future.cancel()


def trimmed(found: Changes, keep: int) -> Changes:
    """The same with at most `keep` samples of a kind and rule: every worker kept its own."""
    seen: dict[tuple[str, str], int] = {}
    kept = []
    for change in sorted(found.changes, key=lambda c: c.decision):
        keys = [(change.after, rule) for rule in change.rules] or [(change.after, "")]
        if any(seen.get(key, 0) < keep for key in keys):
            kept.append(change)
            for key in keys:
                seen[key] = seen.get(key, 0) + 1
    found.changes = kept
    return found


def as_json(found: Changes) -> dict[str, Any]:
    """The changes as plain data: for `--json` and the API."""

    def table(name: str, counted: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
        rows = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return [{"newly": kind, name: value, "count": count} for (kind, value), count in rows]

    return {
        "decided": found.decided,
        "unchanged": found.same,
        "without_facts": found.missing,
        "from": moment(found.first) if found.first else "",
        "to": moment(found.last) if found.last else "",
        "newly": {kind: found.kinds.get(kind, 0) for kind in ("accepted", "held", "rejected")},
        "by_rule": table("rule", found.by_rule),
        "by_campaign": table("campaign", found.by_campaign),
        "by_source": table("source", found.by_source),
        "unknown": dict(found.unknown),
        "samples": [
            {**asdict(change), "class": change.class_, "at": moment(change.at)} for change in found.changes
        ],
    }


def as_csv(found: Changes, language: str = "en") -> str:
    """The samples as CSV (RFC 4180), one line per changed decision and rule, the reasons in a language."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["decision", "at", "source", "campaign", "class", "before", "after", "rule", "reason"])
    for change in found.changes:
        reasons = [it if language == "it" else en for en, it in change.reasons] or [""]
        for n, rule in enumerate(change.rules or ("",)):
            told = [change.decision, moment(change.at), change.source, change.campaign, change.class_]
            row = [*told, change.before, change.after, rule, reasons[min(n, len(reasons) - 1)]]
            writer.writerow([_plain(str(cell)) for cell in row])
    return out.getvalue()


def _plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
