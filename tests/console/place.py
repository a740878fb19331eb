"""A console over a real socket, on a line with a database of its own; for tests."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

import aiohttp
from argon2 import PasswordHasher
from msgspec import structs

from gateway.access import Access, Reviewer, development_access
from gateway.console.http import Habits, console_routes
from gateway.message.parse import parse
from gateway.policy.load import compose
from gateway.policy.policies import PolicySet
from gateway.review import Tasks
from gateway.settings.values import Listen
from gateway.web.frame import build_app
from gateway.web.listener import HttpListener
from tests.line import Line, line, message, reader

SECRET = "correct horse"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(SECRET)
ROLES = ("reviewer", "compliance", "auditor", "admin")
HERE = ip_network("127.0.0.0/8")

OFFERS = """version: 1
policy: offers
title: Offers go to those who agreed
owner: compliance@example.com
why: Whoever gets an offer said yes to offers.
mode: enforce
applies_to:
  class: [promotion]
rules:
  - rule: consent
    outcome: hold
"""


PITCHES = """version: 1
policy: pitches
title: No pitch before we know each other
owner: compliance@example.com
why: A first message introduces; it does not sell.
mode: enforce
applies_to:
  class: [outreach]
rules:
  - rule: no_pitch
    until_any: {days_connected: 14, replies: 1}
    outcome: hold
"""


def policies() -> PolicySet:
    """Offers without a consent are held, and so are pitches to strangers."""
    return compose({"offers.yaml": OFFERS, "pitches.yaml": PITCHES})


def reviewers(**given: Any) -> Access:
    """The development source, and a reviewer of each role, and a second one named bruno."""
    access = development_access()
    people = [Reviewer(name=role, role=role, secret=HASH) for role in ROLES]
    people.append(Reviewer(name="bruno", role="compliance", secret=HASH, **given))
    return replace(access, reviewers={r.name: r for r in people})


@dataclass(slots=True)
class Browser:
    """A client that keeps cookies, as one person's browser does."""

    base: str
    http: aiohttp.ClientSession = field(init=False)

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(self.base, cookie_jar=aiohttp.CookieJar(unsafe=True))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.http.get(path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, data: Any, **headers: str) -> tuple[int, str, str]:
        """Status, text and the path of the page that one ends on."""
        async with self.http.post(path, data=data, headers=headers) as answer:
            return answer.status, await answer.text(), answer.url.raw_path

    async def sign_in(self, name: str = "compliance", secret: str = SECRET) -> int:
        status, _, _ = await self.post("/console/login", {"name": name, "secret": secret})
        return status

    async def form(self, path: str) -> str:
        """The token that forms of a page carry."""
        _, text = await self.get(path)
        found = re.search(r'name="form" value="([0-9a-f]+)"', text)
        assert found, text[:2000]
        return found.group(1)

    async def decide(self, hold: str, verdict: str, reason: str = "they asked for it") -> tuple[int, str]:
        form = await self.form("/console/")
        data = {"form": form, "reason": reason}
        status, text, _ = await self.post(f"/console/holds/{hold}/{verdict}", data)
        return status, text


@dataclass(slots=True)
class Place:
    """A console and the line behind it."""

    line: Line
    base: str
    tasks: Tasks

    def browser(self) -> Browser:
        return Browser(self.base)

    async def hold(self, to: str = "anna@example.org", **given: Any) -> str:
        """Hold an offer; the hold's id."""
        given = {
            "name": "Anna Conti",
            "class_": "promotion",
            "purpose": "offers",
            "campaign": "spring",
        } | given
        given.setdefault("text", "Buongiorno Anna, sconto del 30% su tutti i corsi: acquista ora!")
        receipt = await self.line.submit(to=to, **given)
        assert receipt.recipients[0].hold_id, receipt.status
        return receipt.recipients[0].hold_id

    async def hold_mail(self, raw: bytes, to: str = "anna@example.org", **given: Any) -> str:
        """Hold an offer with these octets."""
        given = {"name": "Anna Conti", "class_": "promotion", "purpose": "offers"} | given
        made = message(to=to, now=self.line.clock(), **given)
        made = structs.replace(
            made, raw=raw, content=structs.replace(parse(raw).content, recipient_name=given["name"])
        )
        receipt = await self.line.intake.submit(made)
        assert receipt.recipients[0].hold_id, receipt.status
        return receipt.recipients[0].hold_id

    async def status(self, hold_id: str) -> str:
        hold = await self.line.store.hold(hold_id)
        assert hold is not None
        return hold.status

    async def audited(self) -> list[tuple[str, str, str]]:
        """(kind, reference, actor) of every entry of the audit log."""
        return [tuple(row) for row in await self.line.store.rows("SELECT kind, reference, actor FROM audit")]


@asynccontextmanager
async def place(
    folder: Path,
    access: Access | None = None,
    *,
    store: Any = None,
    clock: Any = None,
    export: Any = None,
    erase: Any = None,
    four_eyes: bool = False,
    **habits: Any,
) -> AsyncIterator[Place]:
    access = access or reviewers()
    async with line(folder, policies(), access=access, store=store, clock=clock) as built:
        built.review.four_eyes = four_eyes
        tasks = Tasks(built.store, built.review, built.clock)
        routes = console_routes(
            access=access,
            store=built.store,
            reader=reader(),
            policies=built.policies,
            review=built.review,
            tasks=tasks,
            consents=built.consents,
            export=export,
            erase=erase,
            habits=Habits(**habits),
            clock=built.clock,
        )
        listener = HttpListener(Listen("127.0.0.1", 0), build_app(routes), grace=0.5)
        await listener.start()
        try:
            yield Place(built, f"http://{listener.address}", tasks)
        finally:
            await listener.stop()
            await tasks.stop()


def plain(page: str) -> str:
    """A page's words."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
