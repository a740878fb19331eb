"""A real line behind real HTTP sockets: SQLite in a file, three small policies, both listeners."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from argon2 import PasswordHasher

from gateway.access import Access, Controller, Reviewer, Source, development_access
from gateway.evidence.origin import Origin
from gateway.evidence.rights import Rights
from gateway.evidence.trial import Trials
from gateway.ingress.http import HttpLimits, HttpListener, build_app, native_routes
from gateway.intake import Intake
from gateway.intake.consents import Consents
from gateway.intake.events import Events
from gateway.intake.receipt import Receipt
from gateway.keys import new_keys
from gateway.message.envelope import Message
from gateway.metrics import Metrics
from gateway.ops.desk import Desk
from gateway.ops.evidence import evidence_routes
from gateway.ops.http import ops_routes
from gateway.policy.live import LivePolicies
from gateway.policy.load import compose
from gateway.policy.policies import PolicySet
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.review import Review
from gateway.settings.values import Listen
from gateway.store.sqlite import SqliteStore

LEXICONS = Path(__file__).resolve().parents[3] / "policies" / "lexicons"
SECRET = "correct horse"
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(SECRET)
ANYWHERE = Listen("127.0.0.1", 0)


def _policy(name: str, class_: str, outcome: str) -> str:
    return (
        f"version: 1\npolicy: {name}\ntitle: Those who agreed\nowner: compliance@example.com\n"
        f"why: Whoever gets it said yes.\nmode: enforce\napplies_to:\n  class: [{class_}]\n"
        f"rules:\n  - rule: consent\n    outcome: {outcome}\n"
    )


POLICIES = {
    "newsletters.yaml": _policy("newsletters", "newsletter", "reject"),
    "offers.yaml": _policy("offers", "promotion", "hold"),
}


@functools.cache
def reader_of_test() -> Reader:
    """The shipped lexicons, read once."""
    return Reader(load_lexicons(LEXICONS))


@functools.cache
def policies_of_test() -> PolicySet:
    """POLICIES, composed once."""
    return compose(POLICIES)


def access_of_test() -> Access:
    """Three sources of two controllers, and a reviewer of each role; all with the same secret."""
    sources = [
        Source(name="crm", controller="acme", secret=_QUICK, events="open", trusted=frozenset({"consent"})),
        Source(
            name="mailer",
            controller="acme",
            secret=_QUICK,
            classes=frozenset({"newsletter"}),
            default_class="newsletter",
            default_purpose="newsletter",
            from_domains=frozenset({"acme.test"}),
        ),
        Source(name="other", controller="beta", secret=_QUICK),
    ]
    reviewers = [
        Reviewer(name=role, role=role, secret=_QUICK)
        for role in ("reviewer", "auditor", "compliance", "admin")
    ]
    return Access(
        sources={s.name: s for s in sources},
        controllers={n: Controller(name=n, jurisdiction="it", identity=n) for n in ("acme", "beta")},
        reviewers={r.name: r for r in reviewers},
    )


Around = Callable[[Callable[[Message], Awaitable[Receipt]]], Callable[[Message], Awaitable[Receipt]]]


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    text: str
    json: Any = None


@dataclass(slots=True)
class House:
    """Everything behind the sockets; `async with House(folder) as house`. `clock` may be moved by hand."""

    folder: Path
    access: Access = field(default_factory=access_of_test)
    limits: HttpLimits = field(default_factory=HttpLimits)
    around: Around | None = None
    offset: float = 0.0
    parts: dict[str, Any] = field(default_factory=dict)

    def clock(self) -> float:
        return time.time() + self.offset

    async def __aenter__(self) -> Self:
        keys, metrics = new_keys(), Metrics()
        self.metrics = metrics
        self.store = store = SqliteStore(self.folder / "galateo.db", clock=self.clock)
        await store.start()
        reader, policies = reader_of_test(), LivePolicies(policies_of_test())
        intake = Intake(store, reader, policies, self.access, keys, metrics, hold_seconds=86400.0)
        events = Events(store, reader, keys, metrics, self.access)
        self.consents = Consents(store, keys)
        self.review = Review(store, reader, policies, self.access, keys)
        submit = self.around(intake.submit) if self.around else intake.submit
        native = native_routes(
            access=self.access,
            submit=submit,
            tell=events.tell,
            store=store,
            limits=self.limits,
            clock=self.clock,
            on_reply=metrics.accepted_in,
            on_full=metrics.put_off,
        )
        desk = Desk(self.access, self.limits.proxies)
        ops = ops_routes(
            desk=desk,
            store=store,
            review=self.review,
            consents=self.consents,
            metrics=metrics,
        )
        ops += evidence_routes(
            desk=desk,
            store=store,
            keys=keys,
            reader=reader,
            policies=policies,
            rights=Rights(store, keys, self.access),
            trials=Trials(store, Origin(self.folder / "galateo.db")),
            clock=self.clock,
        )
        self.ingest = HttpListener(ANYWHERE, build_app(native), grace=2)
        self.ops = HttpListener(ANYWHERE, build_app(ops), grace=2)
        await self.ingest.start()
        await self.ops.start()
        self.client = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.close()
        await asyncio.gather(self.ingest.stop(), self.ops.stop())
        await self.store.close()

    store: SqliteStore = field(init=False)
    metrics: Metrics = field(init=False)
    consents: Consents = field(init=False)
    review: Review = field(init=False)
    ingest: HttpListener = field(init=False)
    ops: HttpListener = field(init=False)
    client: aiohttp.ClientSession = field(init=False)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: Any = None,
        who: str = "crm",
        ops: bool = False,
        **headers: str,
    ) -> Answer:
        """One request; headers by name with underscores, `who` as a bearer token unless empty."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who:
            sent.setdefault("Authorization", f"Bearer {who}:{SECRET}")
        url = f"http://{(self.ops if ops else self.ingest).address}{path}"
        async with self.client.request(method, url, json=json, data=data, headers=sent) as response:
            text = await response.text()
            told = await response.json(content_type=None) if "json" in response.content_type else None
            return Answer(response.status, response.headers, text, told)

    async def post(self, path: str = "/v1/messages", **given: Any) -> Answer:
        """A POST, of a message where nothing else is said."""
        return await self.ask("POST", path, **given)

    async def get(self, path: str, **given: Any) -> Answer:
        """A GET."""
        return await self.ask("GET", path, **given)


