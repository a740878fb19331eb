"""What is held about someone: shown only by a link that was sent to the address itself, for an hour."""

import contextlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import web

from gateway.intake.leaving import Leaving, Lift, Post
from gateway.intake.letters import Letter, Office, show_holdings
from gateway.intake.tokens import Showing, open_showing, open_way_out, seal_showing
from gateway.ledger.consent import country
from gateway.ledger.evidence import parse_time
from gateway.ledger.person import Person
from gateway.message.ids import new_id
from gateway.public.desk import SHOWING, Desk, Turned
from gateway.public.pages import HEADERS, language_for
from gateway.public.visitor import read_form
from gateway.store.protocol import Store
from gateway.store.records import ConsentRow, Ref
from gateway.web.form import BadForm
from gateway.web.often import Often

LETTERS = (3, 86400.0)
"""Links sent to one address, and in how many seconds."""
MOST_SHOWN = 500


class HoldingPages:
    """POST /p/{token}/copy asks for the link; GET and POST /me/{token}, GET /me/{token}/copy.json show."""

    def __init__(self, desk: Desk, leaving: Leaving, store: Store, office: Office) -> None:
        self._desk = desk
        self._leaving = leaving
        self._store = store
        self._office = office
        self._letters = Often(*LETTERS)

    async def send(self, request: web.Request) -> web.Response:
        """Send the link to the address that the message went to. The answer is the same in any case."""
        way = self._desk.open(request, open_way_out)
        self._desk.count_use(request)
        fields = dict(await read_form(request))
        if way.channel != "email":
            raise Turned("bad_form", 400)
        address = await self._leaving.address(way, fields.get("address", "").strip())
        ref = (way.controller, way.subject)
        if address and self._letters.take(f"{ref[0]}\0{ref[1].hex()}", self._desk.clock()):
            await self._post(request, ref, address)
        return self._desk.pages.tell(request, "copy_sent")

    async def back(self, request: web.Request) -> web.Response:
        """To the page with the button: who chooses another language after it comes here by a link."""
        token, language = request.match_info["token"], language_for(request)
        return web.Response(status=303, headers={"Location": f"/p/{quote(token, safe='')}?lang={language}"})

    async def _post(self, request: web.Request, ref: Ref, address: str) -> None:
        now = self._desk.clock()
        letter = Letter(
            id=new_id(now, os.urandom(10)),
            address=address,
            language=language_for(request),
            who=self._desk.who(ref[0]),
            source="",
            controller=ref[0],
            at=now,
        )
        showing = Showing(controller=ref[0], subject=ref[1], channel="email")
        token = seal_showing(self._desk.keys, showing, now)
        await self._store.run(Post(show_holdings(self._office, letter, token=token)))

    async def show(self, request: web.Request) -> web.Response:
        """Everything, readable."""
        return await self._show(request, self._desk.open(request, open_showing, SHOWING))

    async def _show(self, request: web.Request, showing: Showing) -> web.Response:
        ref = (showing.controller, showing.subject)
        person = await self._store.person(ref)
        rows = await self._store.consents(ref)
        return self._desk.pages.show(
            request,
            "holdings.html",
            who=self._desk.who(showing.controller),
            token=request.match_info["token"],
            person=person,
            paused_until=person.paused_until if person.paused_until > self._desk.clock() else 0.0,
            log=[_shown(row) for row in rows[-MOST_SHOWN:]],
            contacts=tuple(reversed(person.contacts)),
        )

    async def lift(self, request: web.Request) -> web.Response:
        """Take back a wish: only here, where it is the person for certain."""
        showing = self._desk.open(request, open_showing, SHOWING)
        self._desk.count_use(request)
        asked = dict(await read_form(request)).get("do", "")
        if asked not in ("lift_sales", "lift_pause"):
            raise BadForm
        await self._store.run(Lift((showing.controller, showing.subject), asked))
        return await self._show(request, showing)

    async def copy(self, request: web.Request) -> web.Response:
        """The same, to take away (GDPR 15(3), 20)."""
        showing = self._desk.open(request, open_showing, SHOWING)
        ref = (showing.controller, showing.subject)
        person, rows = await self._store.person(ref), await self._store.consents(ref)
        data = describe_all(self._desk.who(ref[0]), showing.channel, person, rows)
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="what-we-hold.json"'}
        body = orjson.dumps(data, option=orjson.OPT_INDENT_2)
        return web.Response(body=body, content_type="application/json", headers=headers)


def describe(row: ConsentRow) -> dict[str, Any]:
    """One line of the consent log, for its person."""
    proof: Mapping[str, Any] = orjson.loads(row.proof) if row.proof else {}
    return {
        "action": row.action,
        "purpose": row.purpose,
        "channel": row.channel,
        "at": row.at,
        "grade": row.grade,
        "basis": row.basis,
        "source": row.source,
        "proof": proof,
    }


def _shown(row: ConsentRow) -> dict[str, Any]:
    """The same for the page, with the moment (unix seconds) of its confirmation; 0 for none."""
    told = describe(row)
    confirmed = 0.0
    with contextlib.suppress(ValueError):
        confirmed = parse_time(str(told["proof"].get("confirmed_at") or ""))
    return told | {"confirmed": confirmed}


def describe_all(who: str, channel: str, person: Person, rows: list[ConsentRow]) -> dict[str, Any]:
    """Everything that decides about a person, with the log, as plain data. Times are ISO 8601, UTC."""
    return {
        "controller": who,
        "channel": channel,
        "permissions": [
            {
                "purpose": p.purpose,
                "channel": p.channel,
                "state": p.state,
                "proof_grade": p.grade,
                "basis": p.basis,
                "since": iso(p.at),
                "expires_at": iso(p.expires_at),
            }
            for p in person.permissions
        ],
        "stops": [
            {"kind": s.kind, "since": iso(s.at), "purposes": s.purposes, "channels": s.channels}
            for s in person.stops
        ],
        "no_sales_since": iso(person.no_sales_at),
        "paused_until": iso(person.paused_until),
        "restricted_since": iso(person.restricted_at),
        "jurisdiction": person.jurisdiction or country(person),
        "time_zone": person.time_zone,
        "messages": [
            {
                "at": iso(c.at),
                "class": c.class_,
                "channel": c.channel,
                "sender": c.sender,
                "purpose": c.purpose,
            }
            for c in person.contacts
        ],
        "relationships": [
            {
                "sender": sender,
                "first_message": iso(r.first_out),
                "last_message": iso(r.last_out),
                "messages": r.sent,
                "connected_at": iso(r.connected_at),
                "your_replies": r.replies,
                "your_last_reply": iso(r.last_reply),
                "meetings": r.meetings,
                "purchases": r.purchases,
            }
            for sender, r in person.relationships.items()
        ],
        "what_you_said": [describe(row) | {"at": iso(row.at)} for row in rows],
    }


def iso(seconds: float) -> str | None:
    """ISO 8601 in UTC; None for never."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else None
