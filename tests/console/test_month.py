"""The demo's month fills the console: every page has something to show, and none breaks on it."""

import time
from pathlib import Path

from gateway import settings
from gateway.app.parts import open_parts
from gateway.demo.month import fill_month


async def test_a_few_days_are_believable(tmp_path: Path) -> None:
    own = settings.load(
        development=True,
        access=tmp_path / "none.yaml",
        database=f"sqlite:///{tmp_path}/month.db",
        keys=tmp_path / "keys",
    )
    assert await fill_month(own, 4, time.time()) > 40
    parts = await open_parts(own, serving=False)
    try:
        rows = await parts.store.rows("SELECT outcome, count(*) FROM decisions GROUP BY outcome")
        assert {outcome for outcome, _ in rows} == {0, 1, 2}
        statuses = {row[0] for row in await parts.store.rows("SELECT DISTINCT status FROM holds")}
        assert {"open", "rejected"} <= statuses
        [(last,)] = await parts.store.rows("SELECT max(at) FROM decisions")
        assert last < time.time()
        assert (await parts.store.depths()).outbox == 0
    finally:
        await parts.store.close()
