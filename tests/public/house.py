"""The pages over real sockets, before a real line: what a recipient's browser and a mail provider meet."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp

from gateway.access import Access
from gateway.intake import Intake, Receipt
from gateway.intake.letterhead import Letterhead
from gateway.intake.letters import Office
from gateway.intake.optin import OptIns
from gateway.intake.tokens import WayOut, seal_way_out
from gateway.message.parse import parse
from gateway.policy.load import compose, read_folder
from gateway.policy.policies import PolicySet
from gateway.public.http import public_routes
from gateway.settings.values import Listen
from gateway.store.outbox import Entry
from gateway.store.protocol import Store
from gateway.web.frame import build_app
from gateway.web.listener import HttpListener
from gateway.web.peer import Network
from tests.line import DAY, KEYS, ROOT, Clock, Line, line, message, reader

PUBLIC = "https://out.example"
OFFICE = Office(public_url=PUBLIC, sender="no-reply@out.example")
NEWS = (
    "Il verbale dell'assemblea di novembre: sono stati letti i conti, e tre soci hanno raccontato come hanno"
    " cambiato i turni di lavoro. Esempio Srl, via Roma 1, Verona."
)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    text: str


@dataclass(slots=True)
class Pages:
    """A line with pages before it. `base` is where they are served."""

    line: Line
    base: str
    client: aiohttp.ClientSession
    number: int = 0

    @property
    def optins(self) -> OptIns:
        """Double opt-in on the same store."""
        return OptIns(self.line.store, KEYS, OFFICE)

    async def letter(self) -> str:
        """The path of the link in the one letter that waits."""
        async with asyncio.timeout(5):
            [entry] = await self.line.store.take(10)
        assert entry.envelope_from == ""
        found = re.search(PUBLIC + r"(/\S+)", parse(entry.raw).content.text)
        assert found
        return found.group(1)

    async def ask(self, method: str, path: str, *, language: str = "en", **given: Any) -> Answer:
        """One request, no redirects followed."""
        headers = {"Accept-Language": language, **given.pop("headers", {})}
        async with self.client.request(
            method, self.base + path, headers=headers, allow_redirects=False, **given
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def send(self, address: str = "anna@example.org", **given: Any) -> tuple[Receipt, Entry]:
        """A newsletter to someone who agreed, as it waits in the outbox."""
        await self.line.consent(address)
        self.number += 1
        given = {"class_": "newsletter", "purpose": "newsletter", "text": f"{NEWS} ({self.number})"} | given
        receipt = await self.line.intake.submit(message(to=address, now=self.line.clock(), **given))
        [entry] = [e for e in await self.line.store.take(10) if e.message_id == receipt.id]
        return receipt, entry

    def link(self, entry: Entry) -> str:
        """The path of the way out in a message's head."""
        said = dict(entry.add_headers)["List-Unsubscribe"]
        assert said.startswith(f"<{PUBLIC}/u/")
        return said[1 : said.index(">")].removeprefix(PUBLIC)

    def token(self, address: str = "anna@example.org", **changed: Any) -> str:
        """A token for a message that is not kept."""
        expires = changed.pop("expires", self.line.clock() + DAY)
        given: dict[str, Any] = {
            "purpose": "newsletter",
            "message": "01mcc5rm00zkmxthgd40xy0re4",
            "n": 0,
        } | changed
        subject = KEYS.subject("email", address)
        way = WayOut(controller="default", subject=subject, channel="email", **given)
        return seal_way_out(KEYS, way, expires)


@cache
def rules() -> PolicySet:
    """The shipped policies that pages have to do with: consent and the way out."""
    texts = read_folder(ROOT / "policies")
    kept = {n: t for n, t in texts.items() if "/" in n or n in ("consent.yaml", "way-out.yaml")}
    return compose(kept)


@asynccontextmanager
async def pages(
    folder: Path,
    policies: PolicySet | None = None,
    *,
    access: Access | None = None,
    trusted: Iterable[Network] = (),
    store: Store | None = None,
    clock: Clock | None = None,
    **head: Any,
) -> AsyncIterator[Pages]:
    """Pages on an ephemeral port; `head` goes to the Letterhead, `trusted` are proxies."""
    clock = clock or Clock()
    clock.now = time.time()
    given = rules() if policies is None else policies
    async with line(folder, given, access=access, store=store, clock=clock) as gateway:
        gateway.intake = Intake(
            gateway.store, reader(), gateway.policies, gateway.access, KEYS, gateway.metrics,
            hold_seconds=14 * DAY, letterhead=Letterhead(KEYS, PUBLIC, **head),
        )  # fmt: skip
        routes = public_routes(
            access=gateway.access,
            store=gateway.store,
            keys=KEYS,
            metrics=gateway.metrics,
            office=OFFICE,
            trusted=trusted,
            clock=gateway.clock,
        )
        listener = HttpListener(Listen("127.0.0.1", 0), build_app(routes), grace=1)
        await listener.start()
        try:
            async with aiohttp.ClientSession() as client:
                yield Pages(gateway, f"http://{listener.address}", client)
        finally:
            await listener.stop()
