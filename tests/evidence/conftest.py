"""A database with some of everything in it."""

import asyncio
from pathlib import Path

import apsw
import pytest

from gateway.policy.policies import PolicySet
from gateway.store.protocol import HoldFilter
from tests.evidence.traffic import POLICIES, traffic
from tests.intake.policies import policies
from tests.line import Clock, line


@pytest.fixture
def rules(tmp_path: Path) -> PolicySet:
    """Newsletters need a consent, outreach waits for one."""
    return policies(tmp_path, *POLICIES)


@pytest.fixture
def database(tmp_path: Path, rules: PolicySet) -> Path:
    """The file of a database that nobody has open."""

    async def make() -> None:
        async with line(tmp_path, rules, clock=Clock()) as gateway:
            await traffic(gateway)
            assert await gateway.store.holds(HoldFilter(status="rejected"))

    asyncio.run(make())
    return tmp_path / "line.db"


def change(path: Path, sql: str, *values: object) -> int:
    """Change a database behind everyone's back; how many rows changed."""
    db = apsw.Connection(str(path))
    db.execute(sql, values)  # type: ignore[arg-type]
    changed = db.changes()
    db.close()
    return changed
