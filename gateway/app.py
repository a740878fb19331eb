"""The composition root: builds what `serve` runs, starts it, stops it. No logic."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.access import Access, development_access, load_access
from gateway.delivery.relay import Relay
from gateway.delivery.reports import Reports, Wish
from gateway.delivery.route import Routes
from gateway.delivery.session import Timeouts
from gateway.delivery.smtp import SmtpRelay
from gateway.delivery.target import parse_smtp, parse_webhook
from gateway.delivery.webhook import WebhookRelay
from gateway.delivery.worker import Worker
from gateway.ingress.http import HttpLimits, native_routes
from gateway.ingress.smtp import Listener
from gateway.intake import Intake
from gateway.intake.consents import Consents
from gateway.intake.events import Events
from gateway.intake.gate import GatedOutbox
from gateway.keys import Keys, load_keys, new_keys, save_keys
from gateway.metrics import Metrics
from gateway.policy.live import LivePolicies
from gateway.policy.load import load as load_policies
from gateway.reading.load import load_lexicons
from gateway.reading.read import Reader
from gateway.review import Review
from gateway.settings import Settings
from gateway.store.protocol import Store, StoreError
from gateway.store.sqlite import SqliteStore
from gateway.watch import watch_folder
from gateway.web.frame import build_app
from gateway.web.listener import HttpListener

log = logging.getLogger("gateway")

SWEEP_SECONDS = 1.0


class StartError(Exception):
    """The gateway cannot start; the text says what to do, in one line each."""


@dataclass(slots=True, kw_only=True)
class Parts:
    """Everything that works on the store, without listeners: what `serve` and the CLI share."""

    settings: Settings
    access: Access
    keys: Keys
    store: Store
    reader: Reader
    policies: LivePolicies
    metrics: Metrics
    review: Review
    consents: Consents


def read_access(settings: Settings) -> Access:
    """The access file, or the development source. Raises StartError, AccessError."""
    if settings.access.exists():
        return load_access(settings.access)
    if settings.development:
        return development_access()
    raise StartError(
        f"There is no access file at {settings.access}. Write one (see docs/operations.md), or set"
        " GALATEO_DEVELOPMENT=1 to try the gateway on this machine without passwords."
    )


def read_keys(path: Path, *, make: bool) -> Keys:
    """The key file; a new one at the first start on SQLite. Raises StartError, KeysError."""
    if path.exists():
        return load_keys(path)
    if not make:
        raise StartError(
            f"There is no key file at {path}. Every replica needs the same one: see docs/operations.md"
        )
    keys = new_keys()
    save_keys(path, keys)
    return keys


def read_policies(settings: Settings) -> tuple[Reader, LivePolicies]:
    """The reader with its lexicons, and the policies that passed their cases. Raises PolicyErrors."""
    reader = Reader(load_lexicons(settings.policies / "lexicons"))
    current = load_policies(settings.policies, reader)
    return reader, LivePolicies(current, observing=settings.mode == "observe")


def open_store(
    settings: Settings, metrics: Metrics | None, *, serving: bool, chain: str = "gateway"
) -> Store:
    """The store that the settings name. Raises StoreError."""
    file = settings.sqlite_file
    if file is None:
        raise StartError("PostgreSQL is not built in yet; set GALATEO_DATABASE=sqlite:///path/to/galateo.db")
    observe = metrics.commit if metrics else (lambda seconds, size: None)
    return SqliteStore(file, clock=time.time, observe=observe, serving=serving, chain=chain)


async def open_parts(settings: Settings, *, serving: bool, chain: str = "gateway") -> Parts:
    """Read the files, open the store, load the policies."""
    access = read_access(settings)
    keys = read_keys(settings.keys_file, make=not settings.postgres)
    reader, policies = read_policies(settings)
    metrics = Metrics()
    store = open_store(settings, metrics, serving=serving, chain=chain)
    await store.start()
    try:
        await store.fingerprint(keys.fingerprint)
    except BaseException:
        await store.close()
        raise
    return Parts(
        settings=settings,
        access=access,
        keys=keys,
        store=store,
        reader=reader,
        policies=policies,
        metrics=metrics,
        review=Review(store, reader, policies, access, keys),
        consents=Consents(store, keys),
    )


class App:
    """A gateway that serves."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        settings, metrics = parts.settings, parts.metrics
        self.intake = Intake(
            parts.store, parts.reader, parts.policies, parts.access, parts.keys, metrics,
            hold_seconds=settings.hold_expiry.total_seconds(),
        )  # fmt: skip
        self.smtp = Listener(settings, parts.access, self.intake.submit, None, metrics, time.time)
        self.events = Events(
            parts.store,
            parts.reader,
            parts.keys,
            metrics,
            parts.access.sources,
            backdate_limit=settings.backdate_limit.total_seconds(),
        )
        self.http = self._listen_http()
        self.worker = make_worker(parts)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen and deliver. Raises OSError where an address is taken."""
        metrics, policies = self.parts.metrics, self.parts.policies
        metrics.policies((p.name, p.version, p.mode) for p in policies.current.policies)
        metrics.reply_feeds({s.name: s.reply_feed for s in self.parts.access.sources.values()})
        await self.smtp.start()
        for listener in self.http.values():
            await listener.start()
        self._tasks = [
            asyncio.create_task(task, name=name)
            for name, task in (
                ("deliver", self.worker.run()),
                ("sweep", self._every(SWEEP_SECONDS, self._sweep)),
                ("measure", self._every(5.0, self._measure)),
                ("watch", watch_folder(self.parts.settings.policies, self.reload)),
            )
        ]

    async def stop(self) -> None:
        """Stop accepting, finish sessions, commit, deliver what is under way, let go of the database."""
        grace = self.parts.settings.grace.total_seconds()
        await self.smtp.stop_accepting()
        for listener in self.http.values():
            await listener.stop()
        await self.smtp.drain(grace)
        self.smtp.close()
        await self.worker.stop(grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.parts.store.close()

    def _listen_http(self) -> dict[str, HttpListener]:
        settings, parts = self.parts.settings, self.parts
        ingest = native_routes(
            access=parts.access,
            submit=self.intake.submit,
            tell=self.events.tell,
            store=parts.store,
            limits=HttpLimits.from_settings(settings),
            on_reply=parts.metrics.accepted_in,
        )
        apps = (("http", settings.http_listen, ingest),)
        grace = settings.grace.total_seconds()
        return {
            name: HttpListener(listen, build_app(routes), connections=settings.max_connections, grace=grace)
            for name, listen, routes in apps
            if listen is not None
        }

    async def _every(self, seconds: float, action: Callable[[], object]) -> None:
        while True:
            await asyncio.sleep(seconds)
            with contextlib.suppress(StoreError):
                await action()  # type: ignore[misc]

    async def _sweep(self) -> None:
        for result in await self.parts.review.sweep(time.time()):
            log.info("hold.decided", extra={"hold": result.hold_id, "status": result.status})

    async def _measure(self) -> None:
        depths = await self.parts.store.depths()
        self.parts.metrics.outbox(depths.outbox)
        self.parts.metrics.holds(
            depths.holds, time.time() - depths.oldest_hold if depths.oldest_hold else 0.0
        )
        self.parts.metrics.unanswered(depths.unanswered)

    @property
    def addresses(self) -> dict[str, str]:
        """Where it listens, by name, as host:port."""
        smtp = {"smtp": "{}:{}".format(*self.smtp.addresses[0])} if self.smtp.addresses else {}
        return smtp | {name: str(listener.address) for name, listener in self.http.items()}

    def reload(self) -> None:
        """Take what the policy folder says now, or keep the last good set and say so."""
        policies, settings = self.parts.policies, self.parts.settings
        try:
            fine = policies.reload(settings.policies, self.parts.reader)
        except Exception:
            log.exception("policies.broken")
            fine = False
        self.parts.metrics.policy_reload("loaded" if fine else "failed")
        if fine:
            self.parts.metrics.policies((p.name, p.version, p.mode) for p in policies.current.policies)
            log.info("policies.loaded", extra={"version": policies.current.version})
        else:
            log.error("policies.refused", extra={"problem": policies.problem})


def make_worker(parts: Parts) -> Worker:
    """The delivery worker with its relays."""
    settings = parts.settings
    relays: dict[str, Relay] = {}
    if settings.relay is not None:
        timeout = settings.relay_timeout.total_seconds()
        relays["smtp"] = SmtpRelay(
            "smtp",
            parse_smtp(settings.relay.get_secret_value()),
            connections=settings.relay_connections,
            timeouts=Timeouts(command=timeout),
        )
    if settings.webhook_relay is not None and settings.webhook_secret is not None:
        target = parse_webhook(
            settings.webhook_relay.get_secret_value(), settings.webhook_secret.get_secret_value()
        )
        relays["webhook"] = WebhookRelay("webhook", target)
    formats = {"smtp": "mime", "webhook": "json"}
    routes = Routes(
        formats={name: formats[name] for name in relays},
        email="smtp" if "smtp" in relays else "",
        other="webhook" if "webhook" in relays else "",
        by_source={s.name: s.relay for s in parts.access.sources.values() if s.relay},
    )
    outbox = GatedOutbox(
        parts.store, parts.policies, parts.access, parts.keys, settings.hold_expiry.total_seconds()
    )
    wishes = {s.name: Wish(notices=s.notices, dsn=s.dsn) for s in parts.access.sources.values()}
    return Worker(
        outbox, relays, routes, parts.metrics,
        reports=Reports(wishes, "localhost"), max_age=settings.retry_max_age.total_seconds(),
        clock=time.time, rng=random.Random(),
    )  # fmt: skip


async def build(settings: Settings) -> App:
    """A gateway that is ready to start. Raises StartError and the errors of what it reads."""
    if settings.relay is None and settings.webhook_relay is None:
        raise StartError(
            "There is no relay to deliver to. Set GALATEO_RELAY, for example smtp://relay.example.com:587,"
            " or try `galateo demo`, which needs none."
        )
    parts = await open_parts(settings, serving=True)
    try:
        return App(parts)
    except BaseException:
        await parts.store.close()
        raise
