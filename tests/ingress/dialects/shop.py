"""Dialects over real sockets, in front of a real line with two small policies.

Newsletters need consent and are refused without; promotions need it and are held without; everything
transactional passes. `ana@example.test` agreed to both.
"""

import asyncio
import io
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from gateway.access import Access, Controller, Source
from gateway.delivery.upstream import Catalog
from gateway.ingress.dialects import dialect_routes
from gateway.ingress.http import HttpLimits, HttpListener, build_app
from gateway.intake import Intake
from gateway.intake.consents import ConsentInput, Consents
from gateway.intake.receipt import Receipt
from gateway.keys import new_keys
from gateway.message.envelope import Message
from gateway.metrics import Metrics
from gateway.policy.live import LivePolicies
from gateway.policy.policies import PolicySet
from gateway.store.sqlite import SqliteStore
from tests.ingress.dialects.aws import ACCESS_KEY, SECRET_KEY
from tests.ingress.http.house import _QUICK, ANYWHERE, SECRET, Answer, policies_of_test, reader_of_test

UUID_KEY = "11111111-2222-3333-4444-555555555555"
SENDGRID_KEY = "SG.abcdefghijklmnop.qrstuvwxyz"
HOOK_FIELDS = {
    "to": "$.properties.email.value",
    "name": "$.properties.firstname.value",
    "from": "rui@acme.test",
    "from_name": "Rui Alves",
    "subject": "Your order {$.vid}",
    "text": "$.note",
    "class": ["$.class", "transactional"],
    "attributes": {"city": "$.properties.city.value", "lead": "$.scores[0].name"},
}


def digest(key: str) -> str:
    """A key as access.yaml lists it."""
    return "sha256:" + sha256(key.encode()).hexdigest()


def access_of_shop() -> Access:
    """A source that may send anything, one for newsletters of one domain, and a hook."""
    sources = [
        Source(
            name="tool",
            controller="acme",
            secret=_QUICK,
            dialects={
                "postmark": {"key": digest(UUID_KEY), "test": True, "streams": {"broadcast": "newsletter"}},
                "sendgrid": {"key": digest(SENDGRID_KEY)},
                "unipile": {
                    "accounts": {
                        "acc_1": {"name": "Rui Alves", "address": "https://www.linkedin.com/in/rui-alves"},
                        "acc_2": {"name": "Rui Alves", "address": "+351912345678", "channel": "whatsapp"},
                    }
                },
                "ses": {"access_key": ACCESS_KEY, "secret": SECRET_KEY},
                "listmonk": {"root": "https://list.acme.test", "from": "Acme <news@acme.test>"},
            },
        ),
        Source(
            name="letters",
            controller="acme",
            secret=_QUICK,
            classes=frozenset({"newsletter"}),
            default_class="newsletter",
            default_purpose="newsletter",
            from_domains=frozenset({"acme.test"}),
        ),
        Source(name="hub", controller="acme", secret=_QUICK, dialects={"generic": {"fields": HOOK_FIELDS}}),
        Source(
            name="sales",
            controller="acme",
            secret=_QUICK,
            classes=frozenset({"newsletter"}),
            default_class="newsletter",
        ),
        Source(name="plain", controller="acme", secret=_QUICK),
    ]
    return Access(
        sources={s.name: s for s in sources},
        controllers={"acme": Controller(name="acme", jurisdiction="it", identity="Acme")},
        reviewers={},
    )


@dataclass(slots=True)
class Shop:
    """Everything behind the sockets; what came through the line stands in `seen`, with its receipt."""

    folder: Path
    limits: HttpLimits = field(default_factory=HttpLimits)
    access: Access = field(default_factory=access_of_shop)
    policies: PolicySet = field(default_factory=policies_of_test)
    seen: list[tuple[Message, Receipt]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    break_after: int = -1
    store: SqliteStore = field(init=False)
    metrics: Metrics = field(init=False)
    intake: Intake = field(init=False)
    listener: HttpListener = field(init=False)
    client: aiohttp.ClientSession = field(init=False)

    async def __aenter__(self) -> Self:
        keys, metrics = new_keys(), Metrics()
        self.metrics = metrics
        self.store = SqliteStore(self.folder / "galateo.db", clock=time.time)
        await self.store.start()
        self.intake = Intake(
            self.store,
            reader_of_test(),
            LivePolicies(self.policies),
            self.access,
            keys,
            metrics,
            hold_seconds=86400.0,
        )
        await self._agree(Consents(self.store, keys))
        routes = dialect_routes(
            access=self.access,
            submit=self._submit,
            check=self.intake.check,
            tell_refused=lambda message, receipt: self.told.append(message.recipients[0].address),
            store=self.store,
            limits=self.limits,
            on_full=metrics.put_off,
            fetch=Catalog(self.access).fetch,
        )
        self.listener = HttpListener(ANYWHERE, build_app(routes), grace=2)
        await self.listener.start()
        self.client = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.close()
        await asyncio.gather(self.listener.stop())
        await self.store.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.listener.address}"

    @property
    def messages(self) -> list[Message]:
        """What came through the line."""
        return [message for message, _ in self.seen]

    async def stored(self) -> int:
        """How many messages are stored."""
        return int((await self.store.rows("SELECT COUNT(*) FROM messages"))[0][0])

    async def ask(
        self, method: str, path: str, *, json: Any = None, data: Any = None, **headers: str
    ) -> Answer:
        """One request; headers by name with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if json is not None:
            data = io.BytesIO(orjson.dumps(json))
            sent.setdefault("Content-Type", "application/json")
        async with self.client.request(method, self.url + path, data=data, headers=sent) as response:
            text = await response.text()
            told = orjson.loads(text) if "json" in response.content_type and text else None
            return Answer(response.status, response.headers, text, told)

    async def _submit(self, message: Message) -> Receipt:
        if 0 <= self.break_after <= len(self.seen):
            from gateway.store.protocol import Unavailable

            raise Unavailable("the test broke it")
        receipt = await self.intake.submit(message)
        self.seen.append((message, receipt))
        return receipt

    async def _agree(self, consents: Consents) -> None:
        proof = {
            "wording": "Sì",
            "ip": "192.0.2.1",
            "confirmed_at": "2026-01-01T10:00:00Z",
            "confirmed_ip": "192.0.2.1",
        }
        await consents.record(
            [
                ConsentInput(
                    controller="acme",
                    channel="email",
                    address="ana@example.test",
                    purpose=purpose,
                    action="confirmed",
                    at=time.time() - 86400 * 20,
                    proof=proof,
                )
                for purpose in ("newsletter", "offers")
            ],
            "test",
        )


def bearer(name: str = "tool", secret: str = SECRET) -> str:
    """The header of a bearer key."""
    return f"Bearer {name}:{secret}"


def basic(user: str, password: str) -> str:
    """The header of Basic."""
    return aiohttp.encode_basic_auth(user, password)
