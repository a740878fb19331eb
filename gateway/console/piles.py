"""Open holds as a reviewer works through them: like ones together, oldest first.

A pile is what shares a cluster (same campaign, same telling phrases) and the rules that it violates, so that
whoever decides one for all decides the same question.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from gateway.console.excerpts import NOTHING, Excerpt, excerpts
from gateway.keys import lane_of
from gateway.message.envelope import CHANNELS, CLASSES
from gateway.store.protocol import Store

PAGE = 50
WALKED = 2_000
"""Holds that are looked through for the first piles before all are sorted."""
AGES = {"1h": 3600.0, "4h": 4 * 3600.0, "1d": 86400.0, "3d": 3 * 86400.0, "7d": 7 * 86400.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which holds to show; empty fields match all. `after` pages by the id of the oldest hold of a pile."""

    rule: str = ""
    source: str = ""
    campaign: str = ""
    channel: str = ""
    class_: str = ""
    age: str = ""
    after: str = ""
    controller: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filter":
        """What a query string asks for; what cannot be meant is left out."""
        given = {f.name: query.get(f.name.rstrip("_"), "")[:200] for f in fields(cls)}
        for name, known in (("channel", CHANNELS), ("class_", CLASSES), ("age", AGES)):
            if given[name] not in known:
                given[name] = ""
        return cls(**given)

    @property
    def active(self) -> bool:
        """Whether anything is asked for."""
        return any(getattr(self, f.name) for f in fields(self) if f.name != "after")

    def query(self, **changed: str) -> str:
        """The query string of this filter with some fields changed."""
        said = {f.name: getattr(self, f.name) for f in fields(self)} | changed
        return urlencode({name.rstrip("_"): value for name, value in said.items() if value})

    def where(self, now: float) -> tuple[str, list[Any]]:
        """The conditions and their values."""
        said, values = ["status = 'open'"], []
        for column in ("controller", "source", "campaign", "channel", "class"):
            value = getattr(self, "class_" if column == "class" else column)
            if value:
                said.append(f"{column} = ?")
                values.append(value)
        if self.rule:
            said.append("' ' || codes || ' ' LIKE ? ESCAPE '!'")
            values.append(f"% {_plain(self.rule)}%")
        if self.age:
            said.append("created_at < ?")
            values.append(now - AGES[self.age])
        return " AND ".join(said), values


def _plain(text: str) -> str:
    for mark in "!%_":
        text = text.replace(mark, f"!{mark}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """Like holds: how many, the oldest one's id and time, and what they share."""

    cluster: str
    codes: tuple[str, ...]
    holds: int
    oldest: str
    since: float
    source: str
    campaign: str
    channel: str
    class_: str
    excerpt: Excerpt = NOTHING

    @property
    def path(self) -> str:
        """Where it is reviewed: one hold, or all of them at once."""
        if self.holds == 1:
            return f"/console/holds/{self.oldest}"
        return f"/console/piles/{self.cluster}?{urlencode({'codes': ' '.join(self.codes)})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A page of piles, how many holds and piles there are in all, and where the next page begins."""

    piles: list[Pile]
    holds: int
    oldest: float
    next: str = ""


_PILES = (
    "SELECT cluster, codes, count(*), min(id) AS oldest FROM holds WHERE {where}"
    " GROUP BY cluster, codes HAVING min(id) > ? ORDER BY oldest LIMIT ?"
)
_WALK = "SELECT cluster, codes FROM holds WHERE status = 'open' AND id > ? ORDER BY id LIMIT ?"
_BEGUN = (
    "SELECT cluster, codes, count(*), min(id) AS oldest FROM holds WHERE status = 'open'"
    " AND cluster IN ({marks}) GROUP BY cluster, codes HAVING min(id) > ? ORDER BY oldest"
)
_ALL = "SELECT count(*), min(created_at) FROM holds WHERE {where}"
_SHARED = "SELECT id, source, campaign, channel, class, created_at FROM holds WHERE id IN ({marks})"


async def list_piles(store: Store, wanted: Filter, now: float) -> Listed:
    """One page of the piles that match."""
    where, values = wanted.where(now)
    found, [(holds, oldest)] = await asyncio.gather(
        _find(store, wanted, where, values), store.rows(_ALL.format(where=where), values)
    )
    piles = await _describe(store, found[:PAGE])
    told = await excerpts(store, [pile.oldest for pile in piles])
    piles = [replace(pile, excerpt=told.get(pile.oldest, NOTHING)) for pile in piles]
    more = piles[-1].oldest if piles and len(found) > PAGE else ""
    return Listed(piles=piles, holds=int(holds), oldest=float(oldest or 0.0), next=more)


async def _find(store: Store, wanted: Filter, where: str, values: list[Any]) -> list[tuple[Any, ...]]:
    """The piles of a page and one more. Without a filter they are nearly always among the oldest holds."""
    if not wanted.active:
        found = await _first(store, wanted.after)
        if len(found) > PAGE:
            return found
    return await store.rows(_PILES.format(where=where), [*values, wanted.after, PAGE + 1])


async def _first(store: Store, after: str) -> list[tuple[Any, ...]]:
    """The piles whose oldest hold is among those next after an id, oldest first: a page and one more at most.

    In plain questions: where tables are spread over several nodes, none may ask about each row of another."""
    kinds = list(dict.fromkeys(await store.rows(_WALK, (after, WALKED))))
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(kinds), PAGE + 1):
        part = kinds[start : start + PAGE + 1]
        clusters = list(dict.fromkeys(cluster for cluster, _ in part))
        sql = _BEGUN.format(marks=", ".join("?" * len(clusters)))
        found += [row for row in await store.rows(sql, [*clusters, after]) if row[:2] in part]
        if len(found) > PAGE:
            break
    return found[: PAGE + 1]


