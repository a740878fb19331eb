"""From settings and access to a worker."""

import base64
import random
import time
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from gateway.access import Access, Controller, Source
from gateway.app.gauges import show_surroundings
from gateway.delivery.setup import change_worker, make_relays, make_routes, make_wishes, make_worker
from gateway.delivery.target import TargetError
from gateway.delivery.upstream import parse_upstream
from gateway.metrics import Metrics
from gateway.settings import Settings
from gateway.store.attempt import Outcome
from tests.delivery.outbox import MemoryOutbox, entry
from tests.delivery.setting import delivering
from tests.relay import ScriptedRelay, ScriptedTarget

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


async def test_every_relay_is_measured(tmp_path: Path) -> None:
    """A provider that mail goes on to as well: an alert looks at it."""
    to = {"provider": "sendgrid", "key": "k", "url": "http://127.0.0.1:9"}
    sources = {"shop": Source(name="shop", controller="c", upstream=to)}
    given, metrics = settings(relay="smtp://127.0.0.1:25"), Metrics()
    own = Access(sources=sources, controllers={}, reviewers={})
    worker = make_worker(MemoryOutbox(time.time), given, own, metrics)
    assert worker.up == {"smtp": True, "upstream-shop": True}
    show_surroundings(metrics, given, {**worker.up, "upstream-shop": False})
    shown = generate_latest(metrics.registry).decode()
    assert 'galateo_relay_up{relay="upstream-shop"} 0.0' in shown
    assert 'galateo_relay_up{relay="smtp"} 1.0' in shown


async def test_without_a_webhook_relay_there_is_none() -> None:
    relays = make_relays(settings(relay="smtp://127.0.0.1:25"), "h", clock=time.time, rng=random.Random())
    assert make_routes(relays, access()).other == ""


async def test_a_relay_that_cannot_be_meant_is_refused() -> None:
    with pytest.raises(TargetError, match="tls is one of"):
        make_worker(MemoryOutbox(time.time), settings(relay="smtp://x.example?tls=no"), access(), Metrics())


@pytest.mark.parametrize(
    ("relay", "listen"),
    [
        ("smtp://127.0.0.1:2525", {}),
        ("smtp://localhost:2525", {}),
        ("smtp://[::1]:2525", {"smtp_listen": "[::1]:2525"}),
        ("smtp://127.0.0.1:2526", {"reply_listen": "localhost:2526"}),
    ],
)
def test_a_relay_that_is_the_gateway_itself_is_refused(relay: str, listen: dict[str, str]) -> None:
    with pytest.raises(TargetError, match="the gateway itself"):
        make_relays(settings(relay=relay, **listen), "h", clock=time.time, rng=random.Random())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_gateway_that_listens_everywhere_is_on_this_machine_too(host: str) -> None:
    given = Settings(smtp_listen="0.0.0.0:2525", relay=f"smtp://{host}:2525")  # type: ignore[arg-type]
    with pytest.raises(TargetError, match="SMTP_LISTEN"):
        make_relays(given, "h", clock=time.time, rng=random.Random())


@pytest.mark.parametrize(
    ("relay", "listen"),
    [
        ("smtp://127.0.0.2:2525", "127.0.0.1:2525"),
        ("smtp://127.0.0.1:25", "127.0.0.1:2525"),
        ("smtp://mail.example.com:2525", "127.0.0.1:2525"),
        ("smtp://127.0.0.1:2525", "127.0.0.1:0"),
    ],
)
def test_another_server_on_this_machine_is_a_relay(relay: str, listen: str) -> None:
    given = settings(relay=relay, smtp_listen=listen)
    assert make_relays(given, "h", clock=time.time, rng=random.Random())


@pytest.mark.parametrize(
    ("said", "jurisdiction", "told"),
    [
        ("", "it", "it"),
        ("", "IT", "it"),
        ("", "fr", "en"),
        ("", None, "en"),
        ("en", "it", "en"),
        ("it", "fr", "it"),
    ],
)
def test_a_source_is_told_in_its_language_or_that_of_its_controller(
    said: str, jurisdiction: str | None, told: str
) -> None:
    given = {"language": said} if said else {}
    source = Source(name="crm", controller="c", notices="crm@example.com", **given)
    known = {} if jurisdiction is None else {"c": Controller(name="c", jurisdiction=jurisdiction)}
    wishes = make_wishes(Access(sources={"crm": source}, controllers=known, reviewers={}))
    assert wishes["crm"].language == told


async def test_upstreams_follow_the_access_file() -> None:
    """Another key ends the pause that a wrong one brought; one that went still gets what was accepted."""

    def change(key: str, *names: str) -> None:
        to = {"provider": "sendgrid", "key": key, "url": target.url.rpartition("/")[0]}
        sources = {name: Source(name=name, controller="c", upstream=to) for name in names}
        named = Access(sources=sources, controllers={}, reviewers={})
        targets = {f"upstream-{name}": parse_upstream(to) for name in names}
        change_worker(world.worker, targets, named, world.clock)

    async def send(source: str) -> Outcome:
        raw = b'{"upstream":{"path":"/v3/mail/send","json":"{}"}}'
        item = entry(source=source, relay=f"upstream-{source}", format="json", raw=raw)
        world.send(item)
        return (await world.attempt(item)).outcome

    async with (
        ScriptedTarget(["401", "200", "200", "200"]) as target,
        ScriptedRelay() as relay,
        delivering(relay.url()) as world,
    ):
        change("wrong", "shop")
        assert await send("shop") is Outcome.DEFERRED
        assert "upstream-shop" in world.worker.down
        change("right", "shop", "late")
        assert [await send("shop"), await send("late")] == [Outcome.DELIVERED] * 2
        change("right", "shop")
        assert await send("late") is Outcome.DELIVERED
    keys = [post.headers["Authorization"].removeprefix("Bearer ") for post in target.posts]
    assert keys == ["wrong", "right", "right", "right"]
