"""Whom nobody may write to: asked for every recipient, answered for all that wait in one round trip."""

import asyncio

from gateway.keys import lane_of
from gateway.ledger.person import Stop
from gateway.store.codec import unpack_person
from gateway.store.postgres_link import Link
from gateway.store.protocol import StoreError, Unavailable
from gateway.store.records import Ref

STOPS = (
    "SELECT p.controller, p.subject, p.state FROM unnest($1::int[], $2::text[], $3::bytea[])"
    " AS w (lane, controller, subject) JOIN people p"
    " ON p.lane = w.lane AND p.controller = w.controller AND p.subject = w.subject"
)


class Stops:
    """Looks stops up; while one look-up is under way the next ones gather."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._waiting: dict[Ref, asyncio.Future[tuple[Stop, ...]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def find(self, ref: Ref) -> tuple[Stop, ...]:
        """The stops of one person. Raises StoreError."""
        loop = asyncio.get_running_loop()
        future = self._waiting.get(ref)
        if future is None:
            future = self._waiting[ref] = loop.create_future()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._answer(), name="stops")
        return await asyncio.shield(future)

    async def _answer(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            try:
                found = await self._look_up(list(asked))
            except StoreError as error:
                for future in asked.values():
                    future.set_exception(error)
                    future.exception()
            except BaseException:
                for future in asked.values():
                    future.cancel()
                raise
            else:
                for ref, future in asked.items():
                    future.set_result(found.get(ref, ()))

    async def _look_up(self, refs: list[Ref]) -> dict[Ref, tuple[Stop, ...]]:
        lanes = [lane_of(subject) for _, subject in refs]
        rows = await self._link.fetch(STOPS, lanes, [c for c, _ in refs], [s for _, s in refs])
        return {
            (controller, subject): unpack_person(state).stops
            for controller, subject, state in rows
            if b'"s":[' in state
        }

    async def stop(self) -> None:
        """Tell those who wait that the store is closing."""
        for future in self._waiting.values():
            future.set_exception(Unavailable("the store is closing"))
            future.exception()
        self._waiting = {}
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
