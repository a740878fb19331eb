"""A gateway's line behind the dialects' routes: real sockets, SQLite in a file, the policies of the house."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.ingress.dialects.shop import Shop


@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop with its door open."""
    async with Shop(tmp_path) as opened:
        yield opened
