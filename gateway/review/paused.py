"""What is paused and how much it holds, and which names there are to pause: for the console, the API and the
command line."""

from dataclasses import dataclass

from gateway.access import Access
from gateway.store.pauses import AFTER, CODES, LISTED, PREFIX, Pause, Pauses
from gateway.store.protocol import Store

_HELD = (
    "SELECT source, controller, campaign, codes, count(*) FROM holds WHERE status = 'open'"
    " AND codes LIKE '%floor/paused.%' GROUP BY source, controller, campaign, codes"
)
_LATEST = (
    "SELECT DISTINCT campaign FROM (SELECT campaign FROM messages WHERE controller = ? ORDER BY id DESC"
    " LIMIT 20000) AS latest"
)


@dataclass(frozen=True, slots=True)
class Paused:
    """A pause that lasts, and how many messages to a recipient it holds now, alone or not."""

    pause: Pause
    held: int


async def list_paused(store: Store) -> list[Paused]:
    """What is paused, as the store has it at this moment, the oldest first. Raises StoreError."""
    pauses = Pauses()
    pauses.take_up(await store.few(LISTED, (PREFIX, AFTER, store.now())))
    lasting = pauses.lasting
    rows = await store.rows(_HELD) if lasting else []
    return [Paused(one, sum(int(row[4]) for row in rows if _holds(one, *row[:4]))) for one in lasting]


def _holds(one: Pause, source: str, controller: str, campaign: str, codes: str) -> bool:
    if CODES[one.kind] not in codes.split():
        return False
    if one.kind == "source":
        return source == one.name
    return (controller, campaign) == (one.controller, one.name)


def controllers_of(access: Access) -> list[str]:
    """Every controller that the access file names, in order."""
    return sorted({*access.controllers, *(source.controller for source in access.sources.values())})


async def latest_campaigns(store: Store, controller: str) -> set[str]:
    """The campaigns that the latest messages of a controller name. Raises StoreError."""
    return {str(name) for (name,) in await store.rows(_LATEST, (controller,))} - {""}
