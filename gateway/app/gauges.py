"""What is measured rather than counted: depths, relays, the disk."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from gateway.metrics import Metrics
from gateway.settings import Settings
from gateway.store.pauses import NOT_ALONE
from gateway.store.protocol import Store, StoreError

HOUR = 3600.0
AGES = (
    ("under 1 h", HOUR),
    ("1 to 4 h", 4 * HOUR),
    ("4 to 24 h", 24 * HOUR),
    ("1 to 3 d", 72 * HOUR),
    ("over 3 d", 0.0),
)
"""How long holds wait: the name of each group, and the seconds up to which it goes."""
_YOUNGER = "count(CASE WHEN created_at > ? THEN 1 END)"
_BY_AGE = (
    f"SELECT {', '.join([_YOUNGER] * (len(AGES) - 1))}, count(*)"  # noqa: S608 (literals)
    f" FROM holds WHERE status = 'open' AND {NOT_ALONE}"
)


async def show_depths(metrics: Metrics, store: Store, now: float) -> None:
    """Show how much waits, and whether the database answers at all. Raises StoreError where it does not."""
    try:
        depths = await store.depths()
    except StoreError:
        metrics.database(up=False)
        raise
    metrics.database(up=True)
    metrics.outbox(depths.outbox, _age(depths.oldest_outbox, now))
    metrics.holds(depths.holds, _age(depths.oldest_hold, now))
    metrics.unanswered(depths.unanswered)
    metrics.hold_ages(await count_ages(store, now))


async def count_ages(store: Store, now: float) -> dict[str, int]:
    """How many holds wait for how long, the freshest first, without those that only wait for the end of a
    pause."""
    [counts] = await store.rows(_BY_AGE, [now - limit for _, limit in AGES[:-1]])
    cumulated = [0, *(int(count) for count in counts)]
    return {name: b - a for (name, _), a, b in zip(AGES, cumulated, cumulated[1:], strict=False)}


def _age(since: float, now: float) -> float:
    return max(now - since, 0.0) if since else 0.0


def show_surroundings(metrics: Metrics, settings: Settings, relays: Mapping[str, bool]) -> None:
    """Show which relays work, and what the embedded database's disk has left."""
    metrics.relays(relays)
    file = settings.sqlite_file
    if file is not None:
        metrics.disk(measure_disk(file))


def measure_disk(file: Path) -> dict[str, int]:
    """Bytes used by the database's files, size of its disk, free there; nothing where it cannot be read."""
    try:
        usage = shutil.disk_usage(file.parent)
        used = sum(each.stat().st_size for each in file.parent.glob(file.name + "*"))
    except OSError:
        return {}
    return {"used": used, "size": usage.total, "free": usage.free}