def mail(**fields: Any) -> dict[str, Any]:
    """An email that no policy minds."""
    return {
        "channel": "email",
        "sender": {"name": "Rui Alves", "addresses": [{"type": "email", "value": "rui@acme.test"}]},
        "recipient": {"name": "Ana Ruiz", "addresses": [{"type": "email", "value": "ana@example.test"}]},
        "subject": "Grid storage",
        "text": "Hello Ana, here are the slides of my talk on grid storage. Rui",
        **fields,
    }


def note(**fields: Any) -> dict[str, Any]:
    """A private message that no policy minds."""
    return {
        "channel": "linkedin",
        "sender": {"name": "Rui", "addresses": [{"type": "linkedin", "value": "linkedin.com/in/rui-alves"}]},
        "recipient": {
            "name": "Ana Ruiz",
            "addresses": [
                {"type": "linkedin_provider_id", "value": "ACoAAexample01"},
                {"type": "linkedin", "value": "https://www.linkedin.com/in/Ana-Ruiz/?x=1"},
                {"type": "email", "value": "ana@example.test"},
            ],
        },
        "text": "Hi Ana, I enjoyed your talk on grid storage.",
        **fields,
    }


def event(type_: str = "connection.accepted", **fields: Any) -> dict[str, Any]:
    """An event between the two of `note`, a minute ago."""
    told = note()
    return {
        "type": type_,
        "source_event_id": "evt-1",
        "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60)),
        "sender": told["sender"],
        "recipient": told["recipient"],
        **fields,
    }


def development() -> Access:
    """Development mode."""
    return development_access()
