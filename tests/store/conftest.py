"""Both databases: every test that asks for `stores` runs against SQLite and against PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.store.postgres import PostgresStore
from gateway.store.protocol import Store
from gateway.store.sqlite import SqliteStore
from tests.line import Clock, Line, line
from tests.postgres import database, server


@dataclass(slots=True)
class Stores:
    """One database; `open` makes stores on it, closed in the end."""

    kind: str
    url: str
    folder: Path
    stack: AsyncExitStack
    clock: Clock = field(default_factory=Clock)

    def make(
        self, *, clock: Callable[[], float] | None = None, serving: bool = True, chain: str = "gateway"
    ) -> Store:
        """A store that was not started."""
        now = clock or self.clock
        if self.kind == "sqlite":
            return SqliteStore(self.folder / "line.db", clock=now, serving=serving, chain=chain)
        return PostgresStore(self.url, clock=now, serving=serving, chain=chain)

    async def line(self, *, clock: Clock | None = None, **given: object) -> Line:
        """A line on the database."""
        store = self.make(clock=clock)
        return await self.stack.enter_async_context(
            line(self.folder, clock=clock or self.clock, store=store, **given)  # type: ignore[arg-type]
        )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with server() as url:
        yield url


@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    async with AsyncExitStack() as stack:
        url = ""
        if request.param == "postgres":
            url = await stack.enter_async_context(database(request.getfixturevalue("postgres_server")))
        yield Stores(request.param, url, tmp_path, stack)


@pytest_asyncio.fixture
async def postgres(postgres_server: str, tmp_path: Path) -> AsyncIterator[Stores]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(postgres_server))
        yield Stores("postgres", url, tmp_path, stack)
