"""The webhook relay, judged by the reference implementation of Standard Webhooks."""

import base64
import json
import random
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from gateway.delivery.route import Routes
from gateway.delivery.signature import sign
from gateway.delivery.target import parse_webhook
from gateway.delivery.webhook import WebhookRelay, read_answer, webhook_id, wrap
from gateway.store.attempt import Kind, Outcome
from tests.delivery.outbox import Item, entry
from tests.delivery.setting import Delivering, delivering, until
from tests.relay import ScriptedTarget

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes....").decode()
OLD = "whsec_" + base64.b64encode(b"the one before, as long as that.").decode()
RAW = '{"channel":"linkedin","text":"Ciao, è stato un piacere","n":12345678901234567890123}'.encode()


def note(**given: object) -> Item:
    return entry(**{"channel": "linkedin", "format": "json", "raw": RAW, "address": "in/anna", **given})


@asynccontextmanager
async def posting(
    url: str, *, secret: str = SECRET, connections: int = 1, **given: float
) -> AsyncIterator[Delivering]:
    timeout = given.pop("timeout", 5.0)
    relay = WebhookRelay(
        "hook", parse_webhook(url, secret), connections=connections, timeout=timeout, rng=random.Random(7)
    )
    routes = Routes(formats={"hook": "json"}, other="hook")
    async with delivering(relays={"hook": relay}, routes=routes, **given) as world:
        yield world


async def test_a_message_is_posted_signed_and_whole() -> None:
    item = note()
    async with ScriptedTarget() as target, posting(target.url) as world:
        world.send(item)
        attempt = await world.attempt(item)
    assert (attempt.outcome, attempt.code, attempt.phase) == (Outcome.DELIVERED, 204, "http")
    [post] = target.posts
    assert post.path == "/deliver"
    said = Webhook(SECRET).verify(post.body, post.headers)
    assert set(said) == {"type", "timestamp", "to", "data"}
    assert said["to"] == item.address
    assert said["type"] == "message.deliver"
    assert datetime.fromisoformat(said["timestamp"]).timestamp() == pytest.approx(item.queued_at, abs=0.001)
    assert said["data"] == json.loads(RAW)
    assert RAW in post.body
    assert post.headers["Content-Type"] == "application/json"
    assert post.headers["webhook-id"] == item.id
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(post.body + b" ", post.headers)


async def test_while_a_secret_changes_either_verifies() -> None:
    item = note()
    async with ScriptedTarget() as target, posting(target.url, secret=f"{SECRET} {OLD}") as world:
        world.send(item)
        await world.attempt(item)
    for secret in (SECRET, OLD):
        Webhook(secret).verify(target.posts[0].body, target.posts[0].headers)


@pytest.mark.parametrize(
    ("step", "outcome", "kind", "code"),
    [
        ("200", Outcome.DELIVERED, Kind.DELIVERED, 200),
        ("202", Outcome.DELIVERED, Kind.DELIVERED, 202),
        ("302", Outcome.DEFERRED, Kind.PROTOCOL, 302),
        ("307", Outcome.DEFERRED, Kind.PROTOCOL, 307),
        ("400", Outcome.FAILED, Kind.PERMANENT, 400),
        ("413", Outcome.FAILED, Kind.PERMANENT, 413),
        ("422", Outcome.FAILED, Kind.PERMANENT, 422),
        ("410", Outcome.FAILED, Kind.PERMANENT, 410),
        ("401", Outcome.DEFERRED, Kind.AUTH, 401),
        ("403", Outcome.DEFERRED, Kind.AUTH, 403),
        ("404", Outcome.DEFERRED, Kind.TEMPORARY, 404),
        ("429", Outcome.DEFERRED, Kind.TEMPORARY, 429),
        ("500", Outcome.DEFERRED, Kind.TEMPORARY, 500),
        ("503", Outcome.DEFERRED, Kind.TEMPORARY, 503),
        ("200 cut", Outcome.DELIVERED, Kind.DELIVERED, 200),
        ("200 mute", Outcome.DELIVERED, Kind.DELIVERED, 200),
        ("422 cut", Outcome.FAILED, Kind.PERMANENT, 422),
        ("drop", Outcome.DEFERRED, Kind.DOUBT, 0),
        ("hang", Outcome.DEFERRED, Kind.TIMEOUT, 0),
        ("garbage", Outcome.DEFERRED, Kind.PROTOCOL, 0),
    ],
)
async def test_every_answer_is_told_apart(step: str, outcome: Outcome, kind: Kind, code: int) -> None:
    item = note()
    async with ScriptedTarget([step]) as target, posting(target.url, timeout=0.3) as world:
        world.send(item)
        attempt = await world.attempt(item)
    assert (attempt.outcome, attempt.kind, attempt.code) == (outcome, kind, code)
    assert len(target.posts) == 1  # above all, no redirect was followed


async def test_a_retry_has_the_same_id_and_body_and_a_time_of_its_own() -> None:
    item = note()
    async with ScriptedTarget(["500"]) as target, posting(target.url) as world:
        world.send(item)
        await world.attempt(item)
        world.clock.ahead = 60
        assert (await world.attempt(item, 2)).outcome is Outcome.DELIVERED
    first, second = target.posts
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    for post in target.posts:
        Webhook(SECRET).verify(post.body, post.headers)


