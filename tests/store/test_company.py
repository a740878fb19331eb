"""A batch waits a moment for units that are on their way, and no longer; nothing polls without cause."""

import asyncio
from pathlib import Path

from gateway.store.committer import PATIENCE
from gateway.store.draft import Draft, Needs
from gateway.store.sqlite import SqliteStore
from tests.line import Clock


class Nothing:
    needs = Needs()

    def apply(self, draft: Draft[None]) -> None:
        """Only the batch that it is in counts."""


async def opened(folder: Path, sizes: list[int]) -> SqliteStore:
    store = SqliteStore(folder / "one.db", clock=Clock(), observe=lambda _, size: sizes.append(size))
    await store.start()
    await asyncio.sleep(0.05)  # the first look at the outbox is a batch too
    sizes.clear()
    return store


async def test_units_on_their_way_share_the_batch(tmp_path: Path) -> None:
    sizes: list[int] = []
    store = await opened(tmp_path, sizes)
    store.expect(3)
    first = store.queue(Nothing())
    await asyncio.sleep(PATIENCE / 4)
    assert not first.done()
    store.expect(-3)
    await asyncio.gather(first, *(store.queue(Nothing()) for _ in range(3)))
    assert sizes == [4]
    await store.close()


async def test_what_never_comes_is_not_waited_for(tmp_path: Path) -> None:
    sizes: list[int] = []
    store = await opened(tmp_path, sizes)
    store.expect(5)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await store.run(Nothing())
    assert loop.time() - began >= PATIENCE * 0.9
    assert sizes == [1]
    async with asyncio.timeout(5):
        await store.close()


async def test_an_empty_outbox_is_not_asked_again_and_again(tmp_path: Path) -> None:
    sizes: list[int] = []
    store = await opened(tmp_path, sizes)
    waiting = asyncio.ensure_future(store.take(10))
    for _ in range(20):
        await store.run(Nothing())
    assert sizes == [1] * 20
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await store.close()
