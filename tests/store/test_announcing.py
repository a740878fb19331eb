"""What subscribers are told comes out of both databases alike."""

import asyncpg
import pytest

from gateway.delivery.announcer import Position, keep, pack
from gateway.intake.announce import announce, chains_of, entries_after, entries_since, heads_of
from gateway.intake.delivered import Deliveries, NoteDelivery
from gateway.intake.events import TellEvent
from gateway.intake.failure import FailDelivery
from gateway.ledger.happening import Happening
from gateway.message.envelope import Identifier
from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.postgres import PostgresStore
from tests.line import KEYS
from tests.store.conftest import Stores
from tests.store.wire import Wire


async def test_the_log_is_told_once_and_in_order(stores: Stores) -> None:
    line = await stores.line()
    before = await heads_of(line.store)
    receipts = [await line.submit(to=f"anna{n}@example.org") for n in range(3)]
    await line.consent("anna0@example.org")
    entries = await entries_after(line.store, before, 100)
    said = [await announce(line.store, entry) for entry in entries]
    types = [one.type for one in said if one is not None]
    assert types == ["message.accepted"] * 3 + ["consent.granted"]
    assert [one.data["message_id"] for one in said if one is not None and one.source] == [
        r.id for r in receipts
    ]
    assert await entries_after(line.store, await heads_of(line.store), 100) == []
    assert len(await entries_since(line.store, 0.0, step=2)) == 4
    assert set(await chains_of(line.store)) == set(await heads_of(line.store))


async def test_no_word_of_a_message_is_told(stores: Stores) -> None:
    line = await stores.line()
    before = await heads_of(line.store)
    text = "Ciao Marco Rossi,\n\nti scrivo per {{first_name}}. Last chance: buy our offer now, 50% off!"
    await line.submit(to="anna@example.org", class_="outreach", text=text)
    (entry,) = await entries_after(line.store, before, 10)
    told = await announce(line.store, entry)
    assert told is not None
    reasons = {one["code"]: one["reason"] for one in told.data["violations"]}
    assert reasons["merge_tags.unresolved"] == "A placeholder was not filled in."
    for word in (b"Marco", b"first_name", b"chance", b"50% off", b"anna@"):
        assert word not in told.body


async def test_of_two_who_keep_a_position_one_does(stores: Stores) -> None:
    line = await stores.line()
    first, second = pack(Position(owner="one")), pack(Position(owner="two", until=9.5))
    assert await keep(line.store, "announced:a:b", first, "")
    assert not await keep(line.store, "announced:a:b", second, "")
    assert await keep(line.store, "announced:a:b", second, first)
    assert not await keep(line.store, "announced:a:b", first, first)


async def test_a_delivery_is_noted_once_with_what_settles_it(stores: Stores) -> None:
    line = await stores.line()
    receipt = await line.submit(to="anna@example.org")
    (entry,) = await line.store.take(1)
    before = await heads_of(line.store)
    attempt = Attempt(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, relay="email", code=250)
    deliveries = Deliveries(line.store, frozenset({entry.controller}))
    for _ in range(2):
        line.store.settle(entry, attempt)
        deliveries.hear(entry, attempt)
    await deliveries.stop()
    said = [await announce(line.store, one) for one in await entries_after(line.store, before, 10)]
    assert [(one.type, one.data["message"], one.data["note"]) for one in said if one] == [
        ("message.delivered", receipt.id, "handed_over")
    ]
    assert await line.store.waiting(receipt.id) == []
    quiet = Deliveries(line.store, frozenset({"nobody"}))
    quiet.hear(entry, attempt)
    await quiet.stop()
    assert len(await entries_after(line.store, before, 10)) == 1


def happening(type_: str, address: str, message: str, **data: str) -> Happening:
    return Happening(
        type=type_,
        controller="default",
        source="crm",
        source_event_id=f"{type_} {address} {data}",
        occurred_at=0.0,
        received_at=0.0,
        channel="email",
        recipients=(Identifier(channel="email", address=address, key=address),),
        sender="elena@acme.example",
        message=message,
        data=data,
    )


