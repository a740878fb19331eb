"""The demo's month fills the console: every page has something to show, and none breaks on it."""

from datetime import datetime
from pathlib import Path

import pytest

from gateway import settings
from gateway.app.parts import open_parts
from gateway.demo.month import fill_month


@pytest.mark.parametrize(
    "day", ["2026-11-19T12:00", "2026-11-22T00:10", "2026-11-23T00:10", "2026-11-23T09:00"]
)
async def test_a_few_days_are_believable(tmp_path: Path, day: str) -> None:
    """On a working day, and where a weekend lies behind it: reviewers have left something open."""
    now = datetime.fromisoformat(f"{day}+00:00").timestamp()
    own = settings.load(
        development=True,
        access=tmp_path / "none.yaml",
        database=f"sqlite:///{tmp_path}/month.db",
        keys=tmp_path / "keys",
    )
    assert await fill_month(own, 5, now) > 40
    parts = await open_parts(own, serving=False)
    try:
        rows = await parts.store.rows("SELECT outcome, count(*) FROM decisions GROUP BY outcome")
        assert {outcome for outcome, _ in rows} == {0, 1, 2}
        statuses = {row[0] for row in await parts.store.rows("SELECT DISTINCT status FROM holds")}
        assert {"open", "rejected"} <= statuses
        [(last,)] = await parts.store.rows("SELECT max(at) FROM decisions")
        assert last < now
        assert (await parts.store.depths()).outbox == 0
    finally:
        await parts.store.close()
