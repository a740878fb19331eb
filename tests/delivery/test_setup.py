"""From settings and access to a worker."""

import base64
import random
import time
from pathlib import Path

import pytest

from gateway.access import Access, Source
from gateway.delivery.setup import make_relays, make_routes, make_wishes, make_worker
from gateway.delivery.target import TargetError
from gateway.metrics import Metrics
from gateway.settings import Settings
from tests.delivery.outbox import MemoryOutbox

SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()


def access() -> Access:
    sources = {
        "plain": Source(name="plain", controller="c"),
        "crm": Source(name="crm", controller="c", notices="crm@example.com", dsn=True, relay="webhook"),
    }
    return Access(sources=sources, controllers={}, reviewers={})


def settings(**given: str) -> Settings:
    return Settings(development=True, **given)  # type: ignore[arg-type]  # as the environment would say it


async def test_every_relay_that_is_set_up_is_there(tmp_path: Path) -> None:
    given = settings(relay="smtp://127.0.0.1:25", webhook_relay="http://127.0.0.1:1/x", webhook_secret=SECRET)
    relays = make_relays(given, "h", clock=time.time, rng=random.Random())
    assert set(relays) == {"smtp", "webhook", "one-click"}
    routes = make_routes(relays, access())
    assert (routes.email, routes.other, dict(routes.by_source)) == ("smtp", "webhook", {"crm": "webhook"})
    assert set(make_wishes(access())) == {"crm"}
    make_worker(MemoryOutbox(time.time), given, access(), Metrics())


async def test_without_a_webhook_relay_there_is_none() -> None:
    relays = make_relays(settings(relay="smtp://127.0.0.1:25"), "h", clock=time.time, rng=random.Random())
    assert make_routes(relays, access()).other == ""


async def test_a_relay_that_cannot_be_meant_is_refused() -> None:
    with pytest.raises(TargetError, match="tls is one of"):
        make_worker(MemoryOutbox(time.time), settings(relay="smtp://x.example?tls=no"), access(), Metrics())