async def test_what_comes_back_names_the_message_and_its_recipient(stores: Stores) -> None:
    line = await stores.line()
    anna, bruno = "anna@example.org", "bruno@example.org"
    receipt = await line.submit(to=[anna, bruno])
    entries = {entry.address: entry for entry in await line.store.take(2)}
    before = await heads_of(line.store)
    nobody = Attempt(
        outcome=Outcome.FAILED, kind=Kind.PERMANENT, relay="email", phase="rcpt", code=550, enhanced="5.1.1"
    )
    await line.store.run(NoteDelivery(entries[bruno]))
    await line.store.run(FailDelivery(entries[bruno], nobody))
    for told in (
        happening("message.replied", anna, receipt.id, automatic="true"),
        happening("message.bounced", anna, receipt.id, kind="soft"),
        happening("message.bounced", "carla@example.org", receipt.id),
        happening("complaint", anna, ""),
    ):
        await line.store.run(TellEvent(told, KEYS))
    said = [await announce(line.store, one) for one in await entries_after(line.store, before, 100)]
    names = ("message_id", "recipient", "kind", "reply")
    assert [(one.type, *map(one.data.get, names)) for one in said if one] == [
        ("message.delivered", receipt.id, 1, None, None),
        ("message.bounced", receipt.id, 1, "hard", None),
        ("message.replied", receipt.id, 0, None, "automatic"),
        ("message.bounced", receipt.id, 0, "soft", None),
        ("message.bounced", receipt.id, None, "hard", None),
        ("message.complained", None, None, None, None),
    ]


async def test_mail_that_is_given_up_is_told_with_its_cause(stores: Stores) -> None:
    line = await stores.line()
    receipt = await line.submit(to=["anna@example.org", "bruno@example.org"])
    entries = {entry.address: entry for entry in await line.store.take(2)}
    before = await heads_of(line.store)
    full = Attempt(
        outcome=Outcome.FAILED, kind=Kind.PERMANENT, relay="email", phase="data", code=552, enhanced="5.3.4"
    )
    late = Attempt(outcome=Outcome.FAILED, kind=Kind.EXPIRED, relay="email", phase="route")
    await line.store.run(FailDelivery(entries["anna@example.org"], full))
    await line.store.run(FailDelivery(entries["bruno@example.org"], late))
    await line.store.run(TellEvent(happening("message.failed", "carla@example.org", ""), KEYS))
    said = [await announce(line.store, one) for one in await entries_after(line.store, before, 100)]
    names = ("message_id", "recipient", "kind", "code", "status")
    assert [(one.type, *map(one.data.get, names)) for one in said if one] == [
        ("message.failed", receipt.id, 0, "permanent", 552, "5.3.4"),
        ("message.failed", receipt.id, 1, "expired", None, None),
        ("message.failed", None, None, None, None, None),
    ]


@pytest.mark.postgres
async def test_who_wrote_long_ago_costs_no_question_of_its_own(postgres: Stores) -> None:
    """Each start and each command has a chain of its own, for good: a year's are thousands."""
    db = await asyncpg.connect(postgres.url)
    await db.execute(
        "INSERT INTO audit (chain, seq, at, kind, reference, actor, digest, salt, detail, hash)"
        " SELECT 'cli-' || n, s, 0, 'consent.granted', '', '', '', '', '', ''"
        " FROM generate_series(1, 200) AS n, generate_series(1, 3) AS s"
    )
    await db.close()
    wire = Wire()
    async with wire.to(postgres.url) as url:
        store = PostgresStore(url, clock=postgres.clock, serving=False)
        await store.start()
        heads = await heads_of(store)
        before = wire.sent
        assert await entries_after(store, heads, 100) == []
        assert len(await entries_after(store, heads | {"cli-7": 1}, 100)) == 2
        assert wire.sent - before < 20
        await store.close()
    assert {heads[f"cli-{n}"] for n in range(1, 201)} == {3}
