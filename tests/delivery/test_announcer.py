"""Outgoing webhooks, read by the reference implementation of Standard Webhooks."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from standardwebhooks import Webhook

from gateway.access import Source, Subscription
from gateway.delivery.announcer import (
    DELAYS,
    LEASE,
    Announcer,
    Endpoint,
    endpoints_of,
    open_client,
    position_of,
)
from gateway.delivery.target import TargetError
from gateway.intake.announce import announce, entries_since
from gateway.store.draft import Draft, Needs
from tests.delivery.setting import until
from tests.ingress.http.house import House, event, mail
from tests.relay import Post, ScriptedTarget

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes....").decode()
NEWSLETTER = {"class": "newsletter", "purpose": "newsletter"}


def endpoint(url: str, *events: str, source: str = "crm", controller: str = "acme") -> Endpoint:
    hook = Subscription(url=url, secret=SECRET, events=frozenset(events))
    (made,) = endpoints_of([Source(name=source, controller=controller, webhooks=(hook,))])
    return made


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path) as house:
        yield house


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_client(5.0) as client:
        yield client


class Statement:
    """A change to rows that stand."""

    needs = Needs()

    def __init__(self, sql: str, *values: object) -> None:
        self._stated = (sql, values)

    def apply(self, draft: Draft[None]) -> None:
        draft.writes.statements.append(self._stated)


def announcer(house: House, owner: str = "one") -> Announcer:
    return Announcer(house.store, (), owner, clock=house.clock)


def read(post: Post) -> dict[str, Any]:
    told = Webhook(SECRET).verify(post.body, post.headers)
    assert json.loads(post.body) == told
    return dict(told)


async def happen(house: House) -> str:
    """An acceptance, a refusal and an event; the id of what was accepted."""
    accepted = await house.post(json=mail())
    assert (await house.post(json=mail(**NEWSLETTER))).status == 422
    assert (await house.post("/v1/events", json=event())).status == 202
    return str(accepted.json["id"])


async def test_a_subscriber_hears_what_happens_from_then_on(
    house: House, client: aiohttp.ClientSession
) -> None:
    await house.post(json=mail())
    async with ScriptedTarget() as target:
        teller, hook = announcer(house), endpoint(target.url)
        assert await teller.tell(client, hook)
        assert not await teller.tell(client, hook)
        message = await happen(house)
        assert await teller.tell(client, hook)
        assert not await teller.tell(client, hook)
    accepted, rejected = map(read, target.posts)
    assert (accepted["type"], rejected["type"]) == ("message.accepted", "message.rejected")
    assert accepted["data"]["message_id"] == message
    assert rejected["data"]["violations"][0]["code"].startswith("consent.")
    assert b"ana@example.test" not in b"".join(post.body for post in target.posts)


async def test_only_what_was_subscribed_to(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget() as target, ScriptedTarget() as other:
        hooks = endpoint(target.url, "message.rejected"), endpoint(other.url, controller="beta", source="b")
        teller = announcer(house)
        for hook in hooks:
            await teller.tell(client, hook)
        await happen(house)
        for hook in hooks:
            await teller.tell(client, hook)
    assert [read(post)["type"] for post in target.posts] == ["message.rejected"]
    assert not other.posts


async def test_a_thread_named_after_a_person_is_not_told(house: House, client: aiohttp.ClientSession) -> None:
    whatsapp = "393331234567@s.whatsapp.net"
    linkedin, phone = "linkedin.com/in/ana-ruiz", "+39 333 1234567"
    named = (
        "chat-ana@example.test",
        f"https://www.{linkedin.upper()}",
        whatsapp,
        "<1.2@mail.example>",
        "chat-7",
    )
    ana = (("linkedin", linkedin), ("email", "ana@example.test"), ("phone", phone))
    who = {"addresses": [{"type": kind, "value": value} for kind, value in ana]}
    async with ScriptedTarget() as target:
        teller, hook = announcer(house), endpoint(target.url, "message.replied")
        await teller.tell(client, hook)
        for n, thread in enumerate(named):
            said = event("message.replied", source_event_id=f"r{n}", thread={"id": thread}, recipient=who)
            assert (await house.post("/v1/events", json=said)).status == 202
        await teller.tell(client, hook)
    assert [read(post)["data"].get("thread") for post in target.posts] == [None, None, None, *named[3:]]


async def test_a_hold_that_a_stop_ended_is_told_to_its_source(
    house: House, client: aiohttp.ClientSession
) -> None:
    held = await house.post(json=mail(**{"class": "promotion", "purpose": "offers"}))
    assert held.json["status"] == "held", held.json
    async with ScriptedTarget() as target:
        teller, hook = announcer(house), endpoint(target.url, "message.cancelled")
        await teller.tell(client, hook)
        stop = event("unsubscribe", sender=mail()["sender"], recipient=mail()["recipient"])
        assert (await house.post("/v1/events", json=stop)).status == 202
        await teller.tell(client, hook)
    [said] = map(read, target.posts)
    assert (said["data"]["hold_id"], said["data"]["message_id"]) == (f"{held.json['id']}-0", held.json["id"])


async def test_what_concerns_people_is_told_without_them(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget() as target:
        teller, hook = announcer(house), endpoint(target.url, "message.replied", "consent.withdrawn")
        await teller.tell(client, hook)
        replied = event("message.replied", source_event_id="r", text="Yes, gladly: call ana@example.test")
        await house.post("/v1/events", json=replied)
        await house.post("/v1/events", json=event("unsubscribe", source_event_id="u"))
        await teller.tell(client, hook)
    told = [read(post) for post in target.posts]
    assert told[0]["type"] == "message.replied"
    assert {one["type"] for one in told[1:]} == {"consent.withdrawn"}
    assert b"ana" not in b"".join(post.body for post in target.posts).lower()


async def test_a_hold_and_its_release(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget() as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        held = await house.post(json=mail(**{"class": "promotion", "purpose": "offers"}))
        await house.review.release(held.json["hold_id"], "rita", "written for her")
        await teller.tell(client, hook)
    assert [read(post)["type"] for post in target.posts] == ["message.held", "message.released"]


async def test_failures_are_tried_again_in_order(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget(["503", "drop", "500 9000"]) as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        await happen(house)
        for delay in DELAYS[:3]:
            before = len(target.posts)
            assert not await teller.tell(client, hook)
            assert not await teller.tell(client, hook), "not before its time"
            assert len(target.posts) == before + 1
            house.offset += delay * 1.3
        assert await teller.tell(client, hook)
    ids = [post.headers["webhook-id"] for post in target.posts]
    assert len(set(ids[:4])) == 1
    assert len(ids) == 5


async def test_what_was_taken_is_told_once_though_the_answer_breaks_off(
    house: House, client: aiohttp.ClientSession
) -> None:
    async with ScriptedTarget(["200 cut"]) as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        await happen(house)
        while await teller.tell(client, hook):
            pass
    ids = [post.headers["webhook-id"] for post in target.posts]
    assert len(ids) == len(set(ids)) == 2


async def test_the_log_says_why_nobody_answered(
    house: House, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Where there is no answer, there is no code."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with ScriptedTarget(context=context) as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        await happen(house)
        await teller.tell(client, hook)
        assert target.posts == []
    (failed,) = [vars(record) for record in caplog.records if record.message == "announcer.failed"]
    assert failed["cause"] == "its certificate is refused: unable to get local issuer certificate"


async def test_what_will_never_be_taken_holds_up_nothing(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget(["422"]) as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        await happen(house)
        await teller.tell(client, hook)
        assert len(target.posts) == 2


async def test_given_up_after_three_days(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget(["500"] * (len(DELAYS) + 1)) as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        await happen(house)
        for delay in (*DELAYS, 0):
            await teller.tell(client, hook)
            house.offset += delay * 1.3
        assert [p.headers["webhook-id"] for p in target.posts].count(
            target.posts[0].headers["webhook-id"]
        ) == 10
        assert len(target.posts) == 11, "and the next one went out"


async def test_410_ends_it(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget(["410"]) as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        await happen(house)
        await teller.tell(client, hook)
        house.offset += 1e6
        assert not await teller.tell(client, hook)
        assert len(target.posts) == 1
    position, _ = await position_of(house.store, hook)
    assert position is not None
    assert position.gone


async def test_of_two_replicas_one_tells(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget(["hang"]) as target:
        one, two, hook = announcer(house), announcer(house, "two"), endpoint(target.url)
        await one.tell(client, hook)
        await happen(house)
        async with open_client(60.0) as patient:
            telling = asyncio.create_task(one.tell(patient, hook))
            await until(lambda: bool(target.posts))
            assert not await two.tell(client, hook)
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        house.offset += LEASE + 1
        assert await two.tell(client, hook), "the other one died"
        assert not await one.tell(client, hook)
    assert len(target.posts) == 3


async def test_replay_makes_the_same_again(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget() as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        await happen(house)
        await teller.tell(client, hook)
    said = [await announce(house.store, entry) for entry in await entries_since(house.store, 0.0)]
    wanted = [one for one in said if one is not None and hook.wants(one)]
    assert [(one.id, one.body) for one in wanted] == [
        (post.headers["webhook-id"], post.body) for post in target.posts
    ]
    assert not await entries_since(house.store, house.clock() + 60)


async def test_what_was_erased_holds_up_nothing(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget() as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        await happen(house)
        emptied = "UPDATE decisions SET violations = ? WHERE outcome = ?"
        await house.store.run(Statement(emptied, b"no JSON", 0))
        await house.store.run(Statement(emptied, b"", 2))
        await teller.tell(client, hook)
    (told,) = map(read, target.posts)
    assert (told["type"], told["data"]["violations"]) == ("message.rejected", [])


@pytest.mark.parametrize(
    "given",
    [
        {"url": "ftp://a.test/", "secret": SECRET},
        {"url": "https://a.test/", "secret": "short"},
        {"url": "https://a.test/", "secret": SECRET, "events": {"message.opened"}},
    ],
)
def test_what_cannot_be_meant_is_said_at_the_start(given: dict[str, Any]) -> None:
    source = Source(name="crm", controller="acme", webhooks=(Subscription(**given),))
    with pytest.raises(TargetError, match="source 'crm'"):
        endpoints_of([source])


async def test_a_store_that_fails_is_told_once_and_with_its_cause(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with ScriptedTarget() as target:
        hooks = [endpoint(f"{target.url}/{n}") for n in range(3)]
        await house.store.run(Statement("ALTER TABLE settings RENAME TO elsewhere"))
        running = asyncio.create_task(Announcer(house.store, hooks, "one", poll=0.01).run())
        await until(lambda: any(record.message == "announcer.store" for record in caplog.records))
        await asyncio.sleep(0.3)
        running.cancel()
    [said] = [record for record in caplog.records if record.message == "announcer.store"]
    assert vars(said)["problem"].startswith("the database does not answer")


async def test_subscribers_come_and_go_while_it_tells(house: House) -> None:
    """Who stays goes on where it was, with its secret of today; who went hears nothing more."""
    teller = announcer(house)
    telling = asyncio.create_task(teller.run())
    async with ScriptedTarget() as target, ScriptedTarget() as other:
        try:
            stays, goes = endpoint(target.url), endpoint(other.url)
            teller.adopt((stays, goes))
            for hook in (stays, goes):
                await _known(house, hook)
            await happen(house)
            await until(lambda: len(target.posts) == len(other.posts) == 2)
            fresh = "whsec_" + base64.b64encode(b"another secret of 32 bytes......").decode()
            hook = Subscription(url=target.url, secret=fresh)
            (changed,) = endpoints_of([Source(name="crm", controller="acme", webhooks=(hook,))])
            teller.adopt((changed,))
            await happen(house)
            await until(lambda: len(target.posts) == 4)
            Webhook(fresh).verify(target.posts[-1].body, target.posts[-1].headers)
            teller.adopt((changed, goes))
            await until(lambda: len(other.posts) == 4)  # from where it was
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
    assert len({post.headers["webhook-id"] for post in target.posts}) == 4


async def _known(house: House, hook: Endpoint) -> None:
    while (await position_of(house.store, hook))[0] is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_a_batch_breaks_off_for_whom_it_is_no_more(house: House, client: aiohttp.ClientSession) -> None:
    async with ScriptedTarget() as target:
        teller, hook = announcer(house), endpoint(target.url)
        await teller.tell(client, hook)
        await happen(house)
        await teller.tell(client, hook, lambda: not target.posts)
        assert len(target.posts) == 1
