"""Feeds over real sockets, in front of a real ledger in SQLite."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from gateway.access import Access, Controller, Source
from gateway.ingress.feeds import feed_routes
from gateway.ingress.http import HttpLimits, HttpListener, build_app
from gateway.intake.events import Events
from gateway.intake.matching import Matching
from gateway.intake.replies import Replies
from gateway.keys import Keys, new_keys
from gateway.ledger.happening import Happening
from gateway.ledger.person import Person
from gateway.message.address import normalize
from gateway.metrics import Metrics
from gateway.store.sqlite import SqliteStore
from tests.ingress.http.house import _QUICK, ANYWHERE, SECRET, Answer, reader_of_test
from tests.tools import shared

SAMPLED = 1773309700.0
"""When the samples were signed."""
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEO5D8TkiylmKVJPDei4qVbuHQeDdQPc04uKkfzQm2iJfK9ARjJZQd0zeCxIC5"
    "JOT6WC1X3XvXPEYvqBBXX9y9JQ=="
)
STANDARD = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
TOPIC = "arn:aws:sns:us-east-1:000000000000:ses-events"
FEEDS = {
    "sendgrid": {"secret": SENDGRID_KEY, "groups": {501: "newsletter"}},
    "mailgun": {"secret": ["older", "mg-signing-key-example"]},
    "mautic": {"secret": "mautic-secret", "purpose": "newsletter"},
    "typeform": {"secret": "tf-secret", "forms": {"frm1": "newsletter"}},
    "hubspot": {"secret": "hs-secret", "url": "https://gate.acme.test/feed", "purpose": "newsletter"},
    "mandrill": {"secret": "md-secret", "url": "https://gate.acme.test/feed"},
    "resend": {"secret": STANDARD},
    "ses": {"topics": [TOPIC]},
    "generic": {
        "secret": STANDARD,
        "fields": {
            "type": "$.name",
            "types": {"agreed": "email consent.granted"},
            "addresses": {"email": "$.who"},
            "purpose": "$.what",
        },
    },
}
UNIPILE = {"unipile": {"accounts": {"acc_1": {"address": "https://www.linkedin.com/in/rui-alves"}}}}


def access_of_office() -> Access:
    """One source that signs and is trusted with everything, one that only knows its secret, one that may
    only restrict."""
    sources = [
        Source(
            name="signed",
            controller="acme",
            secret=_QUICK,
            events="open",
            trusted=frozenset({"consent"}),
            feeds=FEEDS,
        ),
        Source(
            name="plain",
            controller="acme",
            secret=_QUICK,
            events="open",
            trusted=frozenset({"consent"}),
            default_purpose="newsletter",
            dialects=UNIPILE,
            feeds={"heyreach": {"fields": {"sender": {"linkedin": "linkedin.com/in/rui-alves"}}}},
        ),
        Source(name="careful", controller="acme", secret=_QUICK, feeds=FEEDS),
    ]
    return Access(
        sources={s.name: s for s in sources}, controllers={"acme": Controller(name="acme")}, reviewers={}
    )


@dataclass(slots=True)
class Office:
    """`async with Office(folder) as office`. `told` is what reached the ledger."""

    folder: Path
    access: Access = field(default_factory=access_of_office)
    fetched: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    told: list[Happening] = field(default_factory=list)
    now: float = SAMPLED
    keys: Keys = field(default_factory=new_keys)
    store: SqliteStore = field(init=False)
    listener: HttpListener = field(init=False)
    client: aiohttp.ClientSession = field(init=False)
    broken: bool = False

    async def __aenter__(self) -> Self:
        self.store = SqliteStore(self.folder / "galateo.db", clock=time.time)
        await self.store.start()
        events = Events(self.store, reader_of_test(), self.keys, Metrics(), self.access)

        async def tell(happening: Happening) -> Any:
            if self.broken:
                from gateway.store.protocol import Unavailable

                raise Unavailable("the test broke it")
            self.told.append(happening)
            return await events.tell(happening)

        routes = feed_routes(
            access=self.access,
            tell=tell,
            limits=HttpLimits(),
            clock=lambda: self.now,
            fetch=self._fetch,
            matching=Matching(self.store, self.keys),
            receive=Replies(self.store, reader_of_test(), self.keys, self.access, Metrics()).receive,
        )
        self.listener = HttpListener(ANYWHERE, build_app(routes), grace=2)
        await self.listener.start()
        self.client = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.close()
        await self.listener.stop()
        await self.store.close()

    async def _fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.fetched:
            raise OSError("nobody there")
        return self.fetched[url]

    async def post(self, feed: str, source: str, raw: bytes, *, query: str = "", **headers: str) -> Answer:
        """One delivery; headers by name with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://{self.listener.address}/v1/feeds/{feed}/{source}{query}"
        async with self.client.post(url, data=raw, headers=sent) as response:
            text = await response.text()
            told = orjson.loads(text) if "json" in response.content_type and text else None
            return Answer(response.status, response.headers, text, told)

    async def vouched(self, feed: str, body: Any) -> Answer:
        """One delivery to `plain`, with its secret in a header."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.post(feed, "plain", raw, Authorization=f"Bearer plain:{SECRET}")

    async def person(self, address: str, channel: str = "email") -> Person:
        """What the ledger knows of an address."""
        return await person_of(self.store, ("acme", self.keys.subject(channel, normalize(channel, address))))


async def person_of(store: SqliteStore, ref: tuple[str, bytes]) -> Person:
    """What the ledger knows of a person."""
    from gateway.store.draft import Draft, Needs

    class Look:
        needs = Needs(people=(ref,))
        dedup = None

        def apply(self, draft: Draft[Person]) -> Person:
            return draft.person(ref)

    return await store.run(Look())


def sample(name: str) -> tuple[bytes, dict[str, str]]:
    """The body and headers of a shared sample."""
    told = orjson.loads(shared(f"data/payloads/{name}.json").read_bytes())
    raw = told["raw_body"].encode() if "raw_body" in told else orjson.dumps(told["body"])
    return raw, told.get("headers", {})
