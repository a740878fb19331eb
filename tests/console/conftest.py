from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.place import Browser, Place, place


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Place]:
    async with place(tmp_path) as built:
        yield built


@pytest.fixture
async def ada(here: Place) -> AsyncIterator[Browser]:
    """A browser in which a person of compliance is signed in."""
    async with here.browser() as browser:
        assert await browser.sign_in() == 200
        yield browser