async def _describe(store: Store, found: Sequence[tuple[Any, ...]]) -> list[Pile]:
    """Piles as (cluster, codes, how many, the oldest hold), with what that one says of all."""
    if not found:
        return []
    rows = await store.few(_SHARED.format(marks=", ".join("?" * len(found))), [row[3] for row in found])
    shared = {row[0]: row[1:] for row in rows}
    piles = []
    for cluster, codes, holds, oldest in found:
        if oldest in shared:
            source, campaign, channel, class_, since = shared[oldest]
            piles.append(
                Pile(
                    cluster=cluster, codes=tuple(codes.split()), holds=int(holds), oldest=oldest, since=since,
                    source=source, campaign=campaign, channel=channel, class_=class_,
                )
            )  # fmt: skip
    return piles


_MEMBERS = "SELECT id FROM holds WHERE status = 'open' AND cluster = ? AND codes = ? ORDER BY id LIMIT ?"
_COUNT = "SELECT count(*), min(id) FROM holds WHERE status = 'open' AND cluster = ? AND codes = ?"


async def find_pile(store: Store, cluster: str, codes: str) -> Pile | None:
    """One pile, or None when nothing of it is open any more."""
    [(holds, oldest)] = await store.rows(_COUNT, (cluster, codes))
    found = await _describe(store, [(cluster, codes, holds, oldest)]) if holds else []
    return found[0] if found else None


_OF_PERSON = (
    "SELECT id FROM holds WHERE lane = ? AND controller = ? AND subject = ? AND status = 'open'"
    " AND cluster = ? AND codes = ?"
)


async def holds_of(store: Store, pile: Pile, subjects: Iterable[bytes]) -> dict[bytes, list[str]]:
    """Which holds of a pile are for some people, by subject; those that have none are left out."""
    oldest = await store.hold(pile.oldest)
    found: dict[bytes, list[str]] = {}
    if oldest is None:
        return found
    for subject in subjects:
        values = (lane_of(subject), oldest.controller, subject, pile.cluster, " ".join(pile.codes))
        if rows := await store.few(_OF_PERSON, values):
            found[subject] = [row[0] for row in rows]
    return found


async def members(store: Store, pile: Pile, limit: int) -> dict[str, Excerpt]:
    """The first holds of a pile by id, oldest first, with whom each is for."""
    rows = await store.rows(_MEMBERS, (pile.cluster, " ".join(pile.codes), limit))
    return await excerpts(store, [hold_id for (hold_id,) in rows], 0)
