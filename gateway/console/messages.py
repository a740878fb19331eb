"""Messages: found by id, person, campaign and time; every decision explained as it was made."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web

from gateway.console.desk import Desk, Turned, Visit, go_to
from gateway.console.dossier import links_of, read_decision
from gateway.console.excerpts import plain
from gateway.console.marks import mark
from gateway.intake.rebuild import rebuild
from gateway.keys import lane_of
from gateway.message.ids import is_id, new_id
from gateway.policy.outcome import Outcome
from gateway.reading.read import Reader
from gateway.store.packing import unpack_recipient
from gateway.store.protocol import Store
from gateway.store.records import DecisionRow, Ref

PAGE = 50
LOOKED_AT = 5_000
"""Messages that one search by campaign looks through before it shows what it has."""
_SUBJECT = re.compile(r"[0-9a-f]{32}\Z")
_ANY_ID = re.compile(r"([0-9a-z]{26})(?:-[0-9]{1,6}(?:\.[0-9]{1,6})?)?\Z")

_COLUMNS = "id, source, sender, channel, class, campaign, received_at, meta"
_BY_TIME = (
    f"SELECT {_COLUMNS} FROM"  # noqa: S608 (literals)
    f" (SELECT {_COLUMNS} FROM messages WHERE id < ? ORDER BY id DESC LIMIT ?) AS latest"
    " WHERE (? = '' OR campaign = ?) ORDER BY id DESC LIMIT ?"
)
_LAST_LOOKED_AT = (
    "SELECT min(id) FROM (SELECT id FROM messages WHERE id < ? ORDER BY id DESC LIMIT ?) AS latest"
)
_BY_SUBJECT = (
    "SELECT DISTINCT message_id FROM decisions WHERE lane = ? AND subject = ? AND message_id < ?"
    " ORDER BY message_id DESC LIMIT ?"
)
_TO_PERSON = (
    "SELECT DISTINCT message_id FROM decisions WHERE lane = ? AND subject = ? AND controller = ?"
    " ORDER BY message_id DESC LIMIT ?"
)
_OUTCOMES = (
    "SELECT message_id, n, outcome, round FROM decisions WHERE message_id IN ({marks}) ORDER BY n, round"
)
_LAST = "8" * 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; `until` is a date and time, `before` pages by message id."""

    q: str = ""
    campaign: str = ""
    until: str = ""
    before: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Search":
        """What a query string asks for."""
        return cls(**{f.name: query.get(f.name, "").strip()[:200] for f in fields(cls)})

    def query(self, **changed: str) -> str:
        """The query string of this search with some fields changed."""
        said = {f.name: getattr(self, f.name) for f in fields(self)} | changed
        return urlencode({name: value for name, value in said.items() if value})

    @property
    def bound(self) -> str:
        """The id below which to look."""
        if self.before and is_id(self.before):
            return self.before
        try:
            at = datetime.fromisoformat(self.until)
            return new_id(at.replace(tzinfo=at.tzinfo or UTC).timestamp() + 60, bytes(10))
        except ValueError:
            return _LAST


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message in a list."""

    id: str
    at: float
    sender: str
    recipient: str
    more: int
    channel: str
    class_: str
    source: str
    campaign: str
    purpose: str = ""
    outcomes: tuple[str, ...] = ()


class Messages:
    """The handlers."""

    def __init__(self, desk: Desk, store: Store, reader: Reader) -> None:
        self._desk = desk
        self._store = store
        self._reader = reader

    async def index(self, visit: Visit) -> web.Response:
        """What was submitted, newest first."""
        search = Search.read(visit.request.query)
        if found := _ANY_ID.match(search.q):
            return go_to(f"/console/messages/{found.group(1)}")
        problem = "messages.unclear" if search.q and not _SUBJECT.match(search.q) else ""
        lines, after = ([], "") if problem else await self._find(search)
        return visit.show("messages.html", search=search, lines=lines, after=after, problem=problem)

    async def _find(self, search: Search) -> tuple[list[Line], str]:
        """A page of lines, and the id to go on from."""
        if search.q:
            subject = bytes.fromhex(search.q)
            whose = (lane_of(subject), subject, search.bound, PAGE)
            ids = [row[0] for row in await self._store.rows(_BY_SUBJECT, whose)]
            return await lines_of(self._store, ids), ids[-1] if len(ids) == PAGE else ""
        looked_at = LOOKED_AT if search.campaign else PAGE
        given = (search.bound, looked_at, search.campaign, search.campaign, PAGE)
        rows = await self._store.rows(_BY_TIME, given)
        after = rows[-1][0] if len(rows) == PAGE else ""
        if not after and search.campaign:
            [(last,)] = await self._store.rows(_LAST_LOOKED_AT, (search.bound, looked_at))
            older = await self._store.few("SELECT id FROM messages WHERE id < ? LIMIT 1", (last or "",))
            after = last if older else ""
        return await _with_outcomes(self._store, rows), after

    async def show(self, visit: Visit) -> web.Response:
        """One message with every decision, as it was made."""
        message_id = visit.request.match_info["id"]
        found = await self._store.message(message_id) if is_id(message_id) else None
        if found is None:
            raise Turned("gone", 404)
        message = rebuild(*found)
        rows = await self._store.decisions(message_id)
        page = self._reader.see(message.content)
        judged = [(row, read_decision(row), facts_of(row)) for row in rows[:200]]
        last = judged[-1][1].violations if judged else ()
        await self._desk.note("message.viewed", message_id, visit.name)
        return visit.show(
            "message_one.html",
            message=message,
            judged=judged,
            held={row.n for row in rows if row.outcome == Outcome.HOLD},
            body=mark(page.text, last),
            links=links_of(page),
            attempts=await self._store.attempts(message_id),
            waiting=await self._store.waiting(message_id),
        )


async def latest_to(store: Store, ref: Ref, limit: int) -> list[Line]:
    """The latest messages to a person, whatever was decided, newest first."""
    rows = await store.few(_TO_PERSON, (lane_of(ref[1]), ref[1], ref[0], limit))
    return await lines_of(store, [row[0] for row in rows])


async def lines_of(store: Store, ids: list[str]) -> list[Line]:
    """The lines of some messages, newest first."""
    if not ids:
        return []
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT {_COLUMNS} FROM messages WHERE id IN ({marks}) ORDER BY id DESC"  # noqa: S608 (only marks)
    return await _with_outcomes(store, await store.few(sql, ids))


async def _with_outcomes(store: Store, rows: list[tuple[Any, ...]]) -> list[Line]:
    if not rows:
        return []
    marks = ", ".join("?" * len(rows))
    last: dict[str, dict[int, int]] = {}
    for message_id, n, outcome, _ in await store.few(_OUTCOMES.format(marks=marks), [r[0] for r in rows]):
        last.setdefault(message_id, {})[n] = outcome
    return [_line(row, last.get(row[0], {})) for row in rows]


def _line(row: tuple[Any, ...], outcomes: dict[int, int]) -> Line:
    message_id, source, sender, channel, class_, campaign, at, meta = row
    said = orjson.loads(meta)
    recipients, named = said["r"], said["s"][2]
    first = unpack_recipient(recipients[0])
    return Line(
        id=message_id,
        at=at,
        sender=plain(named or sender),
        recipient=plain(first.name or first.address),
        more=len(recipients) - 1,
        channel=channel,
        class_=class_,
        source=source,
        campaign=campaign,
        purpose=said.get("purpose", ""),
        outcomes=tuple(sorted({Outcome(value).word for value in outcomes.values()})),
    )


def facts_of(row: DecisionRow) -> str:
    """The facts that a decision knew, as indented JSON."""
    try:
        said = orjson.loads(row.snapshot or b"{}")
    except orjson.JSONDecodeError:
        return ""
    return orjson.dumps(_named(said), option=orjson.OPT_INDENT_2).decode()


_NAMES = {
    "s": "sender", "j": "jurisdiction", "p": "person", "l": "linked_addresses", "c": "copies", "b": "pace",
}  # fmt: skip


def _named(said: Any) -> Any:
    return {_NAMES.get(key, key): value for key, value in said.items()} if isinstance(said, dict) else said
