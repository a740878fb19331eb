"""Where rows are read from, so that a process of its own can open it too."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from gateway.evidence.entries import FileRows, Rows
from gateway.store.postgres_link import Link, read_address

T = TypeVar("T")

NAME = "galateo evidence"
"""What PostgreSQL's own views call these sessions."""


class ServerRows:
    """A PostgreSQL database that is only read."""

    def __init__(self, url: str) -> None:
        self._link = Link(read_address(url), NAME)

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a statement finds in what is committed."""
        return await self._link.rows(sql, values)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._link.close()


@dataclass(frozen=True, slots=True)
class Origin:
    """An SQLite file, or else the URL of a PostgreSQL database, which holds its password and is not shown."""

    file: Path | None = None
    url: str = field(default="", repr=False)

    def open(self) -> FileRows | ServerRows:
        """The rows. Raises StoreError where a file cannot be opened; a server says so when it is asked."""
        return ServerRows(self.url) if self.file is None else FileRows(self.file)


class Bench:
    """A worker process's rows, with the one event loop in which they are asked."""

    def __init__(self, origin: Origin) -> None:
        self.rows = origin.open()
        self._runner = asyncio.Runner()

    def run(self, action: Callable[[Rows], Coroutine[Any, Any, T]]) -> T:
        """Do something with the rows."""
        return self._runner.run(action(self.rows))

    def close(self) -> None:
        """Let go of the database and the loop."""
        self._runner.run(self.rows.close())
        self._runner.close()
