"""Replies that matched no message: kept for a person to read, until somebody has dealt with them."""

from dataclasses import dataclass

import orjson
from aiohttp import web

from gateway.console.desk import Desk, Turned, Visit, go_to
from gateway.console.excerpts import plain
from gateway.console.notes import Deed, Keep, Note
from gateway.console.roles import READ_PEOPLE
from gateway.message.ids import is_id
from gateway.store.protocol import Store
from gateway.store.records import EventRow

PAGE = 50
LOOKED_AT = 20
"""Pages of replies that are looked through for some that wait."""
KEPT = 400 * 86400.0
"""Seconds for which it is remembered that one was dealt with: longer than the reply itself is kept."""

_CLOSED = "SELECT key FROM replays WHERE key IN ({marks}) AND expires_at > ?"
_IS_THERE = "SELECT 1 FROM events WHERE id = ? AND type = 'reply.unmatched' LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One of them, as plain text. `reason` says why nobody could make anything of it; `message` may be the
    one that it is about."""

    id: str
    at: float
    controller: str
    reason: str
    author: str
    addressed: str
    subject: str
    text: str
    message: str


class Replies:
    """The handlers."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def index(self, visit: Visit) -> web.Response:
        """Those that wait, the oldest first."""
        after = visit.request.query.get("after", "")
        rows, more = await _find(self._store, self._desk.clock(), after if is_id(after) else "", PAGE)
        await self._desk.note("replies.viewed", "", visit.name)
        return visit.show(
            "replies.html",
            replies=[_read(row) for row in rows],
            next=more,
            people=visit.may(READ_PEOPLE),
        )

    async def close(self, visit: Visit) -> web.Response:
        """Somebody dealt with one."""
        reply_id = visit.request.match_info["id"]
        if not is_id(reply_id) or not await self._store.few(_IS_THERE, (reply_id,)):
            raise Turned("gone", 404)
        note = Note(key=_key(reply_id), said={"by": visit.name}, expires_at=self._desk.clock() + KEPT)
        await self._store.run(Keep([note], [Deed(kind="reply.closed", reference=reply_id, actor=visit.name)]))
        return go_to("/console/replies?closed=1")


async def waiting_replies(store: Store, now: float, most: int) -> int:
    """How many wait, counted up to `most`."""
    return len((await _find(store, now, "", most))[0])


async def _find(store: Store, now: float, after: str, most: int) -> tuple[list[EventRow], str]:
    """Replies that nobody dealt with yet, and the id to go on from, "" at the end."""
    found: list[EventRow] = []
    for _ in range(LOOKED_AT):
        rows = await store.unmatched(after, PAGE)
        if rows:
            marks = ", ".join("?" * len(rows))
            keys = [_key(row.id) for row in rows]
            closed = {bytes(row[0]) for row in await store.few(_CLOSED.format(marks=marks), [*keys, now])}
            found += [row for row in rows if _key(row.id) not in closed]
        if len(rows) < PAGE or len(found) > most:
            break
        after = rows[-1].id
    else:
        return found[:most], after
    return found[:most], found[most - 1].id if len(found) > most else ""


def _read(row: EventRow) -> Reply:
    try:
        said = orjson.loads(row.data)
    except orjson.JSONDecodeError:
        said = {}
    text = str(said.get("text", ""))
    return Reply(
        id=row.id,
        at=row.at,
        controller=row.controller,
        reason=str(said.get("reason", "unmatched")),
        author=plain(str(said.get("from", ""))),
        addressed=", ".join(plain(str(one)) for one in said.get("to", ())[:5]),
        subject=plain(str(said.get("subject", ""))),
        text="".join(c if c.isprintable() or c == "\n" else " " for c in text).strip(),
        message=str(said.get("message", "")) if is_id(str(said.get("message", ""))) else "",
    )


def _key(reply_id: str) -> bytes:
    return b"console/reply/" + reply_id.encode("ascii", "replace")
