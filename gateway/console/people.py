"""People: one subject's consents, preferences, relationships, messages; withdrawal, export, erasure.

An address is asked for in a form and never stands in a URL; from there on a person is a subject key.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from gateway.console.desk import Desk, Turned, Visit, go_to
from gateway.console.dossier import Happening, Proof, prove, timeline
from gateway.console.messages import Line, latest_to
from gateway.evidence.traces import traces_of
from gateway.intake.consents import ConsentInput, Consents, record_consent
from gateway.ledger.person import Permission, Person
from gateway.message.address import is_valid
from gateway.message.envelope import CHANNELS
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import HoldRow, Ref

_SUBJECT = re.compile(r"[0-9a-f]{32}\Z")
LATEST = 20
LONGEST = 500
IMPLIED = ("newsletter", "offers")
"""What policies take for the purpose of a message that declares none."""

Export = Callable[[Ref, str], Awaitable[bytes]]
"""Everything about a person, as a file, for a reviewer of that name."""
Erase = Callable[[Ref, str, str], Awaitable[None]]
"""Erase a person: who, by whom, why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What is kept of one person on one address; `known` is whether a copy of it all would hold anything."""

    ref: Ref
    person: Person
    consents: list[Proof]
    timeline: list[Happening]
    holds: list[HoldRow]
    messages: list[Line]
    known: bool

    @property
    def path(self) -> str:
        """Where it is shown."""
        return path_of(self.ref)


def path_of(ref: Ref) -> str:
    """The page of a person."""
    return f"/console/people/{quote(ref[0], safe='')}/{ref[1].hex()}"


class Withdraw:
    """Log a withdrawal that somebody told compliance; what waits for this person is cancelled with it."""

    def __init__(self, ref: Ref, line: ConsentInput, actor: str) -> None:
        self._ref = ref
        self._line = line
        self._actor = actor
        self.needs = Needs(people=(ref,))

    def apply(self, draft: Draft[Any]) -> bool:
        """True when it changed what is known."""
        return record_consent(draft, self._ref, self._line, self._actor)


class People:
    """The handlers. `export` and `erase` are given where this gateway has them."""

    def __init__(
        self, desk: Desk, store: Store, consents: Consents, export: Export | None, erase: Erase | None
    ) -> None:
        self._desk = desk
        self._store = store
        self._consents = consents
        self._export = export
        self._erase = erase

    async def ask(self, visit: Visit, problem: str = "", known: Sequence[str] = ()) -> web.Response:
        """The form to look somebody up; `known` are the controllers to choose from who know the address."""
        return visit.show(
            "people.html",
            status=400 if problem else 200,
            controllers=sorted(self._desk.access.controllers),
            channels=CHANNELS,
            problem=problem,
            known=known,
            asked={name: visit.form.get(name) for name in ("controller", "channel", "address")},
        )

    async def look_up(self, visit: Visit) -> web.Response:
        """From an address to the page of its person. Where no controller is named, and not just one knows the
        address, it is asked for."""
        form = visit.form
        controller, channel, address = (form.get(name) for name in ("controller", "channel", "address"))
        if channel not in CHANNELS or not is_valid(channel, address) or len(controller) > 64:
            return await self.ask(visit, "people.unclear")
        subject = self._consents.subject(channel, address)
        known = [controller] if controller else await self._knowing(subject)
        if len(known) != 1:
            return await self.ask(visit, known=known)
        return go_to(path_of((known[0], subject)))

    async def _knowing(self, subject: bytes) -> list[str]:
        """The controllers that know somebody; where there is one controller, that one."""
        names = sorted(self._desk.access.controllers)
        if len(names) == 1:
            return names
        return [name for name in names if await self._store.person((name, subject)) != Person()]

    async def show(self, visit: Visit) -> web.Response:
        """One person."""
        ref = _ref(visit)
        await self._desk.note("subject.viewed", ref[1].hex(), visit.name)
        file, now = await self._file(ref), self._desk.clock()
        return visit.show(
            "person.html",
            f=file,
            channels=CHANNELS,
            purposes=self._purposes(file),
            standing=[p for p in file.person.permissions if _stands(p, now)],
            can_export=self._export is not None,
            can_erase=self._erase is not None,
        )

    def _purposes(self, file: File) -> list[str]:
        """What somebody may take back: what they said, what was meant for them, what sources and classes
        stand for. Nobody is asked to spell one: a slip would stop nothing."""
        said = {p.purpose for p in file.person.permissions} | {c.row.purpose for c in file.consents}
        said |= {purpose for stop in file.person.stops for purpose in stop.purposes}
        sent = {c.purpose for c in file.person.contacts} | {line.purpose for line in file.messages}
        declared = {s.default_purpose for s in self._desk.access.sources.values()}
        found = said | sent | declared | set(IMPLIED)
        return sorted({purpose.strip().lower() for purpose in found} - {""})

    async def _file(self, ref: Ref) -> File:
        store = self._store
        person = await store.person(ref)
        return File(
            ref=ref,
            person=person,
            consents=[prove(row) for row in await store.consents(ref)],
            timeline=await timeline(store, ref, person),
            holds=await store.held_of(ref),
            messages=await latest_to(store, ref, LATEST),
            known=person != Person() or any((await traces_of(store, ref, 1)).counts.values()),
        )

    async def withdraw(self, visit: Visit) -> web.Response:
        """Record that this person withdrew a consent, or objected."""
        ref, form = _ref(visit), visit.form
        action, channel, purpose = (form.get(name) for name in ("action", "channel", "purpose"))
        said = form.get("how")[:LONGEST]
        if action not in ("withdrawn", "objected") or channel not in ("", *CHANNELS) or not said:
            raise Turned("bad_form", 400)
        if purpose not in ("", *self._purposes(await self._file(ref))):
            raise Turned("bad_form", 400)
        line = ConsentInput(
            controller=ref[0],
            channel=channel,
            address="",
            purpose=purpose,
            action=action,
            at=self._desk.clock(),
            imported=False,
            by_compliance=True,
            source="console",
            proof={"told": said, "entered_by": visit.name},
        )
        await self._store.run(Withdraw(ref, line, visit.name))
        return go_to(f"{path_of(ref)}?withdrawn=1")

    async def export(self, visit: Visit) -> web.Response:
        """Everything about them, as a file."""
        ref = _ref(visit)
        if self._export is None:
            raise Turned("unmade", 501)
        body = await self._export(ref, visit.name)
        name = f"subject-{ref[1].hex()[:8]}"
        kind = "json" if body[:1] in (b"{", b"[") else "zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
        return web.Response(body=body, content_type=f"application/{kind}", headers=headers)

    async def erase(self, visit: Visit) -> web.Response:
        """Erase them, once it is said twice."""
        ref = _ref(visit)
        if self._erase is None:
            raise Turned("unmade", 501)
        reason = visit.form.get("reason")[:LONGEST]
        if not reason or visit.form.get("sure") != "erase":
            raise Turned("bad_form", 400)
        await self._erase(ref, visit.name, reason)
        return go_to(f"{path_of(ref)}?erased=1")


def _stands(given: Permission, now: float) -> bool:
    """Whether they still agree to it."""
    return given.state == "granted" and not 0 < given.expires_at <= now


def _ref(visit: Visit) -> Ref:
    controller, subject = visit.request.match_info["controller"], visit.request.match_info["subject"]
    if not _SUBJECT.match(subject) or not 0 < len(controller) <= 64:
        raise Turned("gone", 404)
    return controller, bytes.fromhex(subject)
