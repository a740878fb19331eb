"""Refusals in the tool's own words, over a socket."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.access import Source
from gateway.delivery.echo import Echo, Echoes, Refusal, echoes_of
from gateway.delivery.target import TargetError
from gateway.ingress.feeds.signatures import by_sendgrid
from tests.delivery.setting import until
from tests.relay import ScriptedTarget

KEY = ec.generate_private_key(ec.SECP256R1())
PRIVATE = base64.b64encode(
    KEY.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
).decode()
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()


def refusal(**given: Any) -> Refusal:
    fields: dict[str, Any] = {
        "source": "tool",
        "message_id": "01h",
        "n": 0,
        "address": "ana@example.test",
        "external_id": "",
        "campaign": "",
        "rule": "consent",
        "reason": "No consent for this purpose.",
        "at": 1773309700.0,
    }
    return Refusal(**fields | given)


@asynccontextmanager
async def telling(url: str, dialect: str, **options: str) -> AsyncIterator[Echoes]:
    option = {"listmonk": "bounces", "sendgrid": "events"}[dialect]
    source = Source(name="tool", controller="acme", dialects={dialect: {option: {"url": url, **options}}})
    echoes = Echoes(echoes_of([source]), pauses=(0.0, 0.0))
    task = asyncio.create_task(echoes.run())
    try:
        yield echoes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_listmonk() -> None:
    async with (
        ScriptedTarget(["500", "drop", "200"]) as target,
        telling(target.url, "listmonk", user="api", token="t") as echoes,
    ):
        echoes.add(refusal(external_id="6d5f", campaign="0c8a", rule="suppressed"))
        echoes.add(refusal())
        echoes.add(refusal(source="somebody else"))
        await until(lambda: len(target.posts) == 4)
    told = [json.loads(post.body) for post in target.posts]
    assert told[0] == told[1] == told[2]
    assert (told[2]["subscriber_uuid"], told[2]["campaign_uuid"], told[2]["type"]) == (
        "6d5f",
        "0c8a",
        "complaint",
    )
    assert (told[3]["email"], told[3]["type"]) == ("ana@example.test", "soft"), "a living address stays alive"
    assert target.posts[0].headers["Authorization"] == "Basic " + base64.b64encode(b"api:t").decode()


async def test_sendgrid_signed() -> None:
    async with ScriptedTarget() as target, telling(target.url, "sendgrid", key=PRIVATE) as echoes:
        echoes.add(refusal())
        echoes.add(refusal(n=1, rule="stop_request"))
        await until(lambda: target.posts)
    (post,) = target.posts
    stamp = post.headers["X-Twilio-Email-Event-Webhook-Timestamp"]
    signature = post.headers["X-Twilio-Email-Event-Webhook-Signature"]
    assert by_sendgrid(PUBLIC, signature, stamp, post.body)
    events = json.loads(post.body)
    assert [(e["event"], e["reason"]) for e in events] == [
        ("dropped", "Blocked"),
        ("dropped", "Unsubscribed Address"),
    ]
    assert len({e["sg_event_id"] for e in events}) == 2


async def test_what_a_tool_will_not_have_is_let_go() -> None:
    async with (
        ScriptedTarget(["400"]) as target,
        telling(target.url, "listmonk", user="api", token="t") as echoes,
    ):
        echoes.add(refusal())
        echoes.add(refusal(message_id="02h"))
        await until(lambda: len(target.posts) == 2)
    assert json.loads(target.posts[1].body)["meta"]["message_id"] == "02h"


@pytest.mark.parametrize(
    "dialects",
    [
        {"listmonk": {"bounces": {"url": "https://a.test"}}},
        {"listmonk": {"bounces": "https://a.test"}},
        {"listmonk": {"bounces": {"url": "file:///etc", "user": "a", "token": "b"}}},
        {"sendgrid": {"events": {"url": "https://a.test", "key": "no"}}},
        {"sendgrid": {"events": {"url": "https://a.test", "key": PUBLIC}}},
    ],
)
def test_what_cannot_be_meant_is_said_at_the_start(dialects: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match=r"source 'tool': dialects\."):
        echoes_of([Source(name="tool", controller="acme", dialects=dialects)])


async def test_tools_come_and_go_while_it_tells() -> None:
    def asking(*urls: str) -> dict[str, Echo]:
        options = [{"bounces": {"url": url, "user": "api", "token": "t"}} for url in urls]
        sources = [
            Source(name=f"tool{n}", controller="acme", dialects={"listmonk": option})
            for n, option in enumerate(options)
        ]
        return echoes_of(sources)

    async with ScriptedTarget() as one, ScriptedTarget() as two:
        echoes = Echoes({}, pauses=(0.0,))
        task = asyncio.create_task(echoes.run())
        try:
            echoes.add(refusal(source="tool0"))
            echoes.adopt(asking(one.url, one.url))
            for name in ("tool0", "tool1"):
                assert echoes.hears(name)
                echoes.add(refusal(source=name))
            await until(lambda: len(one.posts) == 2)
            echoes.adopt(asking(two.url))
            for name in ("tool0", "tool1"):
                echoes.add(refusal(source=name))
            await until(lambda: len(two.posts) == 1)
            echoes.adopt({})
            echoes.adopt(asking(two.url, one.url))
            echoes.add(refusal(source="tool1"))
            await until(lambda: len(one.posts) == 3)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
