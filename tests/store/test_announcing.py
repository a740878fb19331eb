"""What subscribers are told comes out of both databases alike."""

from gateway.delivery.announcer import Position, keep, pack
from gateway.intake.announce import announce, chains_of, entries_after, entries_since, heads_of
from gateway.intake.delivered import Deliveries
from gateway.store.attempt import Attempt, Kind, Outcome
from tests.store.conftest import Stores


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