async def test_retry_after_is_honored_and_the_whole_relay_pauses() -> None:
    items = [note() for _ in range(4)]
    async with ScriptedTarget(["429 120"]) as target, posting(target.url) as world:
        world.send(*items)
        attempt = await world.attempt(items[0])
        await until(lambda: world.worker.down == {"hook": "temporary"})
        assert len(target.posts) == 1
        assert attempt.next_at - time.time() == pytest.approx(120, abs=2)
        circuit = world.relays["hook"].circuit
        assert 90 < circuit.until - circuit.since < 150


async def test_a_target_that_is_gone_is_left_alone() -> None:
    items = [note() for _ in range(4)]
    async with ScriptedTarget(["410"]) as target, posting(target.url) as world:
        world.send(*items)
        await world.attempt(items[0])
        await until(lambda: world.worker.down)
        circuit = world.relays["hook"].circuit
        assert circuit.until - circuit.since > 200
    assert len(target.posts) == 1


async def test_a_target_that_is_down_gets_everything_in_order_when_it_is_back() -> None:
    items = [note(raw=b'{"n":%d}' % n) for n in range(12)]
    async with ScriptedTarget() as first:
        port = first.port
    async with posting(f"http://127.0.0.1:{port}/deliver") as world:
        world.send(*items)
        await until(lambda: world.worker.down == {"hook": "network"})
        tried = {item.id for item, attempt in world.outbox.settled if attempt.counted}
        assert len(tried) == 5  # it takes so many to be sure
        async with ScriptedTarget(port=port) as target:
            for item in items[5:]:
                assert (await world.attempt(item)).outcome is Outcome.DELIVERED
            assert [json.loads(post.body)["data"]["n"] for post in target.posts] == list(range(5, 12))
            world.clock.ahead = 60
            for item in items[:5]:
                assert (await world.attempt(item, 2)).outcome is Outcome.DELIVERED


async def test_messages_go_side_by_side_but_no_more_than_allowed() -> None:
    items = [note() for _ in range(60)]
    async with ScriptedTarget() as target, posting(target.url, connections=4) as world:
        world.send(*items)
        for item in items:
            assert (await world.attempt(item)).outcome is Outcome.DELIVERED
    assert len({post.headers["webhook-id"] for post in target.posts}) == 60


async def test_stopping_waits_for_a_post_under_way_then_gives_up_on_it() -> None:
    items = [note(), note()]
    async with ScriptedTarget(["hang"]) as target, posting(target.url, grace=0.2) as world:
        world.send(*items)
        await until(lambda: target.posts)
    assert sorted(attempt.kind for _, attempt in world.outbox.settled) == [Kind.DOUBT, Kind.RETURNED]


async def test_a_certificate_nobody_vouches_for_is_refused() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    item = note()
    async with ScriptedTarget(context=context) as target, posting(target.url) as world:
        world.send(item)
        attempt = await world.attempt(item)
    assert (attempt.outcome, attempt.kind) == (Outcome.DEFERRED, Kind.TLS)
    assert attempt.text == "its certificate is refused: unable to get local issuer certificate"
    assert target.posts == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:1/", "cannot connect: connection refused"),
        ("http://nosuchhost.invalid/", "cannot connect: its name is not known"),
        ("https://{}/", "TLS could not be agreed on"),
    ],
)
async def test_what_kept_it_from_being_posted_is_told(url: str, why: str) -> None:
    item = note()
    async with ScriptedTarget() as target, posting(url.format(f"127.0.0.1:{target.port}")) as world:
        world.send(item)
        assert (await world.attempt(item)).text == why


@pytest.mark.parametrize("raw", [b"", b"[]", b"not json", b'"x"', b"{}{}"])
async def test_what_is_no_json_object_is_never_posted(raw: bytes) -> None:
    item = note(raw=raw)
    async with ScriptedTarget() as target, posting(target.url) as world:
        world.send(item)
        assert (await world.attempt(item)).outcome is Outcome.FAILED
    assert target.posts == []


def test_ids_hold_no_dot() -> None:
    assert webhook_id("01J.ABC:x") == "01J-ABC-x"


def test_retry_after_may_be_a_date_and_is_bounded() -> None:
    now = time.time()
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert read_answer(503, date, b"", now).retry_after == pytest.approx(90, abs=2)
    assert read_answer(503, "999999", b"", now).retry_after == 6 * 3600
    assert read_answer(500, "30", b"", now).retry_after == 0


@given(status=st.integers(100, 999), header=st.text(), body=st.binary(max_size=300))
def test_any_answer_means_something(status: int, header: str, body: bytes) -> None:
    result = read_answer(status, header, body, 1.8e9)
    assert (result.kind is Kind.DELIVERED) == (200 <= status < 300)
    assert 0 <= result.retry_after <= 6 * 3600


@given(body=st.text(), id_=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True))
def test_signatures_are_the_reference_implementations(body: str, id_: str) -> None:
    now = datetime.now(UTC)
    secret = parse_webhook("http://x.example", SECRET).secrets[0]
    expected = Webhook(SECRET).sign(id_, now, body)
    assert sign(id_, int(now.timestamp()), body.encode(), [secret]) == expected


@given(data=st.dictionaries(st.text(), st.none() | st.booleans() | st.text() | st.integers()))
def test_the_native_message_is_wrapped_as_it_is(data: dict[str, object]) -> None:
    raw = json.dumps(data).encode()
    item = note(raw=raw, queued_at=1_763_000_000.5)
    body = wrap(item)
    assert body is not None
    assert json.loads(body) == {
        "type": "message.deliver",
        "timestamp": "2025-11-13T02:13:20.500Z",
        "to": item.address,
        "data": data,
    }
