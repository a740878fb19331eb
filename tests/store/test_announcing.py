"""What subscribers are told comes out of both databases alike."""

from gateway.delivery.announcer import Position, keep, pack
from gateway.intake.announce import announce, chains_of, entries_after, entries_since, heads_of
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
