from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ingress.feeds.office import Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with Office(tmp_path) as office:
        yield office
